from __future__ import annotations

import numpy as np

from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.testing.fixtures import DAY, START, training_data
from zhiyin.types import Histories

NOBODY = Histories.of([[]])


def listed(model: WindowedPopularity, histories: Histories = NOBODY, k: int = 9) -> list[int]:
    return [int(row) for row in model.top_k(histories, k)[0][0] if row >= 0]


def test_counts_users_not_events() -> None:
    data = training_data({"u": ["b", "b", "b"], "v": ["a"], "w": ["a"]}, items=["a", "b"])
    model = WindowedPopularity(days=None).fit(data)
    assert model.popularity.tolist() == [2, 1]


def test_weight_is_the_strongest_event() -> None:
    data = training_data({"u": ["a", "a"], "v": ["a"]}, weights={"u": [5, 2], "v": [0.5]})
    assert WindowedPopularity(days=None).fit(data).popularity.tolist() == [5.5]


def test_window_first_then_all_time_then_never() -> None:
    old, fresh = START, START + 100 * DAY
    data = training_data(
        {"u": ["old", "new"], "v": ["old", "older", "new"], "w": ["old", "new2"]},
        items=["never", "older", "old", "new2", "new"],
        times={"u": [old, fresh], "v": [old, old, fresh], "w": [old, fresh]},
    )
    assert listed(WindowedPopularity(days=30).fit(data)) == [4, 3, 2, 1, 0]
    assert listed(WindowedPopularity(days=None).fit(data)) == [2, 4, 1, 3, 0]
    assert (WindowedPopularity(days=30).fit(data).popularity > 0).all()


def test_window_counts_back_from_now() -> None:
    data = training_data({"u": ["a", "b"], "v": ["a"]}, times={"u": [START, START + DAY], "v": [START]})
    assert listed(WindowedPopularity(days=0.5).fit(data)) == [1, 0]
    later = training_data(
        {"u": ["a", "b"], "v": ["a"]}, times={"u": [START, START + DAY], "v": [START]}, now=START + 50 * DAY
    )
    assert listed(WindowedPopularity(days=0.5).fit(later)) == [0, 1]


def test_without_times_all_time() -> None:
    data = training_data({"u": ["b"], "v": ["b", "a"]}, items=["a", "b"])
    assert WindowedPopularity(days=30).fit(data).popularity.tolist() == [1, 2]


def test_small_weights_keep_the_order() -> None:
    """The tail stays below the window even where the window's weights are tiny."""
    data = training_data(
        {"u": ["old", "new"], "v": ["old"]},
        weights={"u": [100, 0.001], "v": [100]},
        times={"u": [START, START + 90 * DAY], "v": [START]},
    )
    assert listed(WindowedPopularity(days=7).fit(data)) == [1, 0]


def test_ties_by_row_and_seen_left_out() -> None:
    data = training_data({"u": ["a", "b", "c", "d"]})
    model = WindowedPopularity(days=None).fit(data)
    assert listed(model) == [0, 1, 2, 3]
    assert listed(model, Histories.of([[1, 1, 0]]), k=1) == [2]
    rows, scores = model.top_k(Histories.of([[0, 1, 2], [3]]), 2, allowed=np.array([True, True, False, True]))
    assert rows.tolist() == [[3, -1], [0, 1]]
    assert scores.tolist() == [[1, -np.inf], [1, 1]]
