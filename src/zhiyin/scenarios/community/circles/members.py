"""Who belongs to which circle how much, and which circle is one of the run before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from zhiyin.scenarios.community.circles.params import CirclesParams
from zhiyin.scenarios.community.circles.parting import belonging
from zhiyin.types import Ints

PREFIX = "c"


def memberships(graph: sparse.csr_array, labels: Ints, params: CirclesParams) -> sparse.csr_array:
    """Float64 CSR [n, circles]: the share of the weight of each person's edges that goes into each circle, where it is
    ``belongs`` or more. Circles are the groups of ``labels`` that have ``smallest`` members or more, in their order;
    whoever is in none has an empty row."""
    groups = belonging(labels)
    kept = np.arange(groups.shape[1])
    while True:
        shares = _shares(graph, sparse.csr_array(groups[:, kept]), params.belongs)
        enough = np.diff(sparse.csc_array(shares).indptr) >= params.smallest
        if enough.all():
            return shares
        kept = kept[enough]


def _shares(graph: sparse.csr_array, groups: sparse.csr_array, least: float) -> sparse.csr_array:
    strength = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    into = sparse.csr_array(graph @ groups, dtype=np.float64)
    people = np.repeat(np.arange(into.shape[0]), np.diff(into.indptr))
    into.data /= strength[people]
    # Sums of floats: a share of all is 1.
    into.data = np.where(into.data >= least, np.minimum(into.data, 1.0), 0.0)
    into.eliminate_zeros()
    into.sort_indices()
    return into


def stable_ids(
    shares: sparse.csr_array,
    people: Sequence[str],
    former: Mapping[str, Mapping[str, float]],
    used: Iterable[str],
    same: float,
) -> list[str]:
    """An id for each circle (column of ``shares`` [n, circles]). ``former`` gives the members of each circle of the run
    before with their weights.

    What two circles have in common is the sum over people of the smaller weight, and both together that of the larger;
    circles are matched so that the sum of these shares is largest (Kuhn, Naval Research Logistics 2, 1955), and a match
    of less than ``same`` is none. A circle that matches nothing has a new id, which none of ``used`` has had.
    """
    columns = sparse.csc_array(shares)
    before = sorted(former)
    place = {person: row for row, person in enumerate(people)}
    likeness = np.zeros((columns.shape[1], len(before)))
    for column, key in enumerate(before):
        old = np.zeros(len(people))
        gone = 0.0
        for person, weight in former[key].items():
            if person in place:
                old[place[person]] = weight
            else:
                gone += weight
        for row in range(columns.shape[1]):
            low, high = columns.indptr[row], columns.indptr[row + 1]
            mine, theirs = columns.data[low:high], old[columns.indices[low:high]]
            common = float(np.minimum(mine, theirs).sum())
            whole = float(mine.sum() + old.sum()) - common + gone
            likeness[row, column] = common / whole if whole > 0 else 0.0
    rows, found = linear_sum_assignment(-likeness)
    given = {int(row): before[column] for row, column in zip(rows, found, strict=True) if likeness[row, column] >= same}
    numbers = [int(key[1:]) for key in {*used, *former} if key.startswith(PREFIX) and key[1:].isdecimal()]
    free = max(numbers, default=0)
    ids = []
    for row in range(columns.shape[1]):
        if row not in given:
            free += 1
        ids.append(given.get(row) or f"{PREFIX}{free}")
    return ids
