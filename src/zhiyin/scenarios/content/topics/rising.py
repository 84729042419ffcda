"""Which topics rise: a topic's share of what people took of late held against its share before.

Unit: a person on a day with a topic. Whoever came back to it ten times in one evening counts once, and a window of
four weeks can be compared with one of a week. With x of N person-days of late and y of M before, and no change, x is
binomial among the x + y with the chance N / (N + M); the p-value is its upper tail (the exact test of two Poisson
rates, Przyborowski and Wilenski 1940).

People come in waves, so that counts vary more from day to day than chance alone allows. That is measured on the earlier
days (the Pearson statistic per degree of freedom, of all topics and of each) and counts are divided by it, as in
quasi-likelihood (McCullagh and Nelder 1989, section 4.5). Among all topics the share of false alarms is held down by
Benjamini and Hochberg 1995. The growth that is shown is drawn to 1 by a prior worth ``prior`` person-days on both sides
(Monroe, Colaresi and Quinn 2008), so that two readers after one are not "twice as many".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
POOLED = 10.0
"""Degrees of freedom that the spread of all topics is worth beside a topic's own."""
EXPECTED = 0.5
"""Days on which a topic is expected less often than this say nothing of its spread."""
LEVEL = 1.96
"""Standard deviations of the interval: 95 %."""


@dataclass(frozen=True)
class Rising:
    """One value a topic, float64 [t]: ``growth`` of its share with ``low`` and ``high`` (95 %), the ``p``-value that it
    did not rise, ``q`` the least share of false alarms at which it would be called rising, and ``spread``, how much
    more than by chance its counts vary (1 and more)."""

    growth: Values
    low: Values
    high: Values
    p: Values
    q: Values
    spread: Values


def rising(late: Values, before: Values, active_late: float, active_before: Values, prior: float = 2.0) -> Rising:
    """``late`` [t] are person-days of each topic in the window of late, ``before`` [t, days] those of each earlier day;
    ``active_late`` and ``active_before`` [days] are those of all topics together. Where there is
    nothing before, or nothing of late, nothing rises (p = 1, growth NaN)."""
    t = len(late)
    total_before = float(active_before.sum())
    if active_late <= 0 or total_before <= 0:
        none = np.full(t, np.nan)
        return Rising(none, none, none, np.ones(t), np.ones(t), np.ones(t))
    earlier = before.sum(axis=1)
    spread = spread_of(before, active_before)
    share = active_late / (active_late + total_before)
    p = upper_tail(late / spread, (late + earlier) / spread, share)
    expected = earlier * active_late / total_before
    growth = (late + prior) / (expected + prior)
    # The uncertainty of the earlier window is that of the person-days it really had.
    error = np.sqrt(spread * (1 / (late + prior) + 1 / (earlier + prior)))
    low, high = growth * np.exp(-LEVEL * error), growth * np.exp(LEVEL * error)
    return Rising(growth, low, high, p, benjamini_hochberg(p), spread)


def spread_of(counts: Values, active: Values) -> Values:
    """Variance of ``counts`` [t, days] over that of a binomial draw from ``active`` [days] with each topic's own share,
    [t], drawn to what all topics have together; 1 where it is less."""
    total = max(float(active.sum()), 1.0)
    share = counts.sum(axis=1, keepdims=True) / total
    expected = share * active
    variance = expected * (1 - share)
    told = expected >= EXPECTED
    pearson = np.where(told, (counts - expected) ** 2 / np.where(told, np.maximum(variance, 1e-12), 1.0), 0.0)
    free = np.maximum(told.sum(axis=1) - 1, 0).astype(np.float64)
    own = np.where(free > 0, pearson.sum(axis=1), 0.0)
    pooled = float(own.sum() / free.sum()) if free.sum() else 1.0
    found: Values = np.maximum((own + POOLED * max(pooled, 1.0)) / (free + POOLED), 1.0)
    return found


def upper_tail(x: Values, n: Values, share: float) -> Values:
    """P(X >= x) of a binomial of ``n`` draws with the chance ``share``; counts need not be whole."""
    from scipy.special import betainc

    some = x > 0
    found = np.ones(len(x))
    found[some] = betainc(x[some], np.maximum(n[some] - x[some], 0.0) + 1.0, share)
    return found


def benjamini_hochberg(p: Values) -> Values:
    """q-values of ``p``: the least false discovery rate at which each would be found."""
    n = len(p)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * n / np.arange(1, n + 1)
    q = np.empty(n)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
