from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.candidates.base import Recommender
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, from_neighbours, user_items
from zhiyin.errors import ModelError
from zhiyin.types import Histories, TrainingData


class Fixed(ItemMatrixModel):
    """Uses the matrix it is handed."""

    name = "fixed"

    def fit(self, data: TrainingData) -> Fixed:
        raise AssertionError("not used")


def fixed(matrix: sparse.csr_array) -> Fixed:
    return Fixed().restore({"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data})


def random_histories(rng: np.random.Generator, users: int, items: int) -> Histories:
    lengths = rng.integers(0, 12, size=users)
    return Histories.of(
        [rng.integers(0, items, size=length).tolist() for length in lengths],
        weights=[rng.choice([0.0, 0.5, 1.0, 2.0], size=length).tolist() for length in lengths],
    )


def test_score_is_the_weighted_sum_of_rows() -> None:
    matrix = sparse.csr_array(np.array([[0, 1, 2], [3, 0, 0], [0, -1, 0]], dtype=np.float32))
    model = fixed(matrix)
    histories = Histories.of([[0, 1], [2, 2], []], weights=[[1, 10], [1, 2], []])
    assert model.score(histories).tolist() == [[30, 1, 2], [0, -3, 0], [0, 0, 0]]
    assert model.contributions(histories.slice(0, 1), 0).tolist() == [0, 30]
    assert model.contributions(histories.slice(1, 2), 1).tolist() == [-1, -2]


@pytest.mark.parametrize("kind", ["real", "tied", "dense"])
@pytest.mark.parametrize("exclude", [True, False])
@pytest.mark.parametrize("forbid", [None, 0.0, 0.3, 1.0])
def test_sparse_way_equals_dense_way(kind: str, exclude: bool, forbid: float | None) -> None:
    rng = np.random.default_rng(7)
    n = 250
    matrix = sparse.random_array((n, n), density=1.0 if kind == "dense" else 0.1, rng=rng, dtype=np.float32).tocsr()
    matrix.data -= np.float32(0.3)
    if kind == "tied":
        matrix.data = np.round(matrix.data * 3)
    model = fixed(matrix)
    histories = random_histories(rng, 300, n)
    allowed: NDArray[Any] | None = None if forbid is None else rng.random(n) >= forbid
    for k in (1, 10, 300):
        rows, scores = model.top_k(histories, k, exclude_seen=exclude, allowed=allowed)
        dense_rows, dense_scores = Recommender.top_k(model, histories, k, exclude_seen=exclude, allowed=allowed)
        assert np.array_equal(rows, dense_rows)
        assert np.array_equal(scores, dense_scores)


def test_batches_join(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    model = fixed(sparse.random_array((50, 50), density=0.2, rng=rng, dtype=np.float32).tocsr())
    histories = random_histories(rng, 100, 50)
    whole = model.top_k(histories, 5)
    monkeypatch.setattr("zhiyin.candidates.matrix.BATCH_USERS", 7)
    monkeypatch.setattr("zhiyin.candidates.base.CHUNK_CELLS", 150)
    for way in (model.top_k(histories, 5), Recommender.top_k(model, histories, 5)):
        assert np.array_equal(whole[0], way[0])
        assert np.array_equal(whole[1], way[1])


def test_nothing_to_say_is_padded() -> None:
    model = fixed(sparse.csr_array(np.array([[0, 1, -1, 0], [0] * 4, [0] * 4, [0] * 4], dtype=np.float32)))
    for users in (1, 40):
        rows, scores = model.top_k(Histories.of([[0], [3]] * users), 3)
        assert rows.tolist() == [[1, 2, -1], [-1, -1, -1]] * users
        assert scores.tolist() == [[1, -1, -np.inf], [-np.inf] * 3] * users


def test_refuses_items_it_does_not_know() -> None:
    model = fixed(sparse.csr_array((2, 2), dtype=np.float32))
    with pytest.raises(ModelError, match="outside its 2 items"):
        model.score(Histories.of([[2]]))


def test_decayed_counts_back_from_the_latest() -> None:
    histories = Histories.of([[5, 6, 7], [8]], weights=[[4, 2, 1], [3]])
    assert decayed(histories, 0.5).tolist() == [1, 1, 1, 3]
    assert decayed(histories, 1.0).tolist() == [4, 2, 1, 3]


def test_user_items_adds_repeats() -> None:
    counts = user_items(Histories.of([[2, 0, 2], []], weights=[[1, 2, 3], []]), 3)
    assert counts.toarray().tolist() == [[2, 0, 4], [0, 0, 0]]


def test_from_neighbours() -> None:
    matrix = from_neighbours(
        np.array([[2, 1], [0, -1], [-1, -1]], dtype=np.int32),
        np.array([[0.5, 0.25], [1, -np.inf], [-np.inf, -np.inf]], dtype=np.float32),
    )
    assert matrix.toarray().tolist() == [[0, 0.25, 0.5], [1, 0, 0], [0, 0, 0]]
    assert matrix.has_sorted_indices
