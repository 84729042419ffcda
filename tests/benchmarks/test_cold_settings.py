"""What the cold-item benchmark holds out, on four histories that can be checked by eye."""

from __future__ import annotations

import numpy as np

from benchmarks.cold_items import draw, held_out
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.types import Catalogue, Histories, IdMap, Interactions

WALKS = [
    [0, 4, 1, 2, 3],
    [4, 0, 1, 2, 3],
    [0, 1, 2, 3, 4],
    [1, 4, 5, 0, 2],
]
"""Item 4 is held out, item 5 too in the second test."""


def split_and_catalogue() -> tuple[object, Catalogue]:
    interactions = Interactions(
        IdMap([f"u{row}" for row in range(4)]), IdMap([f"i{row}" for row in range(6)]), Histories.of(WALKS)
    )
    return leave_one_out(interactions), Catalogue([""] * 6, [[]] * 6, [""] * 6, None, np.zeros(6, dtype=np.bool_))


def mask(*rows: int) -> np.ndarray:
    held = np.zeros(6, dtype=np.bool_)
    held[list(rows)] = True
    return held


def test_test_setting() -> None:
    split, catalogue = split_and_catalogue()
    setting = held_out(split, catalogue, held=mask(4), asked=mask(4), test=True)  # type: ignore[arg-type]
    assert 4 not in setting.data.interactions.histories.items
    # Last events are the test: not in training. User 1 had nothing before item 4; user 2 takes it in the test part.
    assert setting.cold.users.tolist() == [0, 3]
    assert setting.cold.targets.items.tolist() == [4, 4]
    assert setting.cold.histories.items.tolist() == [0, 1]
    # Warm: the last event of each, but of user 2, whose last is item 4.
    assert setting.warm.users.tolist() == [0, 1, 3]
    assert setting.warm.targets.items.tolist() == [3, 3, 2]
    assert 4 not in setting.warm.histories.items


def test_tuning_setting_sees_neither_set_nor_the_test() -> None:
    split, catalogue = split_and_catalogue()
    setting = held_out(split, catalogue, held=mask(4, 5), asked=mask(5), test=False)  # type: ignore[arg-type]
    assert not {4, 5} & set(setting.data.interactions.histories.items.tolist())
    assert setting.cold.users.tolist() == [3]
    assert setting.cold.targets.items.tolist() == [5]
    # What came before, but for the other held-out item.
    assert setting.cold.histories.items.tolist() == [1]
    assert setting.warm.targets.items.tolist() == [2, 2, 3, 0]


def test_the_two_sets_are_apart_and_always_the_same() -> None:
    first, second = draw(1000)
    assert first.sum() == second.sum() == 100
    assert not (first & second).any()
    again, _ = draw(1000)
    assert (first == again).all()
