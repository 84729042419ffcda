"""Whether chances come true: of all the places that were given 5 %, is it one in twenty that is hit?

Throughout, ``chances`` are float [N] in [0, 1] and ``hit`` bool [N]; cells whose chance is NaN are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import UsageError

Values = NDArray[np.float64]
Hits = NDArray[np.bool_]
Scheme = Literal["equal_mass", "equal_hits", "equal_width"]
Z = 1.959963984540054
"""Standard deviations of a 95 % interval."""
LEAST = 1e-7
"""Chances are kept this far off 0 and 1 before a logarithm is taken."""


@dataclass(frozen=True)
class Bin:
    """``count`` cells: the mean chance ``told``, the share that was hit ``seen``, and its 95 % Wilson interval. Hits in
    one list are not independent of each other, which the interval does not know."""

    count: int
    told: float
    seen: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """``told`` over ``seen``; NaN where nothing was hit."""
        return self.told / self.seen if self.seen > 0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def reliability(chances: NDArray[np.floating], hit: Hits, bins: int = 10, scheme: Scheme = "equal_mass") -> list[Bin]:
    """Cells in up to ``bins`` bins by rising chance; empty ones are left out, so no cells give no bins.

    ``equal_mass``: as many cells in each. ``equal_hits``: as many hits in each, as told, which looks closer where
    chances are high and few. In both equal chances stay together. ``equal_width``: [0, 1] in equal parts, the upper end
    of each within it. Raises UsageError for chances outside [0, 1] and for arrays of two lengths.
    """
    told, seen = _checked(chances, hit)
    if bins < 1:
        raise UsageError(f"cannot sort chances into {bins} bins", fix="ask for 1 or more")
    if not len(told):
        return []
    order = np.argsort(told, kind="stable")
    told, seen = told[order], seen[order]
    if scheme == "equal_width":
        place = np.maximum(np.ceil(told * bins), 1)
        starts = np.flatnonzero(np.diff(place, prepend=0))
    else:
        mass = np.cumsum(told if scheme == "equal_hits" and told.any() else np.ones(len(told)))
        cuts = np.searchsorted(mass, np.arange(bins) / bins * mass[-1], side="right")
        cuts[0] = 0
        starts = np.unique(np.searchsorted(told, told[np.minimum(cuts, len(told) - 1)]))
    count = np.diff(np.append(starts, len(told)))
    hits = np.add.reduceat(seen.astype(np.float64), starts)
    mean = np.add.reduceat(told, starts) / count
    low, high = wilson(hits, count)
    return [
        Bin(*row)
        for row in zip(count.tolist(), mean.tolist(), (hits / count).tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def expected_calibration_error(table: Sequence[Bin]) -> float:
    """sum over bins of count / N * abs(told - seen) (Naeini et al. 2015), in [0, 1]; NaN without bins.

    Where hits are rare it is small whatever is said: set it beside the share of hits, or see ``relative_error``.
    """
    total = sum(one.count for one in table)
    return sum(one.count * abs(one.told - one.seen) for one in table) / total if total else float("nan")


def relative_error(table: Sequence[Bin]) -> float:
    """``expected_calibration_error`` over the share of cells that were hit; 1 is what saying 0 everywhere gets. NaN
    without a hit."""
    hits = sum(one.count * one.seen for one in table)
    return sum(one.count * abs(one.told - one.seen) for one in table) / hits if hits > 0 else float("nan")


def brier(chances: NDArray[np.floating], hit: Hits) -> float:
    """Mean of (chance - hit)^2 (Brier 1950), in [0, 1]; NaN without cells."""
    told, seen = _checked(chances, hit)
    return float(np.mean((told - seen) ** 2)) if len(told) else float("nan")


def log_loss(chances: NDArray[np.floating], hit: Hits) -> float:
    """Mean of -log of the chance of what happened, in nats; chances are kept ``LEAST`` off 0 and 1. NaN without
    cells."""
    told, seen = _checked(chances, hit)
    kept = np.clip(told, LEAST, 1 - LEAST)
    return float(-np.log(np.where(seen, kept, 1 - kept)).mean()) if len(told) else float("nan")


def wilson(hits: NDArray[Any], count: NDArray[Any]) -> tuple[Values, Values]:
    """95 % interval of a share of ``hits`` in ``count`` (> 0) trials (Wilson 1927), low and high, within [0, 1]."""
    n = np.asarray(count, dtype=np.float64)
    share = np.asarray(hits, dtype=np.float64) / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # Rounding must not push the ends past the share itself.
    return np.clip(np.minimum(middle - half, share), 0, 1), np.clip(np.maximum(middle + half, share), 0, 1)


def chances_report(chances: NDArray[np.floating], hit: Hits, ranks: int = 10, bins: int = 10) -> dict[str, Any]:
    """For JSON and the report: the first ``ranks`` places of lists [U, k], in bins of as many hits. "bins": each as
    ``Bin``; "error": expected calibration error over bins of as many cells; "relative_error"; "brier"; "log_loss";
    "hits": share of the cells that were hit; None where nothing can be said. Cells with chance 0 or NaN are places
    without an item, and left out."""
    told, seen = np.asarray(chances)[:, :ranks], np.asarray(hit)[:, :ranks]
    shown = told > 0
    told, seen = told[shown], seen[shown]
    even = reliability(told, seen, bins)
    figures = {
        "error": expected_calibration_error(even),
        "relative_error": relative_error(even),
        "brier": brier(told, seen),
        "log_loss": log_loss(told, seen),
        "hits": float(seen.mean()) if seen.size else float("nan"),
    }
    return {
        "ranks": ranks,
        "bins": [one.to_dict() for one in reliability(told, seen, bins, "equal_hits")],
        **{name: None if np.isnan(value) else value for name, value in figures.items()},
    }


def _checked(chances: NDArray[np.floating], hit: Hits) -> tuple[Values, Hits]:
    told, seen = np.asarray(chances, dtype=np.float64), np.asarray(hit, dtype=np.bool_)
    if told.shape != seen.shape:
        raise UsageError(f"{told.shape} chances for {seen.shape} outcomes", fix="give one outcome for each chance")
    known = ~np.isnan(told)
    told, seen = told[known], seen[known]
    if len(told) and not (told.min() >= 0 and told.max() <= 1):
        raise UsageError("chances lie outside [0, 1]", fix="calibrate scores before asking how reliable they are")
    return told, seen
