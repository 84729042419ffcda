"""What a whole text means, as the vector of a sentence encoder, read by one hidden layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zhiyin.types import Floats


@dataclass(frozen=True)
class Sentences:
    """``arrays``: ``hidden`` [d, h], ``hidden_bias`` [h], ``out`` [h], ``bias`` [1]; vectors are taken as they are."""

    arrays: Mapping[str, Floats]

    def scores(self, vectors: Floats) -> Floats:
        """Log-odds, not calibrated, float32 [texts]; 0 for a row of zeros, which is no text."""
        a = self.arrays
        hidden = np.maximum(vectors @ a["hidden"] + a["hidden_bias"], 0)
        found = hidden @ a["out"] + a["bias"][0]
        return np.where(np.any(vectors != 0, axis=1), found, 0).astype(np.float32)
