"""What most people took lately."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import CHUNK_CELLS, Params, Recommender
from zhiyin.types import NO_TIME, Floats, Histories, Ints, TrainingData

MICROSECONDS_A_DAY = 86_400_000_000


class PopularParams(Params):
    days: float | None = Field(30.0, gt=0, le=36_500)
    """Events of this many days before training are counted; None counts all."""


class WindowedPopularity(Recommender):
    """Score of an item: the summed weight of its users within the window, each user counted once, by their strongest
    event. Items that nobody took within the window follow, by the same sum over all time, then those that nobody ever
    took; all have a score above 0, so that this list can fill every other. The history does not matter.

    Where no event carries a time, all time is the window.
    """

    name: ClassVar[str] = "popular"
    params_type: ClassVar[type[Params]] = PopularParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {"days": (30.0, 7.0, 90.0, 365.0, None)}
    params: PopularParams

    def fit(self, data: TrainingData) -> Self:
        histories = data.interactions.histories
        n = data.interactions.n_items
        ever = _popularity(histories, np.ones(len(histories.items), dtype=np.bool_), n)
        window = ever
        timed = histories.times != NO_TIME
        if self.params.days is not None and timed.any():
            now = data.now if data.now != NO_TIME else int(histories.times.max())
            window = _popularity(histories, timed & (histories.times >= now - self.params.days * MICROSECONDS_A_DAY), n)
        # The tail is squeezed into the open interval between 0 and the smallest score of the window.
        least = window[window > 0].min() if (window > 0).any() else 1.0
        scale = least / (2.0 * (ever.max(initial=0.0) + 1.0))
        prior = min(1.0, ever[ever > 0].min() if (ever > 0).any() else 1.0) / 2.0
        return self.restore({"popularity": np.where(window > 0, window, (ever + prior) * scale).astype(np.float32)})

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        return np.tile(self.popularity, (len(histories), 1))

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        self.check_request(histories, k)
        order = self._order if allowed is None else self._order[allowed[self._order]]
        rank = np.full(self.n_items, self.n_items)
        rank[order] = np.arange(len(order))
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        longest = int(histories.lengths.max(initial=0)) if exclude_seen else 0
        width = min(len(order), k + longest)
        step = max(1, CHUNK_CELLS // max(1, width))
        for start in range(0, len(histories), step):
            chunk = histories.slice(start, start + step)
            taken = np.zeros((len(chunk), width), dtype=np.bool_)
            if exclude_seen:
                places = rank[chunk.items]
                near = places < width
                taken[chunk.owners()[near], places[near]] = True
            free = np.argsort(taken, axis=1, kind="stable")[:, :k]
            left = ~np.take_along_axis(taken, free, axis=1)
            rows[start : start + len(chunk), : free.shape[1]] = np.where(left, order[free], -1)
        scores = np.where(rows >= 0, self.popularity[rows] if self.n_items else 0, -np.inf).astype(np.float32)
        return rows, scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return {"popularity": self.popularity}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self.popularity: Floats = arrays["popularity"]
        self._order = np.argsort(-self.popularity, kind="stable").astype(np.int32)
        self.n_items = len(self.popularity)
        return self


def _popularity(histories: Histories, counted: NDArray[np.bool_], n: int) -> NDArray[np.float64]:
    """Float64 [n]: over the events ``counted``, the strongest weight of each (user, item) pair, summed by item."""
    items, weights, owners = histories.items[counted], histories.weights[counted], histories.owners()[counted]
    order = np.lexsort((weights, items, owners))
    items, weights, owners = items[order], weights[order], owners[order]
    last = np.ones(len(items), dtype=np.bool_)
    last[:-1] = (items[1:] != items[:-1]) | (owners[1:] != owners[:-1])
    sums: NDArray[np.float64] = np.bincount(items[last], weights=weights[last], minlength=n).astype(np.float64)
    return sums
