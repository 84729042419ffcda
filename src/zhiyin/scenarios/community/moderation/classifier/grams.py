"""How much runs of one to five signs speak for an offence: a logistic regression on their log-count ratios.

Wang and Manning 2012, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification" (ACL), with signs in
place of words, so that Chinese needs no segmentation and a misspelt word keeps most of its runs.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

LONGEST = 5
"""Signs of a run at most."""

Hashes = NDArray[np.uint32]


@lru_cache(16)
def hashes_of(text: str) -> tuple[Hashes, NDArray[np.int32], NDArray[np.int32]]:
    """Of every run in ``text``: its hash, where it begins and where it ends; none for an empty text. Several readers of
    a text share them."""
    coded = text.encode("utf-32-le", "replace")
    size = len(text)
    where = [(start, end) for start in range(size) for end in range(start + 1, min(start + LONGEST, size) + 1)]
    found = np.fromiter(
        (zlib.crc32(coded[4 * start : 4 * end]) for start, end in where), dtype=np.uint32, count=len(where)
    )
    places = np.array(where, dtype=np.int32).reshape(-1, 2)
    found.setflags(write=False)
    places.setflags(write=False)
    return found, places[:, 0], places[:, 1]


@dataclass(frozen=True)
class Grams:
    """``known`` uint32 [n], sorted: hashes of the runs that count; ``weights`` int8 [n] in units of ``scale``;
    ``bias`` is added."""

    known: Hashes
    weights: NDArray[np.int8]
    scale: float
    bias: float

    def __post_init__(self) -> None:
        if len(self.known) != len(self.weights):
            raise ValueError("runs and their weights do not match")

    def score(self, text: str) -> float:
        """Log-odds, not calibrated: each run counts once."""
        found, _, _ = hashes_of(text)
        return self.bias + self.scale * float(self._looked_up(np.unique(found)).sum())

    def by_sign(self, text: str) -> Floats:
        """How much each sign of ``text`` adds, float32 [signs]: the weight of a run is shared among its signs."""
        added = np.zeros(len(text) + 1, dtype=np.float64)
        found, starts, ends = hashes_of(text)
        shares = self.scale * self._looked_up(found) / np.maximum(ends - starts, 1)
        np.add.at(added, starts, shares)
        np.subtract.at(added, ends, shares)
        return np.cumsum(added)[:-1].astype(np.float32)

    def _looked_up(self, hashes: Hashes) -> NDArray[np.float64]:
        if not len(self.known):
            return np.zeros(len(hashes))
        places = np.searchsorted(self.known, hashes)
        places[places == len(self.known)] = 0
        return np.where(self.known[places] == hashes, self.weights[places], 0).astype(np.float64)
