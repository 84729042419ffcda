"""A weighted sum of columns, its weights learned listwise: the softmax of a person's candidates should fall on what
they chose (Cao et al. 2007, "Learning to rank: from pairwise approach to listwise approach", top-one probability)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from zhiyin.rank.fusion.table import Labels, Table
from zhiyin.types import Floats

STEPS = 100


def learn_weights(table: Table, labels: Labels, rising: Collection[str], penalty: float) -> Floats:
    """Weights float32 [columns] for ``table`` by the candidates that were chosen; zeros where nobody chose any.

    Maximises the mean log share of the chosen candidates over people, less ``penalty`` times the squared weights of
    columns of spread 1. Weights of columns in ``rising`` are never below 0. Convex, so the start does not matter.
    """
    from scipy.optimize import minimize

    owners = table.owners()
    chosen = np.bincount(owners, weights=labels, minlength=len(table))
    kept = (chosen > 0)[owners]
    if not kept.any():
        return np.zeros(len(table.columns), dtype=np.float32)
    values = table.values[kept].astype(np.float64)
    spread = values.std(axis=0)
    spread[spread < 1e-9] = np.inf
    # In place: this is the largest thing that training holds.
    values -= values.mean(axis=0)
    values /= spread
    person = np.unique(owners[kept], return_inverse=True)[1]
    starts = np.searchsorted(person, np.arange(person[-1] + 1))
    share = labels[kept] / chosen[owners[kept]]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = values @ weights
        scores -= np.maximum.reduceat(scores, starts)[person]
        heights = np.exp(scores)
        sums = np.add.reduceat(heights, starts)
        told = float(share @ (scores - np.log(sums)[person]))
        slope = values.T @ (heights / sums[person] - share)
        people = len(starts)
        return penalty * float(weights @ weights) - told / people, slope / people + 2 * penalty * weights

    bounds = [(0, None) if name in rising else (None, None) for name in table.columns]
    found = minimize(
        loss, np.full(len(bounds), 0.1), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    )
    return np.asarray(found.x / spread, dtype=np.float32)
