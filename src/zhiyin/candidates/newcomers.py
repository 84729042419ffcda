"""Items that arrived after training: they borrow the rules of the known items whose texts are closest."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from zhiyin.candidates.topn import best_of
from zhiyin.types import Floats

BLOCK_CELLS = 16_000_000
"""Similarities held at once."""
NEIGHBOURS = 5
POWER = 4.0
BOOST = 2.5
"""Borrowed columns are averages, so they are flatter than a known item's own; measured in benchmarks/cold_items.py."""


def with_newcomers(matrix: sparse.csr_array, known: Floats, new: Floats) -> sparse.csr_array:
    """``matrix`` [n, n] grown to [n + m, n + m] for items with unit vectors ``new`` [m, d] beside ``known`` [n, d].

    A new item's column is the average of the columns of its ``NEIGHBOURS`` nearest known items, weighted by
    cos^POWER and times ``BOOST``; its row is the average of their rows. A new item without text (a vector of zeros)
    or without any neighbour gets nothing.
    """
    n, m = len(known), len(new)
    width = min(NEIGHBOURS, n)
    rows, cosines = np.empty((m, width), dtype=np.int32), np.empty((m, width), dtype=np.float32)
    step = max(1, BLOCK_CELLS // n)
    for start in range(0, m, step):
        close = np.maximum(new[start : start + step] @ known.T, 0).astype(np.float32)
        rows[start : start + step], cosines[start : start + step] = best_of(close, width)
    weights = np.where(rows >= 0, np.maximum(cosines, 0), 0) ** POWER
    weights[(weights <= 0)] = 0
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    owners = np.repeat(np.arange(m), rows.shape[1])
    used = weights.ravel() > 0
    borrow = sparse.csr_array(
        (weights.ravel()[used], (owners[used], rows.ravel()[used])), shape=(m, n), dtype=np.float32
    )
    columns = (matrix @ borrow.T) * np.float32(BOOST)
    grown = sparse.vstack(
        [
            sparse.hstack([matrix, columns]),
            sparse.hstack([borrow @ matrix, sparse.csr_array((m, m), dtype=np.float32)]),
        ],
        format="csr",
    )
    grown.sort_indices()
    return grown
