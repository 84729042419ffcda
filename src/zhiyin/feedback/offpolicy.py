"""What a policy would have brought, from the log of another one.

With w = target(action) / logged chance, over the rows of the log:

    IPS     mean(w r)                                           Horvitz and Thompson, 1952
    SNIPS   sum(w r) / sum(w)                                   Swaminathan and Joachims, 2015
    DM      mean(sum_a target(a) q(a))                          the reward model q alone
    DR      mean(sum_a target(a) q(a) + w (r - q(action)))      Dudik, Langford and Li, 2011

Clipped weights are min(w, clip): less spread for some bias towards too little. q is cross-fitted. Intervals are
percentile bootstraps over rows, or over clusters of rows (q is not fitted anew in each).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import UsageError
from zhiyin.feedback.logged import Logged, Values, checked, effective_size, warnings_of
from zhiyin.feedback.rewards import Kind, cross_fitted

METHODS = ("ips", "snips", "dm", "dr")
RESAMPLES = 2000
CELLS = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """The mean reward ``value`` of a policy by ``method``, with its interval from ``low`` to ``high`` (NaN with fewer
    than two clusters). ``effective`` is the number of rows of equal weight that would be as sure. ``warnings`` are
    lines; with one, do not decide by this."""

    method: str
    value: float
    low: float
    high: float
    rows: int
    effective: float
    warnings: tuple[str, ...] = ()

    def covers(self, truth: float) -> bool:
        return self.low <= truth <= self.high


def estimate(
    log: Logged,
    target: Values,
    *,
    methods: Sequence[str] = ("ips", "snips", "dr"),
    model: Kind = "ridge",
    expected: Values | None = None,
    clip: float | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Estimate]:
    """One estimate for each of ``methods``.

    ``target`` is the policy's chance of the action taken [n], or of all actions [n, A]; the second is what "dm" and
    "dr" need. ``expected`` [n, A] are expected rewards from elsewhere; None learns them with ``model``. ``clip`` > 0
    bounds the weights. Raises UsageError for an unknown method or an empty log, DataError for chances that are none.
    """
    if unknown := [one for one in methods if one not in METHODS]:
        raise UsageError(f"unknown estimator '{unknown[0]}'", fix=f"use some of {', '.join(METHODS)}")
    if not len(log):
        raise UsageError("the log is empty", fix="give rows that were shown with a logged chance")
    if clip is not None and not clip > 0:
        raise UsageError("weights cannot be clipped at 0 or below", fix="clip at 1 or more")
    weights = checked(target, log) / log.propensity
    warned = tuple(warnings_of(weights, log, target))
    if clip is not None:
        weights = np.minimum(weights, clip)
    if {"dm", "dr"} & set(methods):
        if target.ndim == 1:
            raise UsageError("'dm' and 'dr' need the policy's chances of all actions", fix="give target as [n, A]")
        if expected is None:
            expected = cross_fitted(log, target.shape[1], model, seed=seed)
    columns = [terms(one, log, target, weights, expected) for one in methods]
    samples = _resampled(np.stack([part for pair in columns for part in pair], axis=1), log, resamples, seed)
    effective = effective_size(weights)
    found = []
    for place, (method, (above, below)) in enumerate(zip(methods, columns, strict=True)):
        value = _ratio(above.sum(), below.sum())
        drawn = samples[:, 2 * place] / np.where(samples[:, 2 * place + 1] == 0, np.nan, samples[:, 2 * place + 1])
        drawn = drawn[np.isfinite(drawn)]
        low, high = (
            np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) if len(drawn) else (float("nan"), float("nan"))
        )
        found.append(Estimate(method, value, float(low), float(high), len(log), effective, warned))
    return found


def terms(
    method: str, log: Logged, target: Values, weights: Values, expected: Values | None
) -> tuple[Values, NDArray[np.float64]]:
    """Each row's part above and below the line of the estimate, whose value is the ratio of the two sums."""
    ones = np.ones(len(log))
    if method == "ips":
        return weights * log.reward, ones
    if method == "snips":
        return weights * log.reward, weights
    assert expected is not None
    direct = (target * expected).sum(axis=1)
    if method == "dm":
        return direct, ones
    return direct + weights * (log.reward - expected[np.arange(len(log)), log.action]), ones


def _resampled(columns: Values, log: Logged, resamples: int, seed: int) -> Values:
    """Sums of ``columns`` [n, C] over draws of clusters with replacement: [resamples, C]; none with one cluster."""
    if log.cluster is not None:
        owner = np.unique(log.cluster, return_inverse=True)[1]
        sums = np.zeros((int(owner.max()) + 1, columns.shape[1]))
        np.add.at(sums, owner, columns)
        columns = sums
    n = len(columns)
    if n < 2:
        return np.empty((0, columns.shape[1]))
    random = np.random.default_rng([seed, 12])
    found = np.empty((resamples, columns.shape[1]))
    step = max(1, CELLS // n)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        picks = random.integers(0, n, (count, n)) + np.arange(count)[:, None] * n
        found[start : start + count] = np.bincount(picks.ravel(), minlength=count * n).reshape(count, n) @ columns
    return found


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below else float("nan")
