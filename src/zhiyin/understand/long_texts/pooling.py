"""Several vectors of one item: as one vector, or each asked for itself."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

import numpy as np

from zhiyin.types import Floats, Ints


class Pooled(StrEnum):
    """``mean``: an item is the mean of its pieces, one vector like any other. ``best``: it is as near as its nearest
    piece, for search; every piece is kept."""

    MEAN = "mean"
    BEST = "best"


def item_vector(vectors: Floats) -> Floats:
    """Mean of an item's pieces [p, d], unit length [d]; zeros where there are none, or where they cancel out."""
    if not len(vectors):
        return np.zeros(vectors.shape[1], dtype=np.float32)
    mean = vectors.mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(mean)
    scaled: Floats = (mean / norm if norm > 0 else mean).astype(np.float32)
    return scaled


def scores(queries: Floats, pieces: Floats, owners: Ints, items: int, pooled: Pooled) -> Floats:
    """Cosine of each query with each item: float32 [q, items], -1 for an item without pieces.

    ``queries`` are unit rows [q, d], ``pieces`` unit rows [p, d] of all items, ``owners`` int [p] the item of each
    piece, 0..items-1.
    """
    found = np.full((len(queries), items), -1, dtype=np.float32)
    order = np.argsort(owners, kind="stable")
    present, starts = np.unique(owners[order], return_index=True)
    if not len(present):
        return found
    if pooled is Pooled.BEST:
        found[:, present] = np.maximum.reduceat(queries @ pieces[order].T, starts, axis=1)
        return found
    bounds = [*starts.tolist(), len(order)]
    means = [item_vector(pieces[order[low:high]]) for low, high in pairwise(bounds)]
    found[:, present] = queries @ np.stack(means).T
    return found
