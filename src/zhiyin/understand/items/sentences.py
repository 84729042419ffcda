"""Sentences of English and Chinese texts, and the one that says most of the whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats
from zhiyin.understand.items.terms import grams
from zhiyin.understand.texts import shorten

MOST = 24
"""Sentences of one text that are looked at."""
CHARACTERS = 240
"""Longest sentence in a summary; longer ones are cut."""
LEAST = 4
"""Characters from which on it is a sentence and no remnant."""

_STOPS = re.compile(r"([。！？；!?…]+[”’」』\"')）]*|\.[\"')]*(?=\s+[^a-z\s]))")
_BREAKS = re.compile(r"[\n•●■]")
_SHORT = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|no|vol|fl|oz|approx|inc|ltd|co|etc|e\.g|i\.e|vs|jr|sr|prof|dept|est)|\b[A-Z])\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """Up to ``MOST`` sentences, in order. Abbreviations ("Dr. Smith", "fl. oz.") and decimals do not end one; a text
    without any stop is one sentence."""
    parts: list[str] = []
    for part in (piece.strip() for piece in _BREAKS.split(_STOPS.sub(r"\1\n", text))):
        if not part:
            continue
        if parts and (_SHORT.search(parts[-1]) or len(parts[-1]) < LEAST):
            parts[-1] = f"{parts[-1]} {part}"
        else:
            parts.append(part)
    return parts[:MOST]


def closest_to_centre(parts: Sequence[str], vectors: Floats | None = None) -> str:
    """The sentence closest to the mean of all, "" of none. ``vectors`` are the sentences' own, float32 [len(parts), d];
    without them sentences are compared by the words and character pairs they share. Ties go to the earlier one."""
    if not parts:
        return ""
    if len(parts) == 1:
        return shorten(parts[0], CHARACTERS)
    matrix = _bags(parts) if vectors is None else np.asarray(vectors, dtype=np.float64)
    centre = matrix.sum(axis=0)
    # Rounded, so that equal sentences tie on every machine.
    nearness = np.round(matrix @ centre / np.maximum(np.linalg.norm(matrix, axis=1), 1e-12), 6)
    return shorten(parts[int(nearness.argmax())], CHARACTERS)


def _bags(parts: Sequence[str]) -> NDArray[np.float64]:
    bags = [Counter(grams(part)) for part in parts]
    words = {word: place for place, word in enumerate(dict.fromkeys(word for bag in bags for word in bag))}
    matrix = np.zeros((len(parts), max(1, len(words))))
    for row, bag in enumerate(bags):
        for word, count in bag.items():
            matrix[row, words[word]] = count
    scaled: NDArray[np.float64] = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return scaled
