"""Models whose score is a weighted sum of item-item rows: s(u, c) = sum over the history of w(event) * M[item, c]."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.candidates.base import Recommender
from zhiyin.types import Floats, Histories


class ItemMatrixModel(Recommender):
    """Base of item kNN, content kNN, sequential rules and the linear core.

    A subclass's ``fit`` sets ``matrix`` (float32 CSR [n, n], row = the item in the history, column = the item scored)
    and ``n_items``; its ``event_weights`` says how much each event of a history counts.
    """

    matrix: sparse.csr_array

    def event_weights(self, histories: Histories) -> Floats:
        """Weight (>= 0) of each event when asked; the default counts the event's own weight."""
        return histories.weights

    def score(self, histories: Histories) -> Floats:
        self.check_fitted()
        weighted = sparse.csr_array(
            (self.event_weights(histories), histories.items, histories.indptr), shape=(len(histories), self.n_items)
        )
        return np.asarray((weighted @ self.matrix).toarray(), dtype=np.float32)

    def contributions(self, history: Histories, item: int) -> Floats:
        column = np.zeros(len(history.items), dtype=np.float32)
        for place, seen in enumerate(history.items):
            low, high = self.matrix.indptr[seen], self.matrix.indptr[seen + 1]
            hit = low + np.searchsorted(self.matrix.indices[low:high], item)
            if hit < high and self.matrix.indices[hit] == item:
                column[place] = self.matrix.data[hit]
        return column * self.event_weights(history)

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return {"indptr": self.matrix.indptr, "indices": self.matrix.indices, "data": self.matrix.data}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        n = len(arrays["indptr"]) - 1
        self.matrix = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
        self.n_items = n
        return self
