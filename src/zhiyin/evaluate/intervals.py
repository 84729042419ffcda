"""How sure a mean over users is: percentile bootstrap (Efron and Tibshirani, 1993), resampling users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import UsageError

RESAMPLES = 1000
LEVEL = 0.95
CHUNK_CELLS = 4_000_000


@dataclass(frozen=True)
class Interval:
    """95 % interval from ``low`` to ``high``; both NaN where fewer than two users can be measured."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Mean of a - b over the ``users`` measured under both, with its 95 % interval."""

    mean: float
    low: float
    high: float
    users: int

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside the interval; False where it is NaN."""
        return self.low > 0 or self.high < 0


def resampled_means(values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """Column means of ``values`` [U, C] over ``resamples`` draws of U users with replacement: [resamples, C].

    One draw serves all columns, so that columns stay comparable. NaN cells are left out of their column's mean; a
    draw with no value in a column gives NaN there.
    """
    users, columns = values.shape
    known = np.isfinite(values)
    both = np.concatenate((np.where(known, values, 0.0), known), axis=1)
    means = np.full((resamples, columns), np.nan)
    if users == 0:
        return means
    random = np.random.default_rng(seed)
    step = max(1, CHUNK_CELLS // users)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        picks = random.integers(0, users, (rows, users)) + np.arange(rows)[:, None] * users
        counts = np.bincount(picks.ravel(), minlength=rows * users).reshape(rows, users)
        sums = counts.astype(np.float64) @ both
        size = sums[:, columns:]
        means[start : start + rows] = sums[:, :columns] / np.where(size > 0, size, np.nan)
    return means


def interval_of(samples: NDArray[np.float64]) -> Interval:
    """The middle 95 % of resampled figures [resamples]; NaN among them are left out."""
    samples = samples[np.isfinite(samples)]
    if not len(samples):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def bootstrap(values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Interval of the mean of ``values`` [U], one per user; NaN are left out."""
    return bootstrap_columns(values[:, None], resamples=resamples, seed=seed)[0]


def bootstrap_columns(values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0) -> list[Interval]:
    """Interval of the mean of each column of ``values`` [U, C]."""
    means = resampled_means(values, resamples=resamples, seed=seed)
    enough = np.isfinite(values).sum(axis=0) >= 2
    return [interval_of(means[:, column] if enough[column] else means[:0, column]) for column in range(values.shape[1])]


def bootstrap_difference(
    a: NDArray[np.float64], b: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Paired difference of two models' per-user values [U] of one measure, the users in the same order."""
    if a.shape != b.shape:
        raise UsageError(f"{len(a)} users against {len(b)}", fix="measure both models on the same users")
    gaps = a - b
    gaps = gaps[np.isfinite(gaps)]
    interval = bootstrap(gaps, resamples=resamples, seed=seed)
    mean = float(gaps.mean()) if len(gaps) else float("nan")
    return Difference(mean, interval.low, interval.high, len(gaps))
