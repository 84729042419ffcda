from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.candidates import topn
from zhiyin.candidates.topn import among_best, best_of, top_of_product


def by_hand(block: NDArray[Any], k: int) -> tuple[list[list[int]], list[list[float]]]:
    rows, scores = [], []
    for line in block:
        spoken = [column for column in range(len(line)) if line[column] != 0 and np.isfinite(line[column])]
        best = sorted(spoken, key=lambda column: (-line[column], column))[:k]
        rows.append(best + [-1] * (k - len(best)))
        scores.append([float(line[column]) for column in best] + [-np.inf] * (k - len(best)))
    return rows, scores


@pytest.mark.parametrize("k", [1, 3, 20, 60])
@pytest.mark.parametrize("kind", ["real", "tied", "positive", "mostly zero", "barred", "negative"])
def test_best_of(kind: str, k: int) -> None:
    rng = np.random.default_rng(k)
    block = rng.normal(size=(30, 500 if k < 60 else 50)).astype(np.float32)
    if kind == "tied":
        block = np.round(block)
    elif kind == "positive":
        block = np.abs(block)
    elif kind == "mostly zero":
        block[rng.random(block.shape) < 0.97] = 0
    elif kind == "barred":
        block[rng.random(block.shape) < 0.97] = -np.inf
    elif kind == "negative":
        block = -np.abs(block)
    kept = block.copy()
    rows, scores = best_of(block, k)
    assert (rows.tolist(), scores.tolist()) == by_hand(block, k)
    assert np.array_equal(block, kept)


def test_best_of_by_eye() -> None:
    rows, scores = best_of(np.array([[0.5, 0, 2, -1, 2, -np.inf]], dtype=np.float32), 5)
    assert rows.tolist() == [[2, 4, 0, 3, -1]]
    assert scores.tolist() == [[2, 2, 0.5, -1, -np.inf]]


def test_best_of_extreme_values() -> None:
    top = np.finfo(np.float32).max
    tiny = np.float32(1e-45)
    rows, _ = best_of(np.array([[-top, -tiny, top, tiny]], dtype=np.float32), 4)
    assert rows.tolist() == [[2, 3, 1, 0]]


def test_best_of_nobody_and_nothing() -> None:
    assert best_of(np.zeros((0, 4), dtype=np.float32), 2)[0].shape == (0, 2)
    assert best_of(np.zeros((3, 0), dtype=np.float32), 2)[0].tolist() == [[-1, -1]] * 3


@pytest.mark.parametrize("processors", [1, 2, 5])
@pytest.mark.parametrize("k", [1, 4, 40, 400])
@pytest.mark.parametrize("values", ["real", "tied", "all equal", "negative"])
def test_product_equals_dense(values: str, k: int, processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topn, "threads", lambda: processors)
    rng = np.random.default_rng(k)
    left = sparse.random_array((60, 90), density=0.05, rng=rng, dtype=np.float32, format="csr")
    right = sparse.random_array((90, 300), density=0.2, rng=rng, dtype=np.float32, format="csr")
    if values == "tied":
        left.data, right.data = np.ceil(left.data * 2), np.round(right.data * 4 - 2)
    elif values == "all equal":
        left.data[:], right.data[:] = 1, 1
    elif values == "negative":
        right.data -= 1
    right.data[rng.random(right.nnz) < 0.02] = -np.inf
    rows, scores = top_of_product(left, right, k)
    dense_rows, dense_scores = best_of((left @ right).toarray(), k)
    assert np.array_equal(rows, dense_rows)
    assert np.array_equal(scores, dense_scores)


def test_product_of_nothing() -> None:
    empty, full = sparse.csr_array((2, 3), dtype=np.float32), sparse.csr_array(np.ones((3, 3), dtype=np.float32))
    for left, right in ((empty, full), (sparse.csr_array(np.ones((2, 3), np.float32)), empty.T.tocsr()[:, :0])):
        rows, scores = top_of_product(left, right, 2)
        assert rows.tolist() == [[-1, -1]] * 2
        assert (scores == -np.inf).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 14), st.integers(0, 10_000))
def test_who_is_among_the_best_without_their_order(people: int, n: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    block = random.choice([-2, -1, 0, 0, 1, 2, 3, -np.inf], size=(people, n)).astype(np.float32)
    rows, _ = best_of(block, k)
    expected = np.zeros(block.shape, dtype=np.bool_)
    expected[np.nonzero(rows >= 0)[0], rows[rows >= 0]] = True
    before = block.copy()
    assert np.array_equal(among_best(block, k), expected)
    assert np.array_equal(block, before), "what was asked about stays"
