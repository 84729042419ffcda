"""Choosing K of P candidates that are worth much and unlike each other, for B people at once.

``worth`` is float64 [B, P], -inf where there is no candidate; ``alike`` float [B, P, P] holds similarities, 1 on the
diagonal. Every function gives places int64 [B, K] in the order of choice; where candidates run out the places that
follow are those without a candidate. Each row is computed by itself, so that one person alone gets the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

Values = NDArray[np.float64]
Places = NDArray[np.int64]
LEAST = 1e-6
"""What is left of an item once those chosen are taken away counts as at least this much, so that a copy is unwanted but
its logarithm is a number."""


def dpp(worth: Values, alike: Floats, k: int, strength: float, keep: int = 0) -> Places:
    """Greedy MAP of a determinantal point process: each step takes the item that adds most to

        (1 - strength) * sum of worth + strength * log det(alike of those chosen)

    which is log det L_S for L = diag(q) alike diag(q), q = exp((1 - strength) / (2 strength) * worth), times
    ``strength``. The determinant is followed by one row of the Cholesky factor a step.

    Chen, Zhang and Zhou, NeurIPS 2018 (arXiv:1709.05135), algorithm 1 and section 4. The first ``keep`` are chosen by
    worth alone.
    """
    people, wide = worth.shape
    row = np.arange(people)
    chosen = np.empty((people, k), dtype=np.int64)
    factor = np.zeros((people, k, wide))
    left = np.ones((people, wide))
    value = np.where(np.isfinite(worth), (1 - strength) * worth, -np.inf)
    open_ = np.ones((people, wide), dtype=np.bool_)
    for step in range(k):
        aim = worth if step < keep else value + strength * np.log(np.maximum(left, LEAST))
        best = np.where(open_, aim, -np.inf).argmax(axis=1)
        best = np.where(open_[row, best], best, open_.argmax(axis=1))
        chosen[:, step] = best
        open_[row, best] = False
        own = factor[row, :step, best]
        known = (own[:, :, None] * factor[:, :step]).sum(axis=1)
        new = (alike[row, best] - known) / np.sqrt(np.maximum(left[row, best], LEAST))[:, None]
        factor[:, step] = new
        left = left - new**2
    return chosen


def mmr(worth: Values, alike: Floats, k: int, strength: float, keep: int = 0) -> Places:
    """Maximal marginal relevance: each step takes the item with the most

        (1 - strength) * worth - strength * (its largest similarity to one chosen before)

    Carbonell and Goldstein, SIGIR 1998. The first ``keep`` are chosen by worth alone.
    """
    people, wide = worth.shape
    row = np.arange(people)
    chosen = np.empty((people, k), dtype=np.int64)
    value = np.where(np.isfinite(worth), (1 - strength) * worth, -np.inf)
    nearest = np.zeros((people, wide))
    open_ = np.ones((people, wide), dtype=np.bool_)
    for step in range(k):
        aim = worth if step < keep else value - strength * nearest
        best = np.where(open_, aim, -np.inf).argmax(axis=1)
        best = np.where(open_[row, best], best, open_.argmax(axis=1))
        chosen[:, step] = best
        open_[row, best] = False
        nearest = alike[row, best] if step == 0 else np.maximum(nearest, alike[row, best])
    return chosen


def swap(worth: Values, alike: Floats, k: int, strength: float, most: int, keep: int = 0) -> Places:
    """Start from the first ``k`` and exchange up to ``most`` times the two items whose exchange adds most to

        (1 - strength) * sum of worth - strength / (k - 1) * sum of alike over the pairs of those chosen

    and no more once none adds. The second sum is the similarity within a list as it is measured, so an exchange buys
    the most variety for what it costs. The first ``keep`` stay. (Max-sum dispersion: Borodin, Lee and Ye, PODS 2012,
    whose local search this is.)
    """
    people = len(worth)
    row = np.arange(people)
    value = np.where(np.isfinite(worth), (1 - strength) * worth, 0.0)
    scale = strength / max(1, k - 1)
    chosen = np.tile(np.arange(k), (people, 1))
    open_ = np.isfinite(worth)
    open_[:, :k] = False
    load = alike[:, :, :k].sum(axis=2, dtype=np.float64)  # [B, P]: likeness to those chosen, itself included
    for _ in range(most):
        own = value - scale * load  # of a chosen item itself, its own 1 is in the load
        rows = alike[row[:, None], chosen]  # [B, K, P]
        gain = own[:, None, :] - (own[row[:, None], chosen] + scale)[:, :, None] + scale * rows
        gain = np.where(open_[:, None, :], gain, -np.inf)
        gain[:, :keep] = -np.inf
        # Nothing is taken out where the list is too short to give one in exchange.
        # Of equal exchanges, the one that takes out the last.
        flat = gain[:, ::-1].reshape(people, -1)
        best = flat.argmax(axis=1)
        going = np.flatnonzero(flat[row, best] > GAIN)
        if not len(going):
            break
        leaves, comes = np.divmod(best[going], worth.shape[1])
        leaves = k - 1 - leaves
        out = chosen[going, leaves]
        load[going] += alike[going, comes].astype(np.float64) - alike[going, out]
        chosen[going, leaves] = comes
        open_[going, comes] = False
    return chosen


GAIN = 1e-9
"""An exchange that adds less is none."""
