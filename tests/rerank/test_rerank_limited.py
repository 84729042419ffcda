"""What moderation limited stays with its author."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zhiyin.rerank import Asked, Facts, Items, Stage
from zhiyin.rerank.base import listed
from zhiyin.types import NO_TIME, IdMap


def feed() -> Items:
    attributes: list[dict[str, Any]] = [
        {"author": "甲"},
        {"author": "甲", "moderation": "limit"},
        {},
        {"author": ["乙", "丙"], "moderation": "limit"},
    ]
    times = np.full(4, NO_TIME)
    return Items(IdMap(["a", "b", "c", "d"]), [[]] * 4, facts=lambda: Facts(attributes, times))


def shown(stage: Stage, user: str | None) -> list[int]:
    asked = Asked(user=user)
    given = listed(np.array([3, 1, 0, 2], dtype=np.int32), np.array([4, 3, 2, 1], dtype=np.float32), asked)
    change = stage.arrange(given, asked, feed())
    permitted = stage.permits(asked, feed())
    rows = given.rows[change.order].tolist()
    if permitted is not None:
        assert sorted(rows) == np.flatnonzero(permitted).tolist()
    return rows  # type: ignore[no-any-return]


def test_its_author_alone_meets_it(stage_of: Callable[..., Stage]) -> None:
    stage = stage_of(kind="limited")
    assert shown(stage, "甲") == [1, 0, 2]
    assert shown(stage, "丙") == [3, 0, 2]
    assert shown(stage, "somebody") == shown(stage, None) == [0, 2]
    assert "author alone" in stage.describe()


def test_others_may_meet_it_lower(stage_of: Callable[..., Stage]) -> None:
    assert shown(stage_of(kind="limited", factor=0.1), "somebody") == [0, 2, 3, 1]
    assert shown(stage_of(kind="limited", factor=0.1), "乙") == [3, 0, 2, 1]


def test_without_marks_nothing_changes(stage_of: Callable[..., Stage], items: Items, ask: Callable[..., Asked]) -> None:
    given = listed(np.array([2, 0], dtype=np.int32), np.array([2, 1], dtype=np.float32), ask())
    change = stage_of(kind="limited").arrange(given, ask(), items)
    assert change.order.tolist() == [0, 1]
    assert stage_of(kind="limited").permits(ask(), items) is None
