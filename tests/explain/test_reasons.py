"""Reasons name the person's own items, their shares, and what the texts share, in both languages."""

from __future__ import annotations

import numpy as np

from zhiyin.explain.reasons import Reason, reasons_for, shared_features
from zhiyin.types import Catalogue, Histories

CATALOGUE = Catalogue(
    ["OPI Nail Lacquer, Red", "OPI nail polish blue", "绿茶礼盒装", "绿茶 茶叶", "", "ＯＰＩ full width"],
    [["Beauty", "Nails"], ["Beauty", "Nails"], ["茶"], ["茶"], [], []],
    [""] * 6,
    None,
    np.zeros(6, dtype=np.bool_),
)
IDS = ["a", "b/1", "茶", "c", "d", "e"]


def test_shares_are_of_the_positive_part() -> None:
    history = Histories.of([[0, 2, 3]])
    reasons = reasons_for(np.array([3, -5, 1], dtype=np.float32), 0.0, history, 1, IDS, CATALOGUE, 3)
    assert [(reason.item_id, reason.share) for reason in reasons] == [("a", 0.75), ("c", 0.25)]
    assert reasons[0].shared == ["Nails", "Beauty", "opi", "nail"]
    assert reasons[0].words() == "75% from OPI Nail Lacquer, Red (both: Nails, Beauty, opi, nail)"


def test_most_and_none() -> None:
    history = Histories.of([[0, 2]])
    both = np.array([1, 1], dtype=np.float32)
    assert [reason.item_id for reason in reasons_for(both, 0.0, history, 1, IDS, CATALOGUE, 1)] == ["a"]
    nothing = np.zeros(2, dtype=np.float32)
    (filled,) = reasons_for(nothing, 0.0, history, 1, IDS, CATALOGUE, 3)
    assert filled == Reason("popular", None, None, None, [])
    assert filled.words() == "popular of late"
    assert reasons_for(both, 0.0, history, 1, IDS, CATALOGUE, 0) == []


def test_popularity_has_its_share() -> None:
    history = Histories.of([[0, 2]])
    reasons = reasons_for(np.array([1, 0], dtype=np.float32), 3.0, history, 1, IDS, CATALOGUE, 3)
    assert [(reason.kind, reason.share) for reason in reasons] == [("popular", 0.75), ("history", 0.25)]
    assert reasons[0].words() == "75% as it is popular of late"


def test_shared_features() -> None:
    assert shared_features(CATALOGUE, 2, 3) == ["茶", "绿茶"]
    assert shared_features(CATALOGUE, 0, 5) == ["opi"]
    assert shared_features(CATALOGUE, 0, 4) == []
    assert shared_features(CATALOGUE, 0, 2) == []


def test_an_item_without_title_is_called_by_its_id() -> None:
    (reason,) = reasons_for(np.ones(1, dtype=np.float32), 0.0, Histories.of([[4]]), 0, IDS, CATALOGUE, 3)
    assert reason.words() == "100% from d"
    few = Reason("together", "d", None, 0.004, [])
    assert (few.words(), few.words("zh")) == (
        "of those who chose d, <1% chose it, too", "选了 d 的人中有 <1% 也选了它",
    )  # fmt: skip
