"""People near somebody, and what they took: what stages that bring it in are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.rerank.items import DAY
from zhiyin.types import NO_TIME, Floats, Ints, Longs

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Near:
    """P people near one person, and the E items that they took (``rows`` int32, ``weights`` float32 > 0, ``times``
    int64 microseconds or ``NO_TIME``; ``owners`` int32 [E] are places of people).

    ``friends`` float64 [P] is the share of the person's links that leads to each, ``onward`` that of a second step from
    there, ``circles`` the share by common circles; each sums to 1 at most. ``circle`` [P] is the place in ``names`` of
    the strongest circle shared, -1 for none; ``names`` are circles' names, English and Chinese. ``followed`` are the
    ids of people to whom the person's own links lead."""

    friends: Values
    onward: Values
    circles: Values
    circle: Ints
    names: Sequence[tuple[str, str]]
    rows: Ints
    weights: Floats
    times: Longs
    owners: Ints
    followed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Heard:
    """What people near say of each of n items: ``scores`` float64 [n] >= 0; ``friends`` int64 [n] how many of those one
    is linked with took it; ``circle`` int32 [n] the circle whose people say most of it, -1 where friends say it or
    nobody does."""

    scores: Values
    friends: Longs
    circle: Ints


def hear(
    near: Near,
    n: int,
    *,
    onward: float,
    circles: float,
    half_life_days: float | None = None,
    now: int = NO_TIME,
) -> Heard:
    """s(c) = sum over people v of (friends_v + onward onward_v + circles circles_v) x_vc; x is 1 for an item taken,
    halved with every half life since. Events without a time do not age."""
    voice = near.friends + onward * near.onward + circles * near.circles
    said = voice[near.owners]
    if half_life_days is not None and now != NO_TIME:
        age = np.where(near.times == NO_TIME, 0, np.maximum(now - near.times, 0)) / DAY
        said = said * np.exp2(-age / half_life_days)
    scores: Values = np.bincount(near.rows, weights=said, minlength=n).astype(np.float64)
    direct = near.friends[near.owners] > 0
    friends = np.bincount(near.rows[direct], minlength=n)
    best = np.full(n, -1, dtype=np.int32)
    told = (near.circle[near.owners] >= 0) & (near.circles[near.owners] > 0)
    if told.any() and len(near.names):
        width = len(near.names)
        cells = near.rows[told].astype(np.int64) * width + near.circle[near.owners][told]
        by_circle = np.bincount(cells, weights=near.circles[near.owners][told], minlength=n * width).reshape(n, width)
        spoken = by_circle.max(axis=1) > 0
        best = np.where(spoken & (friends == 0), by_circle.argmax(axis=1), -1).astype(np.int32)
    return Heard(scores, friends.astype(np.int64), best)
