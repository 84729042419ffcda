"""Encoding many texts with any sentence model: each distinct text once, in batches of equal length, on all cores."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from zhiyin.ports import Progress, Silent
from zhiyin.types import Floats, Longs

BATCH = 16
"""Texts in one run of the model: larger batches were no faster."""


class SentenceEncoder(ABC):
    """Base of our encoders: a subclass tokenises and runs its model on texts of one length.

    Batches hold texts of equal token count, so nothing is padded and a text's vector does not depend on what it was
    encoded with: the same text gives the same bits, in a full run, a resumed one, or alone.
    """

    model_id: str
    dimension: int

    @abstractmethod
    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, cut at the model's maximum; never empty."""

    @abstractmethod
    def run(self, tokens: Longs) -> Floats:
        """Vectors float32 [b, dimension], rows of unit length, of b texts of t tokens: int64 [b, t]. Called from
        several threads at once."""

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Float32 [len(texts), dimension], rows of unit length; an empty or blank text gives a row of zeros."""
        distinct = list(dict.fromkeys(text for text in texts if text.strip()))
        place = {text: row for row, text in enumerate(distinct)}
        vectors = np.zeros((len(distinct) + 1, self.dimension), dtype=np.float32)
        with (progress or Silent()).task("Encoding texts", total=len(distinct)) as advance:
            for rows, block in in_batches(self.tokenise(distinct), self.run):
                vectors[rows] = block
                advance(len(rows))
        return vectors[[place.get(text, len(distinct)) for text in texts]]


def in_batches(tokens: Sequence[list[int]], run: Callable[[Longs], Floats]) -> Iterator[tuple[list[int], Floats]]:
    """What ``run`` gives for the token numbers of texts of one length, int64 [b, t]: rows of ``tokens``, and one result
    for each. Batches run side by side, on all cores; a single one runs in this thread."""
    batches = list(batches_of([len(one) for one in tokens]))

    def told(rows: list[int]) -> Floats:
        return run(np.array([tokens[row] for row in rows], dtype=np.int64))

    if len(batches) < 2:
        yield from ((rows, told(rows)) for rows in batches)
        return
    with ThreadPoolExecutor(cores()) as pool:
        yield from zip(batches, pool.map(told, batches), strict=True)


def batches_of(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows grouped by equal length, at most ``BATCH`` at a time; longest first, so that no core is left waiting."""
    by_length: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        by_length.setdefault(length, []).append(row)
    for length in sorted(by_length, reverse=True):
        rows = by_length[length]
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
