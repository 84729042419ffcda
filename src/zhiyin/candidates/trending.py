"""What is on the rise: items taken lately more than before."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.popular import MICROSECONDS_A_DAY
from zhiyin.errors import ModelError
from zhiyin.types import NO_TIME, Floats, Histories, TrainingData


class TrendingParams(Params):
    days: float = Field(30.0, gt=0, le=36_500)
    """Days before training that are lately."""
    before_days: float = Field(365.0, gt=0, le=36_500)
    """Days before those, with which they are compared; no more than the data hold."""
    prior: float = Field(20.0, gt=0, le=10_000)
    """Events of an item that neither rises nor falls, added on both sides: higher trusts small numbers less."""


class Trending(Recommender):
    """Growth of an item: sqrt(recent) * log((recent + prior) / (expected + prior)), 0 where it did not grow.

    Recent is the summed weight of its events within ``days``; expected is what the ``before_days`` before them would
    have given in as long a time, had the item kept its share of all events. The logarithm is that of the mean of a
    Poisson rate under a gamma prior; the root lets an item that many people take rise above one that a few discovered.
    The same for everybody: the history does not matter.
    """

    name: ClassVar[str] = "trending"
    params_type: ClassVar[type[Params]] = TrendingParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "days": (30.0, 7.0, 90.0),
        "before_days": (365.0, 90.0, 730.0),
        "prior": (20.0, 5.0, 80.0),
    }
    because: ClassVar[tuple[str, str]] = ("more people take it lately than before", "最近选它的人比以前多")
    params: TrendingParams

    def fit(self, data: TrainingData) -> Self:
        """Raises ModelError where events carry no times, or none lies before the recent days."""
        histories, n = data.interactions.histories, data.interactions.n_items
        timed = histories.times != NO_TIME
        if not timed.any():
            raise self._useless("no event has a time")
        now = data.now if data.now != NO_TIME else int(histories.times.max())
        ages = np.where(timed, (now - np.where(timed, histories.times, now)) / MICROSECONDS_A_DAY, np.inf)
        recent = self._sums(histories, (ages >= 0) & (ages <= self.params.days), n)
        before = (ages > self.params.days) & (ages <= self.params.days + self.params.before_days)
        if not before.any():
            raise self._useless(f"no event is more than {self.params.days:g} days old")
        earlier = self._sums(histories, before, n)
        # Shares, not rates: a site that grows makes no item rise.
        expected = earlier * (recent.sum() / max(earlier.sum(), np.finfo(np.float64).tiny))
        growth = np.log((recent + self.params.prior) / (expected + self.params.prior))
        return self.restore({"rise": (np.sqrt(recent) * np.maximum(growth, 0)).astype(np.float32)})

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        return np.tile(self.rise, (len(histories), 1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return {"rise": self.rise}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self.rise: Floats = arrays["rise"]
        self.n_items = len(self.rise)
        return self

    def _useless(self, why: str) -> ModelError:
        return ModelError(
            f"model '{self.name}' compares lately with before, and {why}",
            fix="import events with times that reach further back, or leave this model out",
        )

    @staticmethod
    def _sums(histories: Histories, counted: NDArray[np.bool_], n: int) -> NDArray[np.float64]:
        """Float64 [n]: summed weight of the events ``counted`` by item."""
        sums = np.bincount(histories.items[counted], weights=histories.weights[counted], minlength=n)
        return sums.astype(np.float64)
