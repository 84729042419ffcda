"""What is known of a place in a list before anybody answers: where it stands, how the scores lie, who asks.

Every part is made of the cell, the top of its list and the person: a list that is cut shorter keeps its numbers.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from zhiyin.types import Floats, Longs

COLUMNS = ("near", "far", "deep", "top", "gap", "wide", "length")
RISING = 6
"""So many columns, from the first, never lower the chance: an item further up, or of a higher score, stays likelier."""
TAIL = 0.01
"""Share of what was seen, at each end, beyond which a number counts as the last one within."""


class Frame(BaseModel):
    """Ranges met in learning: numbers are cut to them, so what was never met is taken for the nearest that was."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    top: tuple[float, float]
    """Best scores of lists, lowest and highest."""
    gap: float
    """Largest distance of a score from the best one of its list; above 0."""
    length: tuple[float, float]
    """log(1 + events) of a history."""

    @classmethod
    def of(cls, scores: Floats, lengths: Longs) -> Self:
        """``scores`` float32 [U, k], -inf where a list is shorter, at least one finite; ``lengths`` int64 [U]."""
        full = np.isfinite(scores).any(axis=1)
        best = np.where(np.isfinite(scores), scores, -np.inf)[full].max(axis=1)
        gaps = (best[:, None] - scores[full])[np.isfinite(scores[full])]
        apart = gaps[gaps > 0]
        low, high = np.quantile(best, [TAIL, 1 - TAIL])
        few, many = np.quantile(np.log1p(lengths[full]), [TAIL, 1 - TAIL])
        return cls(
            top=(short(low), short(high)),
            gap=short(np.quantile(apart, 1 - TAIL)) if len(apart) else 1.0,
            length=(short(few), short(many)),
        )

    def cells(self, scores: Floats, lengths: Longs) -> Floats:
        """The columns of each cell of lists ``scores`` [B, k]: float32 [B, k, ``COLUMNS``]; those of a cell without a
        finite score mean nothing.

        near, far: -log(rank), for the shortest and the longest history (a share of each for those between). deep:
        -log(rank + 3), which is flat in front. top: the best score of the list, from 0 to 1. gap: minus the distance to
        it, from 0 to -1. wide: minus its square. length: log(1 + events), from 0 to 1.
        """
        known = np.isfinite(scores)
        best = np.where(known, scores, -np.inf).astype(np.float64).max(axis=1, initial=-np.inf, keepdims=True)
        best = np.where(np.isfinite(best), best, self.top[0])
        gaps = np.clip(best - np.where(known, scores, best), 0, self.gap)
        place = np.arange(1, scores.shape[1] + 1)
        rank, gaps = -np.log(place), gaps / self.gap
        length = _share(np.log1p(lengths.astype(np.float64)), self.length)[:, None]
        top = _share(best, self.top)
        shape = scores.shape
        columns = (
            (1 - length) * rank,
            length * rank,
            np.broadcast_to(-np.log(place + 3), shape),
            np.broadcast_to(top, shape),
            -gaps,
            -(gaps**2),
            np.broadcast_to(length, shape),
        )
        return np.stack(columns, axis=2).astype(np.float32)


def _share(values: NDArray[np.floating], ends: tuple[float, float]) -> NDArray[np.floating]:
    """Where ``values`` lie between two ends, in [0, 1]; 0 where the ends are one."""
    low, high = ends
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)


def short(value: float) -> float:
    """Eight digits: what is kept as text comes back as the same number."""
    return float(f"{value:.8g}")
