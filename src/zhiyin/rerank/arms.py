"""Who is drawn into a place that is given away: what a stage needs of whatever learns from outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zhiyin.rerank.items import Items
from zhiyin.types import Histories, Ints

Values = NDArray[np.float64]
TOLD = ("everybody", "popularity", "likeness", "categories", "popularity for newcomers")
"""What is told of an item to whoever chooses, in the order of the columns of ``told``."""


class Chooser(Protocol):
    """Learns from outcomes which of some items is worth a place."""

    def chances(self, ids: Sequence[str], told: Values) -> Values:
        """The chance [m] that each of the items ``ids`` is drawn, summing to 1. ``told`` [m, 5]: see ``told``; [m, 0]
        for a method that does not look at it."""
        ...


def told(rows: Ints, history: Histories | None, items: Items) -> Values:
    """What is known of the items ``rows`` for a person with ``history`` (one row), float64 [m, 5], each in [-1, 1]:

    1; popularity on a scale of logarithms; the cosine of its text with the mean of the person's; the cosine of its
    categories with theirs; and popularity over 1 + the length of the history. Without vectors or a history the cosines
    are 0.
    """
    own = np.zeros(0, dtype=np.int32) if history is None else history.items
    most = float(np.log1p(items.popularity.max(initial=0.0)))
    popular = np.log1p(items.popularity[rows]) / most if most > 0 else np.zeros(len(rows))
    found = np.zeros((len(rows), len(TOLD)))
    found[:, 0], found[:, 1], found[:, 4] = 1.0, popular, popular / (1 + len(own))
    if len(own) and items.vectors is not None:
        found[:, 2] = _cosines(items.vectors[rows], items.vectors[own].mean(axis=0))
    if len(own):
        table = items.category_table
        found[:, 3] = _cosines(table[rows].toarray(), np.asarray(table[own].mean(axis=0)).ravel())
    return found


def _cosines(rows: NDArray[np.float32], mean: NDArray[np.float32]) -> Values:
    """Cosines of unit ``rows`` (or zeros) with ``mean``."""
    length = float(np.linalg.norm(mean))
    return np.asarray(rows @ mean, dtype=np.float64) / length if length > 0 else np.zeros(len(rows))
