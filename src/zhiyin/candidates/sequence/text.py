"""Text vectors as a start for item vectors, and as a place among what was learned."""

from __future__ import annotations

import numpy as np

from zhiyin.candidates.topn import best_of
from zhiyin.types import Floats, Ints, Longs

NEIGHBOURS = 20
POWER = 12.0
BLOCK_CELLS = 16_000_000
"""Similarities held at once."""


def whitened(vectors: Floats, width: int) -> Floats:
    """The ``width`` main directions of unit ``vectors`` [n, d], centred, each with variance 1, rows then of length 1:
    float32 [n, width].

    Rows of zeros (no text) stay zeros; directions that the vectors do not have are zeros. Text vectors lie in a narrow
    cone, so without this nearly all of them would look alike (Su et al. 2021, arXiv:2103.15316).
    """
    told = vectors.any(axis=1)
    spread = np.zeros((len(vectors), width), dtype=np.float32)
    if not told.any():
        return spread
    centred = vectors[told].astype(np.float64)
    centred -= centred.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    chosen = np.flatnonzero(variances > 1e-6 * max(variances[-1], 1e-12))[::-1][:width]
    # The sign of an eigenvector is arbitrary: its largest part is made positive.
    axes = directions[:, chosen]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(len(chosen))])
    white = centred @ axes / np.sqrt(variances[chosen])
    spread[told, : len(chosen)] = white / np.maximum(np.linalg.norm(white, axis=1, keepdims=True), 1e-6)
    return spread


def closest(vectors: Floats, known: Floats, own: Longs | None = None) -> tuple[Ints, Floats]:
    """The ``NEIGHBOURS`` items whose texts ``known`` [n, d] are closest to each of ``vectors`` [m, d]: rows [m, k], -1
    for none, and weights [m, k] in proportion to cos^POWER, which sum to 1, or to 0 where no text is close.

    ``own`` [m] is each item's row among ``known``, which does not count, or -1.
    """
    width = min(NEIGHBOURS, len(known))
    rows = np.full((len(vectors), width), -1, dtype=np.int32)
    weights = np.zeros((len(vectors), width), dtype=np.float32)
    step = max(1, BLOCK_CELLS // max(1, len(known)))
    for start in range(0, len(vectors) if width else 0, step):
        block = np.maximum(vectors[start : start + step] @ known.T, 0).astype(np.float32)
        if own is not None:
            there = np.flatnonzero(own[start : start + step] >= 0)
            block[there, own[start + there]] = 0
        nearest, cosines = best_of(block, width)
        rows[start : start + step] = nearest
        weights[start : start + step] = np.where(nearest >= 0, np.maximum(cosines, 0), 0) ** POWER
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return rows, weights


def placed(neighbours: tuple[Ints, Floats], learned: Floats) -> Floats:
    """Where items belong by their texts alone: the weighted mean of what was ``learned`` [n, factors] of their
    ``closest``; float32 [m, factors]."""
    rows, weights = neighbours
    found = np.zeros((len(rows), learned.shape[1]), dtype=np.float32)
    for nearest, weight in zip(rows.T, weights.T, strict=True):
        found += weight[:, None] * learned[np.maximum(nearest, 0)]
    return found
