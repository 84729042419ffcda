"""A small convolutional network over signs, read without torch.

Kim 2014, "Convolutional Neural Networks for Sentence Classification" (arXiv:1408.5882), over characters: windows of two
to five signs, the strongest answer of each filter, and the mean of the signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from zhiyin.types import Floats

WIDTHS = (2, 3, 4, 5)
LONGEST = 160
"""Signs that are read at once; of a longer text every piece is read, and the worst counts."""
SHORTEST = 5
PADDING, UNKNOWN = 0, 1
FIRST = 2
"""Row of the first sign of the alphabet."""


@dataclass(frozen=True)
class Network:
    """``alphabet``: signs by row from ``FIRST`` on. ``arrays``: ``signs`` [rows, d], ``filtersW`` [f, d, W] and
    ``biasesW`` [f] for each width W, ``out`` [4 f + d], ``bias`` [1]."""

    alphabet: str
    arrays: Mapping[str, Floats]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {sign: row for row, sign in enumerate(self.alphabet, FIRST)}

    @cached_property
    def _flat(self) -> list[tuple[int, Floats, Floats]]:
        """Width, filters as [W d, f], biases."""
        made = []
        for width in WIDTHS:
            filters = self.arrays[f"filters{width}"]
            flat = np.ascontiguousarray(filters.transpose(2, 1, 0).reshape(-1, len(filters)))
            made.append((width, flat, self.arrays[f"biases{width}"]))
        return made

    def rows(self, text: str) -> list[int]:
        return [self._rows.get(sign, UNKNOWN) for sign in text]

    def score(self, text: str) -> float:
        """Log-odds, not calibrated."""
        return max(self._piece(piece) for piece in overlapping(self.rows(text), LONGEST))

    def _piece(self, rows: Sequence[int]) -> float:
        length = max(len(rows), 1)
        # As many empty places on both sides as the widest window needs.
        signs = self.arrays["signs"]
        size = max(length, SHORTEST)
        padded = np.zeros((size + 4, signs.shape[1]), dtype=np.float32)
        if rows:
            padded[2 : 2 + len(rows)] = signs[np.array(rows)]
        read: list[Any] = []
        for width, filters, biases in self._flat:
            begin = 2 - width // 2
            windows = np.lib.stride_tricks.sliding_window_view(
                padded[begin : begin + length + width - 1], width, axis=0
            )
            flat = windows.transpose(0, 2, 1).reshape(len(windows), -1)
            read.append(np.maximum((flat @ filters).max(axis=0) + biases, 0))
        read.append(padded[2 : 2 + length].sum(axis=0) / length)
        return float(np.concatenate(read) @ self.arrays["out"] + self.arrays["bias"][0])


def overlapping(rows: list[int], longest: int) -> list[list[int]]:
    """Pieces of at most ``longest``, each beginning in the middle of the one before; an empty one of nothing."""
    return [rows[start : start + longest] for start in range(0, max(len(rows) - longest // 2, 1), longest // 2)]


def packed(arrays: Mapping[str, Floats]) -> dict[str, Any]:
    """``arrays`` with large ones in 8 bits, each row with a scale of its own, and the rest in 16 bits."""
    made: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim < 2:
            made[name] = array.astype(np.float16)
            continue
        flat = array.reshape(len(array), -1)
        scales = np.maximum(np.abs(flat).max(axis=1), 1e-8) / 127
        made[name] = np.round(array / scales.reshape(-1, *[1] * (array.ndim - 1))).astype(np.int8)
        made[f"{name}.scales"] = scales.astype(np.float32)
    return made


def unpacked(stored: Mapping[str, Any]) -> dict[str, Floats]:
    """What ``packed`` made, as float32."""
    made = {}
    for name, array in stored.items():
        if name.endswith(".scales"):
            continue
        scales = stored.get(f"{name}.scales")
        wide = array.astype(np.float32)
        made[name] = wide if scales is None else wide * scales.reshape(-1, *[1] * (array.ndim - 1))
    return made
