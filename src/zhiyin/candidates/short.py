"""People with a few events: the core with weights of its own, chosen where histories are short.

What carries a list there is different: one event says less, so what is popular of late and what people take before an
item speak along.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.types import Floats, Histories, Ints

MOST_EVENTS = 3
"""Histories up to this long are asked of the model for short histories."""


class ShortCore(LinearCore):
    """``LinearCore``; only parameters that leave the expensive part as it is are searched."""

    name: ClassVar[str] = "short"
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "backward": (0.0, 0.12, 0.25, 0.5, 1.0, 2.0),
        "rules": (0.0, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0),
        "decay": (0.3, 0.45, 0.6, 0.75, 0.85, 0.93, 1.0),
        "trend": (0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8),
        "trend_days": (7.0, 30.0, 90.0, 365.0),
        "rarity": (0.0, 0.05, 0.1, 0.2),
    }

    @classmethod
    def beside(cls, core: LinearCore, params: Params) -> Self:
        """An unfitted model that takes over what ``core`` has solved, where the parameters of both agree on it."""
        model = cls(params)
        model._solved = core._solved
        return model


class ByLength:
    """Answers like a model: ``short`` is asked about people with ``most`` events or fewer, ``long`` about the others;
    people without any event get the same from both, what stands behind them."""

    def __init__(self, long: Filled, short: Filled, most: int = MOST_EVENTS) -> None:
        self.long = long
        self.short = short
        self.most = most

    def of(self, history: Histories) -> Filled:
        """Which of the two answers for one person."""
        return self.short if 0 < len(history.items) <= self.most else self.long

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """As ``Recommender.top_k``."""
        few = (histories.lengths > 0) & (histories.lengths <= self.most)
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
        for model, places in ((self.long, np.flatnonzero(~few)), (self.short, np.flatnonzero(few))):
            if len(places):
                asked = histories.take(places)
                rows[places], scores[places] = model.top_k(asked, k, exclude_seen=exclude_seen, allowed=allowed)
        return rows, scores
