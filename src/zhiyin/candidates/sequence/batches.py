"""Which events are learned from together: stretches of histories, of about equal length in each batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Histories, Longs

MOST_KEPT_ASIDE = 3_000
SHARE_KEPT_ASIDE = 0.02
FEWEST_KEPT_ASIDE = 50
"""Fewer say too little of when to stop."""
SPREAD = 0.3
"""Lengths within one batch differ by about this share, so that batches are not the same in every pass."""


@dataclass(frozen=True)
class Stretches:
    """Stretches of ``items``: stretch s is ``items[start[s] : stop[s]]``, two events or more, oldest first."""

    items: Longs
    start: Longs
    stop: Longs


@dataclass(frozen=True)
class Batch:
    """``seen`` [B, T] are item rows, filled with 0 behind the ``lengths`` [B] of each stretch; ``real`` (bool [B, T])
    tells which are events, and ``taken`` [real.sum()] the item that came next, in the order of ``real``."""

    seen: Longs
    real: NDArray[np.bool_]
    taken: Longs
    lengths: Longs


def kept_aside(histories: Histories, rng: np.random.Generator) -> Longs:
    """Users whose last event is kept from learning, to see when to stop: rows in order.

    At most ``MOST_KEPT_ASIDE``, ``SHARE_KEPT_ASIDE`` of the events and half of those with three events or more; none
    where that is fewer than ``FEWEST_KEPT_ASIDE``.
    """
    fit = np.flatnonzero(histories.lengths >= 3)
    most = int(min(MOST_KEPT_ASIDE, SHARE_KEPT_ASIDE * len(histories.items), len(fit) // 2))
    if most < FEWEST_KEPT_ASIDE:
        return np.empty(0, dtype=np.int64)
    return np.sort(rng.choice(fit, most, replace=False))


def stretches(indptr: Longs, ends: Longs, items: Longs, length: int, rng: np.random.Generator) -> Stretches:
    """Every event of the histories ``indptr[u]`` to ``ends[u]`` that has one before it, once, with up to ``length``
    before it.

    A long history is cut at another place in each pass, so every event is sometimes met with all that went before.
    """
    held = ends - indptr[:-1]
    short = np.flatnonzero((held >= 2) & (held <= length + 1))
    starts, stops = [indptr[:-1][short]], [ends[short]]
    for user in np.flatnonzero(held > length + 1):
        first, last = int(indptr[user]), int(ends[user])
        cuts = np.arange(last - int(rng.integers(0, length)), first + 1, -length)
        stop = np.unique(np.concatenate((cuts, [last])))
        starts.append(np.maximum(np.concatenate(([first], stop[:-1] - 1)), first))
        stops.append(stop)
    start, stop = np.concatenate(starts), np.concatenate(stops)
    enough = stop - start >= 2
    return Stretches(items, start[enough], stop[enough])


def batches(chosen: Stretches, size: int, rng: np.random.Generator) -> Iterator[Batch]:
    """All stretches once, about ``size`` events at a time, in random order."""
    lengths = chosen.stop - chosen.start - 1
    if not len(lengths):
        return
    order = np.argsort(lengths * (1 + SPREAD * rng.random(len(lengths))) + rng.random(len(lengths)), kind="stable")
    bounds = np.flatnonzero(np.diff((np.cumsum(lengths[order]) - 1) // size)) + 1
    groups = np.split(order, bounds)
    for place in rng.permutation(len(groups)):
        yield padded(chosen, groups[place])


def padded(chosen: Stretches, rows: NDArray[np.integer[Any]]) -> Batch:
    lengths = chosen.stop[rows] - chosen.start[rows] - 1
    steps = np.arange(int(lengths.max(initial=0)) + 1)
    places = np.minimum(chosen.start[rows][:, None] + steps, len(chosen.items) - 1)
    items = chosen.items[places]
    real = steps[:-1] < lengths[:, None]
    return Batch(items[:, :-1] * real, real, items[:, 1:][real], lengths)
