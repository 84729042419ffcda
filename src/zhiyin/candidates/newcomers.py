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


def with_newcomers(matrix: sparse.csr_array, known: Floats, new: Floats) -> sparse.csr_array:
    """``matrix`` [n, n] grown to [n + m, n + m] for items with unit vectors ``new`` [m, d] beside ``known`` [n, d].

    A new item's column is the average of the columns of its ``NEIGHBOURS`` nearest known items, weighted by
    cos^POWER and raised to the height (largest entry) that these have on average, for an average of columns is flatter
    than each of them; its row is the average of their rows. A new item without text (a vector of zeros)
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
    columns = raised(sparse.csr_array(matrix @ borrow.T), borrow @ heights(matrix))
    grown = sparse.vstack(
        [
            sparse.hstack([matrix, columns]),
            sparse.hstack([borrow @ matrix, sparse.csr_array((m, m), dtype=np.float32)]),
        ],
        format="csr",
    )
    grown.sort_indices()
    return grown


def heights(matrix: sparse.csr_array) -> Floats:
    """Largest entry of each column, at least 0, float32 [columns]."""
    highest = np.zeros(matrix.shape[1], dtype=np.float32)
    np.maximum.at(highest, matrix.indices, matrix.data)
    return highest


def raised(columns: sparse.csr_array, wanted: Floats) -> sparse.csr_array:
    """``columns`` with the largest entry of each at ``wanted``; a column without a positive entry stays as it is."""
    present = heights(columns)
    factor = np.divide(wanted, present, out=np.ones_like(present), where=present > 0)
    columns.data *= factor[columns.indices]
    return columns
