"""Items whose texts are alike: reaches items that nobody has taken yet."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from zhiyin.candidates.base import CHUNK_CELLS, Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, from_neighbours
from zhiyin.candidates.topn import best_of
from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, Ints, TrainingData


class ContentKNNParams(Params):
    neighbours: int = Field(200, ge=1, le=10_000)
    """Neighbours kept of each item."""
    power: float = Field(4.0, gt=0, le=32)
    """Exponent on the cosine: higher values listen to the closest texts only."""
    decay: float = Field(0.7, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class ContentKNN(ItemMatrixModel):
    """M[i, j] = max(cos(v_i, v_j), 0)^power for the ``neighbours`` closest j of each i, found exactly."""

    name: ClassVar[str] = "content"
    params_type: ClassVar[type[Params]] = ContentKNNParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.7, 0.5, 0.85, 1.0),
        "power": (4.0, 2.0, 8.0, 16.0),
        "neighbours": (200, 50, 500),
    }
    params: ContentKNNParams

    def fit_seconds(self, data: TrainingData) -> float:
        return super().fit_seconds(data) + 1.7e-8 * data.interactions.n_items**2

    def fit(self, data: TrainingData) -> Self:
        """Raises ModelError where the catalogue has no text vectors."""
        vectors = data.catalogue.vectors
        if vectors is None:
            raise ModelError(
                f"model '{self.name}' needs text vectors and the catalogue has none",
                fix="set [encoder] model to something other than 'none', or leave this model out",
            )
        n = data.interactions.n_items
        width = min(self.params.neighbours, n)
        neighbours: Ints = np.empty((n, width), dtype=np.int32)
        cosines: Floats = np.empty((n, width), dtype=np.float32)
        step = max(1, CHUNK_CELLS // max(1, n))
        for start in range(0, n, step):
            block = vectors[start : start + step] @ vectors.T
            np.fill_diagonal(block[:, start:], 0)
            np.maximum(block, 0, out=block)
            neighbours[start : start + step], cosines[start : start + step] = best_of(block, width)
        self.matrix = from_neighbours(neighbours, cosines**self.params.power)
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)
