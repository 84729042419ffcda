"""Items taken by the same people: neighbourhood model on co-occurrence."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, nearest, user_items
from zhiyin.types import Floats, Histories, TrainingData

BM25_SATURATION = 1.2
BM25_LENGTH = 0.75


class ItemKNNParams(Params):
    neighbours: int = Field(100, ge=1, le=10_000)
    """Neighbours kept of each item."""
    weighting: Literal["cosine", "tfidf", "bm25"] = "cosine"
    """How much one user's event says of an item: its weight, or that weight scaled down for users who take much."""
    shrink: float = Field(10.0, ge=0, le=10_000)
    """Added to each item's squared length, so that items with few users get smaller similarities."""
    decay: float = Field(0.8, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class ItemKNN(ItemMatrixModel):
    """M[i, j] = x_i . x_j / sqrt((|x_i|^2 + shrink) (|x_j|^2 + shrink)) for the ``neighbours`` largest j of each i,
    where x_i holds one weight per user (Sarwar et al. 2001; shrinkage after Bell and Koren 2007, made separable)."""

    name: ClassVar[str] = "item_knn"
    params_type: ClassVar[type[Params]] = ItemKNNParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.8, 0.6, 0.9, 1.0),
        "shrink": (10.0, 0.0, 3.0, 30.0, 100.0),
        "weighting": ("cosine", "tfidf", "bm25"),
        "neighbours": (100, 30, 300),
    }
    params: ItemKNNParams

    def fit(self, data: TrainingData) -> Self:
        n = data.interactions.n_items
        vectors = _weighted(user_items(data.interactions.histories, n), self.params.weighting)
        lengths = np.bincount(vectors.indices, weights=vectors.data.astype(np.float64) ** 2, minlength=n)
        vectors.data = (vectors.data / np.sqrt(lengths + self.params.shrink)[vectors.indices]).astype(np.float32)
        self.matrix = nearest(vectors, self.params.neighbours)
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)


def _weighted(counts: sparse.csr_array, weighting: str) -> sparse.csr_array:
    """``counts`` [users, items] reweighted with items as the documents and users as the terms of text retrieval.

    Unlike the usual log(N / (1 + n)), log(1 + N / n) stays above 0 for a user who took every item.
    """
    if weighting == "cosine" or not counts.nnz:
        return counts
    users, n_items = counts.shape
    taken = np.diff(counts.indptr)
    rarity = np.log1p(n_items / np.maximum(taken, 1))[np.repeat(np.arange(users), taken)]
    if weighting == "tfidf":
        data = np.sqrt(counts.data) * rarity
    else:
        totals = np.bincount(counts.indices, weights=counts.data, minlength=n_items)
        length = (1 - BM25_LENGTH) + BM25_LENGTH * totals / totals.mean()
        data = counts.data * (BM25_SATURATION + 1) / (BM25_SATURATION * length[counts.indices] + counts.data) * rarity
    return sparse.csr_array((data.astype(np.float32), counts.indices, counts.indptr), shape=counts.shape)
