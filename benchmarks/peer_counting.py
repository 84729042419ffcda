"""Two counting peers, written from the formulas of "Do Sequential Recommendation Benchmarks Really Require Higher-Order
Sequence Modelling?" (RecSys 2026; spotify-research/sequential-capacity-probes, docs/PROTOCOL.md).

N^(d)[b, a] counts how often item a stands d places after item b; C = sum over d of g(d) N^(d), d up to ``window``.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.linear import strongest
from zhiyin.candidates.matrix import ItemMatrixModel
from zhiyin.types import Floats, Histories, Ints, TrainingData

Weighting = Literal["same", "div", "quadratic", "log"]
SHAPES: dict[str, Any] = {
    "same": lambda places: np.ones(len(places)),
    "div": lambda places: 1.0 / places,
    "quadratic": lambda places: 1.0 / np.square(places),
    "log": lambda places: 1.0 / np.log10(places + 1.7),
}
LONGEST = 50
"""Events of a history that are looked at, the latest."""


class SeqRulesParams(Params):
    window: int = Field(10, ge=1)
    distance: Weighting = "log"
    strongest: int = Field(100, ge=0)
    """Rules kept of each item; 0 keeps all."""
    idf: bool = False
    """Rules of rare items count more."""
    history: int = Field(10, ge=1)
    recency: Weighting = "quadratic"


class SeqRules(ItemMatrixModel):
    """R = C with g = ``distance``; the score sums R over the latest ``history`` items, weighted by ``recency``.

    The defaults are those published for Amazon Beauty."""

    name: ClassVar[str] = "SeqRules"
    params_type: ClassVar[type[Params]] = SeqRulesParams
    params: SeqRulesParams

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        places = np.arange(1, self.params.window + 1, dtype=np.float64)
        matrix = pair_counts(histories, n, SHAPES[self.params.distance](places))
        if self.params.idf:
            users = int((histories.lengths > 0).sum())
            taken = np.bincount(histories.items, minlength=n)
            raw = np.log(users / np.maximum(taken, 1))
            low, high = raw[taken > 0].min(), raw[taken > 0].max()
            rarity = np.clip((raw - low) / (high - low), 0, 1) if high > low else np.ones(n)
            matrix.data *= np.repeat(rarity, np.diff(matrix.indptr)).astype(np.float32)
        self.matrix = strongest(matrix, self.params.strongest) if self.params.strongest else matrix
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        steps = histories.steps_ago()
        weights = SHAPES[self.params.recency](steps + 1.0)
        weights[steps == 0] = 1.0
        weights[steps >= min(self.params.history, LONGEST)] = 0.0
        return np.asarray(weights, dtype=np.float32)


class PCTMParams(Params):
    window: int = Field(10, ge=1)
    power: float = Field(0.5, ge=0)
    """g(d) = d ** -power ..."""
    fading: float = Field(0.0, ge=0, lt=1)
    """... or, above 0, g(d) = fading ** (d - 1)."""
    tau: float = Field(0.93, gt=0)
    """Smoothing, as a share of the number of items."""
    decay: float = Field(0.6, gt=0, le=1)
    popularity: float = -0.04
    """Weight of the log popularity in the score; below 0 favours rare items."""


class PCTM(ItemMatrixModel):
    """score(a | h) = sum over h of w log(1 + C[b, a] / tau) + popularity * log p(a), the weights w = decay^(steps ago)
    summing to 1. The defaults are those published for Amazon Beauty."""

    name: ClassVar[str] = "PCTM"
    params_type: ClassVar[type[Params]] = PCTMParams
    params: PCTMParams

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        places = np.arange(1, self.params.window + 1, dtype=np.float64)
        weights = self.params.fading ** (places - 1) if self.params.fading else places**-self.params.power
        self.matrix = pair_counts(histories, n, weights)
        self.matrix.data = np.log1p(self.matrix.data / np.float32(self.params.tau)).astype(np.float32)
        taken = np.bincount(histories.items, minlength=n)
        self.log_popularity = np.log((taken + 1.0) / (taken.sum() + n)).astype(np.float32)
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        steps = histories.steps_ago()
        weights = np.where(steps < LONGEST, self.params.decay ** steps.astype(np.float64), 0)
        totals = np.bincount(histories.owners(), weights=weights, minlength=len(histories))
        return (weights / totals[histories.owners()]).astype(np.float32)

    def score(self, histories: Histories) -> Floats:
        scores: Floats = super().score(histories) + np.float32(self.params.popularity) * self.log_popularity
        return scores

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        ask = super().top_k if not self.params.popularity else super(ItemMatrixModel, self).top_k
        return ask(histories, k, exclude_seen=exclude_seen, allowed=allowed)


def pair_counts(histories: Histories, n: int, weights: NDArray[np.float64]) -> sparse.csr_array:
    """C, float32 CSR [n, n] with sorted indices; ``weights`` is g(1), g(2), ..."""
    items, owners = histories.items, histories.owners()
    total = sparse.csr_array((n, n), dtype=np.float32)
    for distance, weight in enumerate(weights.tolist(), 1):
        first = np.flatnonzero(owners[distance:] == owners[:-distance])
        values = np.full(len(first), weight, dtype=np.float32)
        total = total + sparse.coo_array((values, (items[first], items[first + distance])), shape=(n, n)).tocsr()
    total.sort_indices()
    return total
