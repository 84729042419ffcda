"""Coverage, diversity, novelty and popularity on tables small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.evaluate.lists import (
    coverage,
    diversity_by_categories,
    diversity_by_vectors,
    history_popularity,
    mean_popularity,
    novelty,
)
from zhiyin.types import Histories

NAN = float("nan")


def rows(*lists: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return np.array(lists, dtype=np.int32)


def test_coverage_counts_what_may_be_shown() -> None:
    allowed = np.array([True, True, True, True, False])
    assert coverage(rows([0, 1], [1, -1]), allowed) == 0.5
    assert coverage(rows([0, 1], [2, 3]), allowed) == 1
    assert coverage(rows([-1, -1]), allowed) == 0
    assert np.isnan(coverage(rows([-1]), np.zeros(2, dtype=bool)))


VECTORS = np.array([[1, 0], [0, 1], [1, 0], [-1, 0], [0, 0]], dtype=np.float32)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([0, 1], 1.0),
        ([0, 2], 0.0),
        ([0, 3], 2.0),
        ([0, 1, 2], 1 - 1 / 3),
        ([0, 4, 2], 0.0),
        ([0, 2, -1], 0.0),
        ([0, 4, -1], NAN),
        ([0, -1, -1], NAN),
        ([-1, -1, -1], NAN),
    ],
)
def test_diversity_by_vectors(items: list[int], expected: float) -> None:
    np.testing.assert_allclose(diversity_by_vectors(rows(items), VECTORS), [expected], atol=1e-12)


def test_diversity_agrees_with_the_plain_definition_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    chunk = 50
    monkeypatch.setattr("zhiyin.evaluate.lists.CHUNK_CELLS", chunk * 5 * 8)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(30, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = np.array([random.permutation(30)[:5] for _ in range(chunk + 7)], dtype=np.int32)
    got = diversity_by_vectors(lists, vectors)
    for user in (0, chunk - 1, chunk, chunk + 6):
        cosines = [float(vectors[a] @ vectors[b]) for i, a in enumerate(lists[user]) for b in lists[user][i + 1 :]]
        assert got[user] == pytest.approx(1 - np.mean(cosines), abs=1e-5)


CATEGORIES = [["红", "b"], ["b", "红", "b"], ["b"], ["c/d"], []]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([0, 1], 0.0),
        ([0, 2], 0.5),
        ([0, 3], 1.0),
        ([0, 2, 3], (0.5 + 1 + 1) / 3),
        ([0, 4, 2], 0.5),
        ([0, 4, -1], NAN),
        ([-1, -1, -1], NAN),
    ],
)
def test_diversity_by_categories(items: list[int], expected: float) -> None:
    np.testing.assert_allclose(diversity_by_categories(rows(items), CATEGORIES), [expected])


def test_novelty_is_surprise_in_bits() -> None:
    counts = np.array([8, 4, 1, 0])
    got = novelty(rows([0, -1], [1, -1], [2, 3], [0, 2], [-1, -1]), counts, users=8)
    np.testing.assert_allclose(got, [0, 1, 3, 1.5, NAN])


def test_popularity_of_lists_and_of_histories() -> None:
    counts = np.array([8, 4, 1, 0])
    np.testing.assert_allclose(mean_popularity(rows([0, 1], [3, -1], [-1, -1]), counts), [6, 0, NAN])
    np.testing.assert_allclose(history_popularity(Histories.of([[0, 1, 2, 3], [], [2]]), counts), [13 / 4, NAN, 1])


def test_no_users() -> None:
    nobody = np.empty((0, 3), dtype=np.int32)
    assert len(diversity_by_vectors(nobody, VECTORS)) == 0
    assert len(diversity_by_categories(nobody, CATEGORIES)) == 0
    assert len(novelty(nobody, np.array([1]), 1)) == 0
