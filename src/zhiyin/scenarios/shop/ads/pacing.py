"""How much of its traffic a campaign takes part in, so that a day's money lasts to the end of the day.

The plan of a day is what is left of the total, shared over the days that are left by how much happens on each, and the
daily budget at most. What is left of a day is shared over the rest of the day in the same way. A campaign that would
spend ``v`` for an hour of mean traffic if it took part in all of it takes part in the share

    share = left of the day / (v * traffic left of the day)

of the requests, drawn for each; ``v`` is learned from what it spent at the shares that it had. This is throttling
(Agarwal, Ghosh, Wei and You, "Budget pacing for targeted online advertisements at LinkedIn", KDD 2014), with a model of
the spending in the place of steps up and down. Several processes over one store learn from the sum of what all spend.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zhiyin.scenarios.shop.ads.campaign import DAY, MILLION
from zhiyin.scenarios.shop.ads.market import UNBOUND, Columns
from zhiyin.scenarios.shop.ads.traffic import Shape
from zhiyin.types import Ints, Longs

Values = NDArray[np.float64]
TICK = 60 * MILLION
"""Microseconds between two looks at what was spent."""
MEMORY = 2.0
"""Mean hours of traffic after which an observation counts half."""
FIRST = 0.1
"""Share in which a campaign begins of which nothing is known ..."""
TRUST = 0.25
"""... until so many mean hours of traffic, at that share, were seen."""
LEAST = 0.002
"""Share that nobody goes below who still has money: or nothing would be learned."""


def plans(columns: Columns, shape: Shape, now: int, total: Longs, today: Longs) -> Values:
    """What each campaign is to spend on the local day of ``now``, float64 [C]: of its ``total`` spent so far, ``today``
    on this day. Infinity where nothing bounds it; 0 outside its dates."""
    day = now // DAY
    begin = np.full(len(total), day * DAY, dtype=np.int64)
    ahead = shape.between(begin, (columns.last_day + 1) * DAY)
    part = shape.between(begin, begin + DAY) / np.maximum(ahead, 1e-9)
    left = np.maximum(columns.total - (total - today), 0)
    planned = np.where(columns.total >= UNBOUND, np.inf, left * np.minimum(part, 1.0))
    planned = np.minimum(planned, np.where(columns.daily >= UNBOUND, np.inf, columns.daily))
    runs = (columns.first_day <= day) & (day <= columns.last_day)
    return np.where(runs, planned, 0.0)


class Pacer:
    """``share`` float64 [C] in [0, 1] is how much of its traffic each campaign takes part in now."""

    def __init__(self, columns: Columns, shape: Shape) -> None:
        self._columns, self._shape = columns, shape
        size = len(columns.bid)
        self.share: Values = np.where(columns.even, FIRST, 1.0)
        self._spent = np.zeros(size)
        self._traffic = np.zeros(size)
        self._last: tuple[int, Longs] | None = None

    def carry_on(self, other: Pacer, places: Ints) -> None:
        """Take over what ``other`` learned: ``places`` [C] says which of its campaigns each is, -1 for a new one."""
        old = np.flatnonzero(places >= 0)
        at = places[old]
        for name in ("share", "_spent", "_traffic"):
            getattr(self, name)[old] = getattr(other, name)[at]
        if other._last is not None:
            total = np.zeros(len(places), dtype=np.int64)
            total[old] = other._last[1][at]
            self._last = other._last[0], total

    def due(self, now: int) -> bool:
        """``now`` is local, as for ``look``."""
        return self._last is None or now - self._last[0] >= TICK or now < self._last[0]

    def look(self, now: int, total: Longs, today: Longs) -> None:
        """Learn from what was spent by ``now``, and share anew."""
        end = np.array([(now // DAY + 1) * DAY])
        ahead = float(self._shape.between(np.array([now]), end)[0])
        planned = plans(self._columns, self._shape, now, total, today)
        left = np.maximum(planned - today, 0.0)
        if self._last is not None and now > self._last[0]:
            before, then = self._last
            passed = float(self._shape.between(np.array([before]), np.array([now]))[0])
            kept = 0.5 ** (passed / MEMORY)
            self._spent = self._spent * kept + np.maximum(total - then, 0)
            self._traffic = self._traffic * kept + self.share * passed
        self._last = now, total.copy()
        # What a day's plan would come to if it were spent at the first share.
        day = float(self._shape.between(end - DAY, end)[0])
        guess = np.where(np.isfinite(planned), planned, 0.0) / (FIRST * day)
        full = (self._spent + guess * TRUST * FIRST) / (self._traffic + TRUST * FIRST)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = left / (full * ahead)
        wanted = np.where(np.isfinite(wanted), np.clip(wanted, LEAST, 1.0), 1.0)
        self.share = np.where(self._columns.even, wanted, 1.0)
