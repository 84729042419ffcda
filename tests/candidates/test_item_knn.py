from __future__ import annotations

import numpy as np
import pytest

from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.testing.fixtures import checkerboard, training_data
from zhiyin.types import Histories


@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
def test_checkerboard(weighting: str) -> None:
    data = checkerboard()
    model = ItemKNN(weighting=weighting).fit(data)
    rows, _ = model.top_k(data.interactions.histories, 1)
    assert rows.ravel().tolist() == list(range(20))


def test_cosine_by_hand() -> None:
    data = training_data({"u": ["a", "b"], "v": ["a"], "w": ["c"]})
    assert ItemKNN(shrink=0).fit(data).matrix.toarray() == pytest.approx(
        np.array([[0, 1 / np.sqrt(2), 0], [1 / np.sqrt(2), 0, 0], [0, 0, 0]])
    )
    assert ItemKNN(shrink=2).fit(data).matrix.toarray()[0, 1] == pytest.approx(1 / np.sqrt((2 + 2) * (1 + 2)))


def test_shrink_trusts_many_users_more() -> None:
    pairs = {f"u{user}": ["often", "with often"] for user in range(10)} | {"v": ["often", "once"], "w": ["once"]}
    pairs |= {f"x{user}": ["often"] for user in range(30)}
    data = training_data({**pairs, "y": ["rare", "with rare"]}, items=["often", "with often", "rare", "with rare"])
    history = Histories.of([[0, 2]])
    assert ItemKNN(shrink=0, decay=1).fit(data).top_k(history, 1)[0].tolist() == [[3]]
    assert ItemKNN(shrink=10, decay=1).fit(data).top_k(history, 1)[0].tolist() == [[1]]


def test_keeps_the_closest_neighbours_only() -> None:
    data = training_data({"u": ["a", "b", "c"], "v": ["a", "b"], "w": ["c", "d"]})
    matrix = ItemKNN(neighbours=1, shrink=0).fit(data).matrix
    assert matrix.indices.tolist() == [1, 0, 3, 2]
    assert np.diff(matrix.indptr).tolist() == [1, 1, 1, 1]


def test_decay_follows_the_latest_event() -> None:
    data = training_data({"u": ["a", "x"], "v": ["b", "y"]}, items=["a", "b", "x", "y"])
    recent_b = Histories.of([[0, 1]])
    assert ItemKNN(decay=0.5).fit(data).top_k(recent_b, 1)[0].tolist() == [[3]]
    assert ItemKNN(decay=1.0).fit(data).top_k(recent_b, 1)[0].tolist() == [[2]]


@pytest.mark.parametrize("weighting", ["tfidf", "bm25"])
def test_users_who_take_everything_say_less(weighting: str) -> None:
    everything = [f"i{item}" for item in range(30)]
    data = training_data(
        {"hoarder": ["a", "b", *everything], "hoarder 2": ["a", "b", *everything], "u": ["a", "c"], "v": ["c", "a"]},
        items=["a", "b", "c"],
    )
    matrix = ItemKNN(weighting=weighting, shrink=0).fit(data).matrix.toarray()
    assert matrix[0, 2] > matrix[0, 1] > 0
