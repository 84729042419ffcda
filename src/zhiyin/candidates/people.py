"""People as rows of a matrix: likeness of histories, and what a group of people took.

Shared by the models that go from a person to others and from them to items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.candidates.matrix import history_rows
from zhiyin.candidates.topn import best_of
from zhiyin.types import Floats, Histories, Ints

PARTS = ("data", "indices", "indptr")
"""What a compressed matrix is kept as."""

BLOCK_CELLS = 8_000_000
"""Cells of a dense block of people against people: 32 MB."""


def rarities(counts: NDArray[np.integer[Any]], people: int, power: float) -> Floats:
    """How much sharing an item says, float32 [n]: log(1 + people / takers)^power; 0 for items that nobody took."""
    known = counts > 0
    rare = np.log1p(people / np.maximum(counts, 1)) ** power
    return np.where(known, rare, 0).astype(np.float32)


def profiles(weights: Floats, histories: Histories, rare: Floats, shrink: float) -> tuple[sparse.csr_array, Floats]:
    """Rows of people, float32 CSR [len(histories), n], x_i = weight * rare_i / sqrt(|x|^2 + shrink), one cell per item;
    and the factor of each event in its row, float32 [events], repeats of an item adding up."""
    values = weights * rare[histories.items]
    rows = history_rows(values.copy(), histories.items.copy(), histories, len(rare))
    rows.sum_duplicates()
    people = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    lengths = np.bincount(people, weights=rows.data.astype(np.float64) ** 2, minlength=rows.shape[0])
    scale = (1.0 / np.sqrt(np.maximum(lengths + shrink, np.finfo(np.float32).tiny))).astype(np.float32)
    rows.data *= scale[people]
    return rows, values * scale[histories.owners()]


def strongest_people(
    product: Callable[[slice], sparse.csr_array | Floats], own: Ints, people: int, k: int
) -> sparse.csr_array:
    """The ``k`` largest cells above 0 of each row, float32 CSR [len(own), people]; ties go to the lower column.

    ``product`` gives the rows of a slice, [rows, people], sparse or not; blocks of them are looked at whole, which for
    one row costs far less than the set-up of a product that keeps the best. ``own`` int32 is the column of the person a
    row belongs to, who is left out (-1 for a stranger).
    """
    rows, values = [], []
    width = min(k, max(people, 1))
    step = max(1, BLOCK_CELLS // max(1, people))
    for start in range(0, len(own), step):
        told = product(slice(start, start + step))
        block: Floats = told.toarray() if isinstance(told, sparse.csr_array) else told
        known = own[start : start + step]
        block[np.flatnonzero(known >= 0), known[known >= 0]] = 0
        found, said = best_of(block, width)
        rows.append(found)
        values.append(said)
    chosen = np.concatenate(rows) if rows else np.empty((0, width), dtype=np.int32)
    kept = chosen >= 0
    indptr = np.concatenate(([0], np.cumsum(kept.sum(axis=1)))).astype(np.int32)
    data = np.concatenate(values)[kept] if rows else np.empty(0, dtype=np.float32)
    return sparse.csr_array((data, chosen[kept], indptr), shape=(len(own), people))
