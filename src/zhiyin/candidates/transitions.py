"""What people take next, by the clock: a step counts less the longer it took and the longer ago it was."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed
from zhiyin.candidates.popular import MICROSECONDS_A_DAY
from zhiyin.types import NO_TIME, Floats, Histories, Longs, TrainingData

PENDING_CELLS = 8_000_000
"""Pairs collected before they are merged into the matrix."""


class TimedTransitionsParams(Params):
    window: int = Field(20, ge=1, le=10_000)
    """A step reaches this many events ahead."""
    half_life_days: float = Field(30.0, gt=0, le=36_500)
    """A step that took this long counts half, and when asked, so does an event this long before the latest one."""
    age_days: float = Field(3650.0, gt=0, le=36_500)
    """A step that lies this far back counts half."""
    shrink: float = Field(20.0, ge=0, le=10_000)
    """Added to the support of each row, so that steps seen rarely weigh less."""
    decay: float = Field(0.7, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class TimedTransitions(ItemMatrixModel):
    """M[i, j] = sum over steps from i to j of w_j 2^(-took / half_life_days - age / age_days) / distance, divided by
    (support of i + shrink). The support is the summed weight of those events of i that another event follows.

    Without times a step's factor is 1 and position alone counts, as in the sequential rules. Steps from an item to
    itself are left out.
    """

    name: ClassVar[str] = "transitions"
    params_type: ClassVar[type[Params]] = TimedTransitionsParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.7, 0.5, 0.85, 0.93),
        "half_life_days": (30.0, 1.0, 365.0),
        "age_days": (3650.0, 730.0),
        "shrink": (20.0, 5.0, 80.0),
        "window": (20, 5),
    }
    because: ClassVar[tuple[str, str]] = (
        "people often take it soon after what you took last",
        "选过你最近所选的人，不久后常会选它",
    )
    params: TimedTransitionsParams

    def fit_seconds(self, data: TrainingData) -> float:
        return 0.3 + 1e-7 * len(data.interactions.histories.items) * self.params.window

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        now = data.now if data.now != NO_TIME else int(histories.times.max(initial=NO_TIME))
        steps = self._steps(histories, n, now)
        followed = np.ones(len(histories.items), dtype=np.bool_)
        followed[histories.indptr[1:][histories.lengths > 0] - 1] = False
        aged = histories.weights * _halved(now, histories.times, self.params.age_days)
        support = np.bincount(histories.items[followed], weights=aged[followed], minlength=n)
        scale = 1.0 / np.maximum(support + self.params.shrink, np.finfo(np.float32).tiny)
        steps.data = (steps.data * np.repeat(scale, np.diff(steps.indptr))).astype(np.float32)
        self.matrix = steps
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        latest = np.full(len(histories), NO_TIME, dtype=np.int64)
        full = histories.lengths > 0
        latest[full] = histories.times[histories.indptr[1:][full] - 1]
        since = _halved(latest[histories.owners()], histories.times, self.params.half_life_days)
        return decayed(histories, self.params.decay) * since

    def _steps(self, histories: Histories, n: int, now: int) -> sparse.csr_array:
        """CSR float32 [n, n], indices sorted: the weighted steps within the window, not yet divided by support."""
        items, owners, times = histories.items, histories.owners(), histories.times
        aged = histories.weights * _halved(now, times, self.params.age_days)
        total = sparse.csr_array((n, n), dtype=np.float32)
        pending: list[tuple[Any, Any, Any]] = []
        held = 0
        reach = min(self.params.window, int(histories.lengths.max(initial=1)) - 1)
        for distance in range(1, reach + 1):
            start = np.flatnonzero((owners[distance:] == owners[:-distance]) & (items[distance:] != items[:-distance]))
            goal = start + distance
            took = _halved(times[goal], times[start], self.params.half_life_days)
            pending.append((items[start], items[goal], aged[goal] * took / np.float32(distance)))
            held += len(start)
            if held > PENDING_CELLS or distance == reach:
                rows, columns, weights = (np.concatenate(part) for part in zip(*pending, strict=True))
                total = total + sparse.coo_array((weights, (rows, columns)), shape=(n, n)).tocsr()
                pending, held = [], 0
        total.sort_indices()
        return total


def _halved(later: Longs | int, earlier: Longs, days: float) -> Floats:
    """2^(-(later - earlier) / days), float32 in (0, 1]; 1 where a time is unknown or runs backwards."""
    known = (np.asarray(later) != NO_TIME) & (earlier != NO_TIME)
    passed = np.where(known, np.maximum(later - np.where(known, earlier, 0), 0), 0) / MICROSECONDS_A_DAY
    return np.maximum(np.exp2(-passed / days), LEAST).astype(np.float32)


LEAST = 1e-6
"""A step counts at least this much, so that very old data still say something."""
