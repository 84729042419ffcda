"""Models whose score is a weighted sum of item-item rows: s(u, c) = sum over the history of w(event) * M[item, c]."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.candidates.base import Recommender
from zhiyin.candidates.newcomers import with_newcomers
from zhiyin.candidates.topn import top_of_product
from zhiyin.types import Floats, Histories, Ints

DENSE_USERS = 8
"""Up to this many users a dense block of scores is quicker than setting up the sparse product."""
BATCH_USERS = 32_768
DENSE_CELLS = 3000**2
"""A matrix of no more cells is also held dense to answer from, 36 MB at most: without searching for what is there, a
few people are answered four times as fast."""


class ItemMatrixModel(Recommender):
    """Base of item kNN, content kNN, sequential rules and the linear core.

    A subclass's ``fit`` sets ``matrix`` (float32 CSR [n, n] with sorted indices, row = the item in the history, column
    = the item scored) and ``n_items``; its ``event_weights`` says how much each event of a history counts.
    """

    additive: ClassVar[bool] = True
    matrix: sparse.csr_array
    base: Floats | None = None
    """Added to every score, float32 [n]; None adds nothing. No part of ``contributions``."""
    _held: tuple[sparse.csr_array, Floats] | None = None

    def event_weights(self, histories: Histories) -> Floats:
        """Weight (>= 0) of each event when asked; the default counts the event's own weight."""
        return histories.weights

    def score(self, histories: Histories) -> Floats:
        self.check_asked(histories)
        weighted = history_rows(self.event_weights(histories), histories.items, histories, self.n_items)
        dense = self._dense()
        # Both add up the events of a history in their order, so both give the same numbers.
        scores = weighted @ dense if dense is not None else (weighted @ self.matrix).toarray()
        scores = np.asarray(scores, dtype=np.float32)
        return scores if self.base is None else scores + self.base

    def _dense(self) -> Floats | None:
        """``matrix`` as float32 [n, n], made when first asked; None where that would be large."""
        if self.n_items**2 > DENSE_CELLS:
            return None
        if self._held is None or self._held[0] is not self.matrix:
            self._held = self.matrix, self.matrix.toarray()
        return self._held[1]

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        self.check_request(histories, k)
        if len(histories) <= DENSE_USERS:
            return super().top_k(histories, k, exclude_seen=exclude_seen, allowed=allowed)
        parts = [
            self._sparse_top_k(histories.slice(start, start + BATCH_USERS), k, exclude_seen, allowed)
            for start in range(0, len(histories), BATCH_USERS)
        ]
        return np.concatenate([rows for rows, _ in parts]), np.concatenate([scores for _, scores in parts])

    def _sparse_top_k(
        self, histories: Histories, k: int, exclude_seen: bool, allowed: NDArray[np.bool_] | None
    ) -> tuple[Ints, Floats]:
        used, places = np.unique(histories.items, return_inverse=True)
        left = history_rows(self.event_weights(histories), places, histories, len(used))
        known = self.matrix[used]
        if self.base is not None:
            # Everybody has one more event, whose row is the base.
            left = sparse.hstack([left, np.ones((len(histories), 1), dtype=np.float32)], format="csr")
            known = sparse.vstack([known, sparse.csr_array(self.base[None, :])], format="csr")
        if allowed is not None and not allowed.all():
            known = _columns_kept(known, allowed)
        if exclude_seen:
            # A second copy of each history meets a diagonal of -inf: whatever the sum, what was seen ends at -inf.
            seen = history_rows(np.ones(len(places), dtype=np.float32), places, histories, len(used))
            bars = (np.full(len(used), -np.inf, dtype=np.float32), used, np.arange(len(used) + 1, dtype=used.dtype))
            left = sparse.hstack([left, seen], format="csr")
            known = sparse.vstack([known, sparse.csr_array(bars, shape=(len(used), self.n_items))], format="csr")
        return top_of_product(left, known, k)

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        self.check_asked(history)
        dense = self._dense()
        if dense is not None:
            pulls = dense.reshape(-1).take(history.items.astype(np.int64) * self.n_items + items[:, None])
        else:
            pulls = self.matrix[history.items][:, items].toarray().T
        return np.asarray(pulls * self.event_weights(history), dtype=np.float32)

    def common(self, items: Ints) -> Floats:
        return super().common(items) if self.base is None else self.base[items]

    def without_common(self) -> Self:
        if self.base is None:
            return self
        plain = type(self)(self.params)
        plain.matrix, plain.n_items = self.matrix, self.n_items
        return plain

    def contributions(self, history: Histories, item: int) -> Floats:
        self.check_asked(history)
        column = np.zeros(len(history.items), dtype=np.float32)
        for place, seen in enumerate(history.items):
            low, high = self.matrix.indptr[seen], self.matrix.indptr[seen + 1]
            hit = low + np.searchsorted(self.matrix.indices[low:high], item)
            if hit < high and self.matrix.indices[hit] == item:
                column[place] = self.matrix.data[hit]
        return column * self.event_weights(history)

    def with_newcomers(self, known: Floats, new: Floats) -> Self:
        self.check_fitted()
        grown = type(self)(self.params)
        grown.matrix = with_newcomers(self.matrix, known, new)
        grown.n_items = self.n_items + len(new)
        if self.base is not None:
            grown.base = np.concatenate((self.base, np.zeros(len(new), dtype=np.float32)))
        return grown

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        arrays = {"indptr": self.matrix.indptr, "indices": self.matrix.indices, "data": self.matrix.data}
        return arrays if self.base is None else {**arrays, "base": self.base}

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        n = len(arrays["indptr"]) - 1
        self.matrix = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
        self.base = arrays.get("base")
        self.n_items = n
        return self


def decayed(histories: Histories, decay: float) -> Floats:
    """Weight of each event, multiplied by ``decay`` for every event of the same history that came after it."""
    if decay == 1.0:
        return histories.weights
    return histories.weights * np.float32(decay) ** histories.steps_ago().astype(np.float32)


def history_rows(
    weights: Floats, columns: NDArray[np.integer[Any]], histories: Histories, n_columns: int
) -> sparse.csr_array:
    """CSR [len(histories), n_columns] with one cell per event, in its order: a column met twice has two cells.

    The index type is narrow where it can be: to match a wide one scipy would copy the whole item matrix.
    """
    index = np.int32 if len(columns) <= np.iinfo(np.int32).max else np.int64
    return sparse.csr_array(
        (weights, columns.astype(index, copy=False), histories.indptr.astype(index)), shape=(len(histories), n_columns)
    )


def user_items(histories: Histories, n_items: int) -> sparse.csr_array:
    """Event weights as a float32 CSR [users, n_items]; several events of one user with one item are added up."""
    counts = history_rows(histories.weights.copy(), histories.items.copy(), histories, n_items)
    counts.sum_duplicates()
    return counts


def nearest(vectors: sparse.csr_array, k: int) -> sparse.csr_array:
    """The ``k`` largest inner products of each column of ``vectors`` [rows, n] with the others: CSR [n, n]."""
    own = sparse.eye_array(vectors.shape[1], dtype=np.float32, format="csr")
    # The extra rows put -inf on the diagonal: an item is no neighbour of its own.
    left = sparse.hstack([vectors.T.tocsr(), own], format="csr")
    right = sparse.vstack([vectors, own * np.float32(-np.inf)], format="csr")
    return from_neighbours(*top_of_product(left, right, k))


def from_neighbours(neighbours: Ints, weights: Floats) -> sparse.csr_array:
    """CSR [n, n] with sorted indices from what ``best_of`` and ``top_of_product`` give: [n, k], -1 for none."""
    n, k = neighbours.shape
    taken = neighbours >= 0
    rows = np.repeat(np.arange(n, dtype=np.int32), k)[taken.ravel()]
    return sparse.coo_array((weights[taken], (rows, neighbours[taken])), shape=(n, n)).tocsr()


def _columns_kept(matrix: sparse.csr_array, allowed: NDArray[np.bool_]) -> sparse.csr_array:
    """``matrix`` without the cells in columns that are not allowed."""
    kept = allowed[matrix.indices]
    indptr = np.concatenate(([0], np.cumsum(kept)))[matrix.indptr]
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)
