"""Several sets of vectors of the same texts as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.errors import ModelError
from zhiyin.types import Floats


class Fusion:
    """Each set is centred on the texts it was made of, scaled to unit length, weighted, put side by side with the
    others, and the whole scaled again. A row of zeros (no text) stays one.

    Raises ModelError where the sets are not of the same texts.
    """

    def __init__(self, views: Sequence[Floats], weights: Sequence[float] | None = None) -> None:
        self._weights = [1.0] * len(views) if weights is None else list(weights)
        if not views or len(self._weights) != len(views) or len({len(view) for view in views}) != 1:
            raise ModelError("views must be of the same texts, with a weight for each")
        self._means = [view[view.any(axis=1)].mean(axis=0) if view.any() else view.sum(axis=0) for view in views]

    def __call__(self, views: Sequence[Floats]) -> Floats:
        """Unit rows float32 [n, sum of d]."""
        parts = [
            weight * unit_rows((view - mean) * view.any(axis=1, keepdims=True))
            for view, mean, weight in zip(views, self._means, self._weights, strict=True)
        ]
        return unit_rows(np.concatenate(parts, axis=1))


def unit_rows(rows: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = (rows / np.where(norms > 0, norms, 1)).astype(np.float32)
    return scaled
