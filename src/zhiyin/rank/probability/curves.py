"""Curves from a place or a number to a chance: never exactly 0 or 1, however little was seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import isotonic_regression, lsq_linear
from scipy.special import expit, logit

from zhiyin.rank.probability.frame import RISING
from zhiyin.types import Floats

Values = NDArray[np.float64]
Hits = NDArray[np.bool_]

EARLIER = 20.0
"""People that the guess for a rank is worth."""
MOST_CELLS = 250_000
LEAST_SHARE = 0.02
"""Of the misses, looked at whatever their number."""
ROUNDS = 50
NEAR = 1e-6
"""Learning ends when the loss falls by less than this."""
KNOTS = 60
HITS_EACH = 30
"""Hits for which a curve gets one more knot."""
LEAST = 1e-7
"""No chance is told to be lower, or nearer to 1."""


def rank_curve(known: Hits, hits: Hits) -> Values:
    """Chance at each rank, float64 [k], falling: isotonic over (hits + m g) / (lists + m).

    ``known`` bool [U, k]: is there an item at this place at all? The guess g spreads the hits of a list over its ranks
    as 1 / rank, and counts as ``EARLIER`` people m: it says something of ranks where nobody was hit, and fades with
    the number of people.
    """
    k = known.shape[1]
    lists = known.sum(axis=0).astype(np.float64)
    shape = 1 / np.arange(1, k + 1)
    guess = (hits.sum() + 0.5) / (len(known) + 1) * shape / shape.sum()
    shares = (hits.sum(axis=0) + EARLIER * guess) / (lists + EARLIER)
    fitted: Values = isotonic_regression(shares, weights=lists + EARLIER, increasing=False).x
    return np.clip(fitted, LEAST, 1 - LEAST)


def logistic(cells: Floats, hits: Hits) -> Values:
    """Weights of the columns of ``cells`` float32 [N, F] and, last, the intercept: float64 [F + 1].

    The most likely ones under a normal prior of deviation 1 for columns of deviation 1; the first ``RISING`` are at
    least 0 (Platt 1999, with bounds). Of more than ``MOST_CELLS`` cells all hits are looked at and some misses, each
    for as many as were left out.
    """
    weight = np.ones(len(hits))
    if len(hits) > MOST_CELLS:
        share = (MOST_CELLS - hits.sum()) / (~hits).sum()
        kept = hits | (np.random.default_rng(len(hits)).random(len(hits)) < max(share, LEAST_SHARE))
        weight = np.where(hits, 1, (~hits).sum() / (kept & ~hits).sum())[kept]
        cells, hits = cells[kept], hits[kept]
    spread = cells.std(axis=0, dtype=np.float64)
    spread[spread < 1e-6] = np.inf
    scaled = np.concatenate((cells / spread, np.ones((len(cells), 1))), axis=1)
    seen = scaled.T @ hits
    prior = np.append(np.ones(len(spread)), 1e-6)
    lowest = np.where(np.arange(len(prior)) < RISING, 0.0, -np.inf)
    # Without hits the odds would fall for ever.
    found = np.zeros(len(prior))
    found[-1] = logit((hits.sum() + 0.5) / (weight.sum() + 1))

    def loss(weights: Values) -> float:
        index = scaled @ weights
        return float(weight @ np.logaddexp(0, index) - seen @ weights + 0.5 * prior @ weights**2)

    now = loss(found)
    for _ in range(ROUNDS):
        chance = expit(scaled @ found)
        slope = scaled.T @ (weight * chance) - seen + prior * found
        bend = (scaled * (weight * chance * (1 - chance))[:, None]).T @ scaled + np.diag(prior)
        # Newton's step within the bounds: the least of a parabola, as a problem of least squares.
        root = cholesky(bend)
        aim = root @ found - solve_triangular(root, slope, trans="T")
        step = lsq_linear(root, aim, bounds=(lowest, np.inf), method="bvls").x - found
        then = loss(found + step)
        while then > now and np.abs(step).max() > NEAR:
            step /= 2
            then = loss(found + step)
        if then >= now or now - then < NEAR:
            break
        found, now = found + step, then
    return np.concatenate((np.maximum(found[:-1], lowest[:-1]) / spread, found[-1:]))


def isotonic(index: Values, hits: Hits, guess: Values) -> tuple[Values, Values]:
    """Knots of a rising curve: ``index`` float64 [n], strictly rising, and log odds there.

    The cells are cut along ``index`` [N] into parts of as many hits by ``guess`` (a chance for each cell, above 0).
    In each part one more hit is seen, in as many cells as ``guess`` needs for one: a part with few hits stays near it.
    """
    order = np.argsort(index, kind="stable")
    index, hits, guess = index[order], hits[order], guess[order]
    expected = np.cumsum(guess)
    parts = int(np.clip(hits.sum() // HITS_EACH, 1, KNOTS))
    ends = np.searchsorted(expected, np.linspace(0, expected[-1], parts + 1)[1:-1])
    # Equal numbers stay in one part.
    ends = np.searchsorted(index, index[np.minimum(ends, len(index) - 1)])
    starts = np.unique(np.concatenate(([0], ends[ends < len(index)])))
    count = np.diff(np.append(starts, len(index))).astype(np.float64)
    mean = np.add.reduceat(guess, starts) / count
    weight = count + 1 / mean
    share = (np.add.reduceat(hits.astype(np.float64), starts) + 1) / weight
    fitted = np.clip(isotonic_regression(share, weights=weight).x, LEAST, 1 - LEAST)
    # A part stands where its hits are expected.
    at = np.add.reduceat(guess * index, starts) / (mean * count)
    return at, logit(fitted)


def log_loss(chance: Values, hits: Hits) -> Values:
    """-log of the chance of what happened, of each cell; chances are kept ``LEAST`` off 0 and 1."""
    kept = np.clip(chance, LEAST, 1 - LEAST)
    return -np.log(np.where(hits, kept, 1 - kept))
