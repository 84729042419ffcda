"""Candidates of many people in one table: a row for each person and item, a column for each thing known of the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.types import Floats, Histories, Ints, Longs

Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """Person b has the rows ``indptr[b]:indptr[b + 1]``, items in rising order. ``items`` int32 [rows]; ``values``
    float32 [rows, columns]. A person may have no rows."""

    indptr: Longs
    items: Ints
    columns: tuple[str, ...]
    values: Floats

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def owners(self) -> Longs:
        return owners(self.indptr)

    def only(self, columns: Sequence[str]) -> Table:
        places = [self.columns.index(name) for name in columns]
        return Table(self.indptr, self.items, tuple(columns), np.ascontiguousarray(self.values[:, places]))

    def take(self, people: NDArray[np.integer]) -> Table:
        """The rows of the given people, in that order."""
        lengths = np.diff(self.indptr)[people]
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        picks = np.repeat(self.indptr[:-1][people] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Table(indptr, self.items[picks], self.columns, self.values[picks])

    def labels(self, targets: Histories, n_items: int) -> Labels:
        """Whether the person (a row of ``targets``) chose the item: bool [rows]."""
        chosen = targets.owners().astype(np.int64) * n_items + targets.items
        return np.isin(self.owners() * n_items + self.items, chosen)


def owners(indptr: Longs) -> Longs:
    """The person of each row, int64 [rows]."""
    return np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))


def standardised(values: Floats, indptr: Longs) -> Floats:
    """Each person's ``values`` [rows] or [rows, columns] less their mean, over their standard deviation; 0 where all
    are alike."""
    rows = owners(indptr)
    size = np.maximum(np.diff(indptr), 1)[:, None]
    wide = values.astype(np.float64)
    if wide.ndim == 1:
        wide = wide[:, None]
    # A matrix that adds up the rows of each person.
    people = sparse.csr_array((np.ones(len(rows)), np.arange(len(rows)), indptr), shape=(len(indptr) - 1, len(rows)))
    centred = wide - ((people @ wide) / size)[rows]
    spread = np.sqrt((people @ centred**2) / size)
    # Below this the spread is rounding of equal values, and dividing by it would make noise of it.
    floor = 1e-6 * (people @ np.abs(wide)) / size
    spread = np.where(spread > floor, spread, np.inf)
    found: Floats = (centred / spread[rows]).astype(np.float32).reshape(values.shape)
    return found


def places(values: Floats, indptr: Longs) -> Longs:
    """Place of each row in its person's order, 0 for the highest of ``values``; ties by row: int64 [rows]."""
    rows = owners(indptr)
    order = np.lexsort((-values, rows))
    found = np.empty(len(values), dtype=np.int64)
    found[order] = np.arange(len(values)) - indptr[:-1][rows[order]]
    return found
