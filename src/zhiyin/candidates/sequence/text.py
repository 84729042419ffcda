"""Text vectors as a start for item vectors, and what was learned of items as a function of their texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

RIDGE = 0.3
"""Penalty of the map from texts to vectors, as a share of the mean variance of the text vectors."""


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


@dataclass(frozen=True)
class TextMap:
    """Where an item belongs by its text alone: (v - centre) @ weights, float32 [d] and [d, factors]."""

    centre: Floats
    weights: Floats

    def place(self, vectors: Floats) -> Floats:
        """Float32 [len(vectors), factors]; zeros where there is no text."""
        placed = (vectors - self.centre) @ self.weights
        placed[~vectors.any(axis=1)] = 0
        return np.asarray(placed, dtype=np.float32)


def learn_map(vectors: Floats, learned: Floats, known: NDArray[np.bool_]) -> TextMap | None:
    """The map that fits what was ``learned`` [n, factors] of the ``known`` items best (ridge regression).

    What it gives is as long, on average, as what was learned: a regression alone shrinks, and items known by text would
    always come behind the others. None where no known item has a text, or their texts are all the same.
    """
    used = known & vectors.any(axis=1)
    if not used.any():
        return None
    chosen, wanted = vectors[used].astype(np.float64), learned[used].astype(np.float64)
    centre = chosen.mean(axis=0)
    chosen = chosen - centre
    gram = chosen.T @ chosen
    variance = float(np.trace(gram)) / len(gram)
    if variance <= 1e-9 * len(chosen):
        return None
    gram[np.diag_indices_from(gram)] += RIDGE * variance
    weights = np.linalg.solve(gram, chosen.T @ wanted)
    given = np.linalg.norm(chosen @ weights, axis=1).mean()
    if given > 0:
        weights *= np.linalg.norm(wanted, axis=1).mean() / given
    return TextMap(centre.astype(np.float32), weights.astype(np.float32))
