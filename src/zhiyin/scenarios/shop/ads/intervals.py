"""How sure a share is, and the difference and the ratio of two."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True)
class Share:
    """``value`` with its 95 % interval; all NaN where there is nothing to go by."""

    value: float
    low: float
    high: float


NOTHING = Share(math.nan, math.nan, math.nan)


def wilson(hits: int, n: int) -> Share:
    """A share with its score interval (Wilson, 1927)."""
    if n <= 0:
        return NOTHING
    p, z2 = hits / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Share(p, max(0.0, middle - half), min(1.0, middle + half))


def difference(hits: int, n: int, base_hits: int, base_n: int) -> Share:
    """hits / n - base_hits / base_n (Newcombe, 1998, method 10)."""
    one, base = wilson(hits, n), wilson(base_hits, base_n)
    if not (n and base_n):
        return NOTHING
    gap = one.value - base.value
    low = gap - math.hypot(one.value - one.low, base.high - base.value)
    high = gap + math.hypot(one.high - one.value, base.value - base.low)
    return Share(gap, low, high)


def ratio(hits: int, n: int, base_hits: int, base_n: int) -> Share:
    """(hits / n) / (base_hits / base_n) - 1, by the logarithm (Katz and others, 1978); NaN where one of the two is
    0."""
    if not (hits and base_hits and n and base_n):
        return NOTHING
    log = math.log((hits / n) / (base_hits / base_n))
    half = Z * math.sqrt(max(0.0, 1 / hits - 1 / n + 1 / base_hits - 1 / base_n))
    return Share(math.expm1(log), math.expm1(log - half), math.expm1(log + half))
