"""The k best cells of each row, of a dense block or of a sparse product that is never held whole.

Everywhere in this package a cell of exactly 0 means "nothing to say" and is never picked; neither is -inf. Ties go to
the lower column, so that both ways give the same list.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from zhiyin.types import Floats, Ints

LOWEST = np.finfo(np.float32).min
EMPTY = np.iinfo(np.int64).max
GROUPS_PER_PICK = 8


def threads() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def best_of(block: Floats, k: int) -> tuple[Ints, Floats]:
    """Columns int32 [B, k] and values float32 [B, k] of the ``k`` highest cells of each row of ``block`` [B, n].

    Best first, ties by column; rows end in -1 and -inf where fewer than ``k`` cells are neither 0 nor -inf.
    """
    users, n = block.shape
    floor = _lower_bound(block, k)
    # At or below 0 the cells that count as nothing would mix with those that count: such rows are looked at whole.
    floor[floor <= 0] = LOWEST
    chosen = block >= floor[:, None]
    whole = floor == LOWEST
    chosen[whole] &= block[whole] != 0
    flat = np.flatnonzero(chosen)
    owners = flat // max(n, 1)
    return _ranked(owners, flat - owners * n, block.reshape(-1)[flat], users, k)


def among_best(block: Floats, k: int) -> NDArray[np.bool_]:
    """Which cells of ``block`` [B, n] are those that ``best_of`` picks, without their order: bool [B, n]."""
    n = block.shape[1]
    if k >= n:
        return np.asarray((block != 0) & (block > -np.inf))
    least = np.partition(block, n - k, axis=1)[:, n - k]
    # At or below 0 the cells that count as nothing would mix with those that count.
    mixed = np.flatnonzero(least <= 0)
    if len(mixed):
        block = block.copy()
        block[mixed] = np.where(block[mixed] == 0, np.float32(-np.inf), block[mixed])
        least[mixed] = np.maximum(np.partition(block[mixed], n - k, axis=1)[:, n - k], LOWEST)
    chosen: NDArray[np.bool_] = block >= least[:, None]
    for row in np.flatnonzero(chosen.sum(axis=1) > k).tolist():
        # Of cells that are alike at the last place, those in front.
        alike = np.flatnonzero(block[row] == least[row])
        chosen[row, alike[k - int((block[row] > least[row]).sum()) :]] = False
    return chosen


def top_of_product(left: sparse.csr_array, right: sparse.csr_array, k: int) -> tuple[Ints, Floats]:
    """The same as ``best_of((left @ right).toarray(), k)``, in memory of left's rows times ``k``.

    ``left`` float32 [m, r], ``right`` float32 [r, n], both CSR; ``right`` may hold -inf to rule cells out.
    """
    m, n = left.shape[0], right.shape[1]
    rows = np.full((m, k), -1, dtype=np.int32)
    scores = np.full((m, k), -np.inf, dtype=np.float32)
    if not left.nnz or not right.nnz:
        return rows, scores
    wide = max(left.nnz, right.nnz) > np.iinfo(np.int32).max
    right = sparse.csr_matrix(right)
    pending = np.arange(m)
    width = min(k + 1, n)
    while len(pending):
        found = sp_matmul_topn(
            sparse.csr_matrix(left if len(pending) == m else left[pending]),
            right,
            width,
            threshold=float(LOWEST),  # left out, it is the smallest float above 0 and negative cells are lost
            n_threads=threads(),
            idx_dtype=np.int64 if wide else None,
        )
        counts = np.diff(found.indptr).astype(np.int64)
        owners = np.repeat(np.arange(len(pending)), counts)
        spoken = (found.data != 0) & (found.data > -np.inf)
        # The library breaks ties at the last place as it likes and lets zeros compete. A row is settled when it was
        # exhausted, or when k spoken cells lie strictly above its lowest one; the others are asked again, for more.
        lowest = np.full(len(pending), np.inf, dtype=np.float32)
        np.minimum.at(lowest, owners, found.data)
        above = np.bincount(owners[spoken & (found.data > lowest[owners])], minlength=len(pending))
        settled = (counts < width) | (above >= k) | (width == n)
        use = spoken & settled[owners]
        picked, values = _ranked(owners[use], found.indices[use], found.data[use], len(pending), k)
        rows[pending[settled]], scores[pending[settled]] = picked[settled], values[settled]
        pending, width = pending[~settled], min(4 * width, n)
    return rows, scores


def _lower_bound(block: Floats, k: int) -> Floats:
    """For each row a value, as high as is cheap to find, that at least ``k`` of its cells reach; -inf if none is known.

    Each of the k groups of columns with the highest maxima holds a cell at or above the k-th maximum.
    """
    users, n = block.shape
    size = max(1, n // (GROUPS_PER_PICK * k))
    groups = n // size
    if groups < k or not users:
        return np.full(users, -np.inf, dtype=np.float32)
    maxima = block[:, : size * groups].reshape(users, size, groups).max(axis=1)
    bound: Floats = np.partition(maxima, groups - k, axis=1)[:, groups - k]
    return bound


def _ranked(
    owners: NDArray[np.integer[Any]], columns: NDArray[np.integer[Any]], values: Floats, users: int, k: int
) -> tuple[Ints, Floats]:
    """Sort cells given as (owner, column, value), grouped by owner, into [users, k] columns and values, best first."""
    rows = np.full((users, k), -1, dtype=np.int32)
    scores = np.full((users, k), -np.inf, dtype=np.float32)
    if not len(owners):
        return rows, scores
    # One integer key per cell orders by value (its bits, made monotone, high to low), then by column.
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    keys = (~(bits ^ ((bits >> 31) & 0x7FFFFFFF)) << 32) | columns.astype(np.int64)
    counts = np.bincount(owners, minlength=users)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Rows with many cells are few; padding each row to the longest of its own batch keeps the table small.
    batch = max(1, 4_000_000 // int(counts.max()))
    for start in range(0, users, batch):
        stop = min(start + batch, users)
        low, high = np.searchsorted(owners, (start, stop))
        width = int(counts[start:stop].max())
        table = np.full((stop - start, width), EMPTY, dtype=np.int64)
        table[owners[low:high] - start, places[low:high]] = keys[low:high]
        table.sort(axis=1)
        table = table[:, :k]
        known = table != EMPTY
        high_bits = ~(table >> 32)
        decoded = (high_bits ^ ((high_bits >> 31) & 0x7FFFFFFF)).astype(np.int32).view(np.float32)
        rows[start:stop, : table.shape[1]][known] = (table & 0xFFFFFFFF).astype(np.int32)[known]
        scores[start:stop, : table.shape[1]][known] = decoded[known]
    return rows, scores
