"""When people come: the shape of a week, and how much of it lies between two moments.

Moments are local: microseconds since 1970 on the clock of the policy's zone. The week's hours are numbered from
Thursday 0:00, which is where 1970 began.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from zhiyin.scenarios.shop.ads.campaign import DAY, HOUR
from zhiyin.types import Longs

Values = NDArray[np.float64]
WEEK = 168
SMOOTHING = 30.0
"""Events that an even day, and an even week, count for."""


def local(times: Longs, zone: ZoneInfo) -> Longs:
    """Microseconds UTC as local ones. All take the offset of the last of them: a batch is short."""
    if not len(times):
        return times
    at = datetime.fromtimestamp(int(times[-1]) / 1e6, UTC).astimezone(zone)
    offset = at.utcoffset()
    assert offset is not None, "it has a zone"
    found: Longs = times + round(offset.total_seconds() * 1e6)
    return found


class Shape:
    """``weight`` [168] > 0 says how much happens in each hour of a week, with a mean of 1."""

    def __init__(self, weight: Values) -> None:
        self.weight: Values = np.asarray(weight, dtype=np.float64) / np.mean(weight)
        self._sums = np.concatenate(([0.0], np.cumsum(self.weight)))

    @classmethod
    def even(cls) -> Shape:
        return cls(np.ones(WEEK))

    @classmethod
    def of(cls, times: Longs) -> Shape:
        """Of local moments: the shape of a day times that of a week, each drawn towards an even one."""
        if not len(times):
            return cls.even()
        day = np.bincount((times // HOUR) % 24, minlength=24) + SMOOTHING / 24
        week = np.bincount((times // DAY) % 7, minlength=7) + SMOOTHING / 7
        return cls(np.outer(week / week.mean(), day / day.mean()).ravel())

    def until(self, at: Longs) -> Values:
        """How much lies before each moment, in mean hours."""
        hours = np.asarray(at, dtype=np.float64) / HOUR
        weeks = np.floor(hours / WEEK)
        found: Values = weeks * self._sums[-1] + np.interp(hours - weeks * WEEK, np.arange(WEEK + 1), self._sums)
        return found

    def between(self, start: Longs, end: Longs) -> Values:
        """In mean hours; 0 where it ends before it starts."""
        return np.maximum(self.until(end) - self.until(start), 0.0)
