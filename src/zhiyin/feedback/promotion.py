"""Whether a candidate takes the place of what is served: decided on fresh, held-out people of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import UsageError

Values = NDArray[np.float64]
RESAMPLES = 2000
FEWEST = 30
"""With fewer people nothing is decided."""
CELLS = 4_000_000


@dataclass(frozen=True)
class Decision:
    """``promote``, and why on one line. ``gain`` is the candidate's mean less the served one's over the ``people``
    measured under both, with its 95 % interval; NaN with fewer than two."""

    promote: bool
    reason: str
    gain: float
    low: float
    high: float
    people: int


def decide(
    served: Values,
    candidate: Values,
    *,
    metric: str = "NDCG@10",
    tolerance: float = 0.0,
    fewest: int = FEWEST,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Decision:
    """``served`` and ``candidate`` [n] are the same people's values of ``metric`` (higher is better; NaN where one
    cannot be measured, who is then left out).

    Promoted where the interval of the paired difference (percentile bootstrap over people) lies above 0, or with a
    ``tolerance`` above minus that, so that a candidate that is as good but knows more recent items may come in. Raises
    UsageError where the people differ.
    """
    if served.shape != candidate.shape:
        raise UsageError(f"{len(served)} people against {len(candidate)}", fix="measure both on the same people")
    gaps = np.asarray(candidate - served, dtype=np.float64)
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < max(2, fewest):
        what = f"keep: {len(gaps)} people are too few to tell, {max(2, fewest)} are needed"
        return Decision(False, what, float(gaps.mean()) if len(gaps) else np.nan, np.nan, np.nan, len(gaps))
    low, high = (float(one) for one in np.quantile(_means(gaps, resamples, seed), [0.025, 0.975]))
    gain = float(gaps.mean())
    said = f"{metric} {gain:+.4f} (95 % {low:+.4f} to {high:+.4f}, {len(gaps):,} people)"
    if low > -tolerance:
        limit = "" if low > 0 else f", no more than {tolerance:g} worse"
        return Decision(True, f"promote: {said}{limit}", gain, low, high, len(gaps))
    why = "surely worse" if high < 0 else "not surely better"
    return Decision(False, f"keep: {said}, {why}", gain, low, high, len(gaps))


def _means(gaps: Values, resamples: int, seed: int) -> Values:
    random = np.random.default_rng([seed, 13])
    found = np.empty(resamples)
    step = max(1, CELLS // len(gaps))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        found[start : start + count] = gaps[random.integers(0, len(gaps), (count, len(gaps)))].mean(axis=1)
    return found
