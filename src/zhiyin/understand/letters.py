"""Vectors from the characters of texts alone: no model, any language; what texts share in spelling.

Characters and pairs of them, weighted by rarity, reduced by singular values: Deerwester et al. 1990, "Indexing by
Latent Semantic Analysis". Chinese needs no word splitting this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from zhiyin.types import Floats

WIDTH = 200
"""Numbers in a vector, fewer where there are fewer texts."""
LEAST = 2
"""A character pair is counted from this many texts on."""


class LetterVectors:
    """Learns its pairs and directions from the texts it is fitted on. Deterministic."""

    def __init__(self, width: int = WIDTH, seed: int = 0) -> None:
        self._width = width
        self._seed = seed

    def fit(self, texts: Sequence[str]) -> Self:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        least = LEAST if len(texts) > LEAST else 1
        self._weights: Any = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=least, sublinear_tf=True)
        try:
            counted = self._weights.fit_transform(texts)
        except ValueError:  # nothing is shared between two texts
            self._weights = None
            return self
        width = min(self._width, min(counted.shape) - 1)
        self._directions: Any = None
        if width > 0:
            self._directions = TruncatedSVD(width, random_state=self._seed).fit(counted)
        return self

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Float32 [n, width]; zeros for a text that shares nothing with those fitted on."""
        if self._weights is None or self._directions is None:
            return np.zeros((len(texts), 1), dtype=np.float32)
        return np.asarray(self._directions.transform(self._weights.transform(texts)), dtype=np.float32)
