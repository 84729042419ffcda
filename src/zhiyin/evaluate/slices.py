"""The same measures for users and for items of which little, some or much is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Histories

BANDS: dict[str, tuple[int, int | None]] = {"0": (0, 0), "1-5": (1, 5), "6-20": (6, 20), ">20": (21, None)}
"""Temperature bands by number of events, both ends included."""


def bands_of(counts: NDArray[np.integer[Any]]) -> dict[str, NDArray[np.bool_]]:
    """A mask for each band; every count (>= 0) is in exactly one."""
    return {
        name: (counts >= low) & (counts <= high) if high is not None else counts >= low
        for name, (low, high) in BANDS.items()
    }


def users_by_history(histories: Histories) -> dict[str, NDArray[np.bool_]]:
    """Masks [U] over users by the number of events in their history: from cold to hot."""
    return bands_of(histories.lengths)


def targets_by_count(targets: Histories, item_counts: NDArray[np.integer[Any]]) -> dict[str, Histories]:
    """For each band the same users with only those targets whose training count lies in it: from cold items to hot.

    Users left without a target are measured as NaN. In a list, hits outside the band count as misses.
    """
    return {name: _only(targets, mask) for name, mask in bands_of(item_counts[targets.items]).items()}


def _only(targets: Histories, mask: NDArray[np.bool_]) -> Histories:
    counts = np.bincount(targets.owners()[mask], minlength=len(targets))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, targets.items[mask], targets.weights[mask], targets.times[mask], targets.users)
