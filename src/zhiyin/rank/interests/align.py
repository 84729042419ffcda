"""Which interest of a new training is which of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from zhiyin.rank.interests.named import NamedInterest
from zhiyin.types import Floats, IdMap

SAME = 0.5
"""Agreement from which an interest is the same as before."""


@dataclass(frozen=True)
class Previous:
    """The training before: its item ids, q(z|c) float32 [items, Z], and its interests by row."""

    item_ids: Sequence[str]
    q: Floats
    interests: Sequence[NamedInterest]


def matches(item_ids: Sequence[str], q: Floats, previous: Previous) -> dict[int, int]:
    """Rows of ``q`` that are a row of the previous training, each at most once.

    Agreement of two interests is the correlation of their q over the items both trainings know; the assignment with
    the largest sum of agreements is taken (Kuhn 1955), and of it the pairs that agree by ``SAME`` or more.
    """
    before = IdMap(list(previous.item_ids)).rows(list(item_ids))
    shared = np.flatnonzero(before >= 0)
    if len(shared) < 2:
        return {}
    agreement = _standard(q[shared]).T @ _standard(previous.q[before[shared]])
    rows, columns = linear_sum_assignment(agreement, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if agreement[row, column] >= SAME}


def stable_ids(found: dict[int, int], size: int, previous: Previous | None) -> list[str]:
    """An id for each of ``size`` rows: that of its match, or a number that no interest has had in ``previous``."""
    taken = [one.id for one in previous.interests] if previous is not None else []
    numbers = [int(name[1:]) for name in taken if name[:1] == "i" and name[1:].isdigit()]
    following = max(numbers, default=0)
    ids = []
    for row in range(size):
        if row in found:
            ids.append(taken[found[row]])
        else:
            following += 1
            ids.append(f"i{following}")
    return ids


def _standard(rows: Floats) -> Floats:
    """Columns with mean 0 and length 1; a constant column becomes zeros."""
    centred = rows - rows.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    standard: Floats = centred / np.where(lengths > 1e-12, lengths, np.inf)
    return standard
