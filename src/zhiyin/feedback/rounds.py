"""What the lists of one round look like: how much of the catalogue is seen, how evenly, and how varied each list is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

Values = NDArray[np.float64]
RESAMPLES = 2000


def gini(counts: NDArray[np.integer[Any]] | Values) -> float:
    """0 where all items are shown as often, near 1 where a few are shown alone; NaN where nothing is shown."""
    ordered = np.sort(np.asarray(counts, dtype=np.float64))
    total, n = float(ordered.sum()), len(ordered)
    if not total:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def variety(shown: NDArray[np.int32], vectors: Floats) -> float:
    """Mean over lists of 1 - the mean cosine of two of its items; ``vectors`` [n, d] are unit rows. NaN without a list
    of two."""
    found = []
    for row in shown:
        own = vectors[row[row >= 0]]
        if len(own) > 1:
            sums = own.sum(axis=0)
            found.append(1 - (float(sums @ sums) - float((own * own).sum())) / (len(own) * (len(own) - 1)))
    return float(np.mean(found)) if found else float("nan")


@dataclass(frozen=True)
class Interval:
    value: float
    low: float
    high: float


def over_people(
    table: Sequence[Values], figure: Callable[..., Values], *, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """``figure`` of the means over people of each column of ``table`` (arrays [U], the same people in the same order),
    with its 95 % interval over people (percentile bootstrap)."""
    values = np.column_stack(table)
    random = np.random.default_rng([seed, 23])
    picks = random.multinomial(len(values), np.full(len(values), 1 / len(values)), resamples) / len(values)
    drawn = figure(*(picks @ values).T)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return Interval(float(figure(*values.mean(axis=0))), float(low), float(high))
