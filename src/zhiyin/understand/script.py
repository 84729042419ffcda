"""Which encoder a catalogue needs, judged by its script."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

SAMPLE = 2000
"""Texts looked at, spread evenly over the catalogue."""
LETTERS = 2
"""A text with this many letters outside the Latin script is not English; a single one may be a unit or a vitamin."""
SHARE = 0.05
"""Share of such texts from which the catalogue needs the multilingual encoder."""


def choose(texts: Sequence[str]) -> Literal["english", "multilingual"]:
    """``multilingual`` where at least 5 % of the non-empty texts hold two or more non-Latin letters, else ``english``.

    Languages in the Latin script other than English cannot be told this way: set ``encoder.model`` for those.
    """
    known = [text for text in texts if text.strip()]
    step = max(1, len(known) // SAMPLE)
    sample = known[::step]
    foreign = sum(sum(map(_is_foreign, text)) >= LETTERS for text in sample)
    return "multilingual" if sample and foreign >= SHARE * len(sample) else "english"


def _is_foreign(character: str) -> bool:
    """Whether a character is a letter of another script than Latin."""
    return character > "\u007f" and character.isalpha() and "LATIN" not in unicodedata.name(character, "")
