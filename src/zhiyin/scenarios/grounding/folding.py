"""Texts made comparable without losing where each character stood."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

HAN = "㐀-䶿一-鿿〇"
_SMALL = {"’": "'", "‘": "'", "‛": "'", "“": '"', "”": '"', "–": "-", "—": "—", "‑": "-", "‐": "-", "−": "-"}
_ENDS = re.compile(r"[。！？!?…]+[”’」』\"')）】]*|[;；](?=\s|$)|\.[\"')]*(?=\s+[^a-z\s]|\s*$)|\n+")
_INSIDE = re.compile(r"“[^”\n]{1,400}”|《[^》\n]{1,400}》|「[^」\n]{1,400}」")
_TITLE = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|no|vol|fl|e\.g|i\.e|vs|prof|dept|est)|\b[A-Z])\.$", re.IGNORECASE)
"""What goes on whatever follows ..."""
_SHORT = re.compile(r"\b(?:oz|approx|inc|ltd|co|etc|jr|sr)\.$", re.IGNORECASE)
"""... and what goes on unless a sentence plainly begins."""
_BEGINS = re.compile(r"\s+(?:It|This|The|A|An|You|They|We|In|For|And|But|Is|Are|Here)\b|\s*$")


SHORT = 400
"""Characters up to which a folded text is remembered: a page asks of the same ones again and again."""


@dataclass(frozen=True)
class Folded:
    """``text`` without differences of width, case and quotation marks; character i of it came from character
    ``places[i]`` of what was given, and ``places[len(text)]`` is the end of that."""

    text: str
    places: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where characters ``start`` to ``end`` stood."""
        return self.places[start], self.places[end - 1] + 1 if end > start else self.places[start]


def fold(text: str) -> Folded:
    """Characters that cannot be seen (zero-width, controls, direction marks) are left out: they hide words."""
    return _remembered(text) if len(text) <= SHORT else _folded(text)


def _folded(text: str) -> Folded:
    if text.isascii() and text.isprintable():
        return Folded(text.lower(), list(range(len(text) + 1)))
    out: list[str] = []
    places: list[int] = []
    for place, one in enumerate(text):
        if one == "\u00ad" or unicodedata.category(one) in ("Cf", "Cc", "Co", "Cs", "Cn"):
            made = " " if one in "\n\r\t" else ""
        elif one in _SMALL:
            made = _SMALL[one]
        elif unicodedata.decomposition(one).startswith("<fraction>"):
            made = f" {unicodedata.normalize('NFKC', one).replace(chr(0x2044), '/')}"
        else:
            made = unicodedata.normalize("NFKC", one).casefold()
        out.append(made)
        places += [place] * len(made)
    return Folded("".join(out), [*places, len(text)])


_remembered = lru_cache(maxsize=8192)(_folded)


def plain(text: str) -> str:
    """``fold`` for looking up, with white space as single spaces."""
    return " ".join(fold(text).text.split())


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of every sentence of ``text``, white space aside. Lines are sentences of their own; abbreviations
    ("Dr. Smith", "fl. oz."), decimals and what stands inside “…” or 《…》 end
    none."""
    found: list[tuple[int, int]] = []
    quoted = [match.span() for match in _INSIDE.finditer(text)]
    start = 0
    for match in _ENDS.finditer(text):
        if any(low < match.start() < high for low, high in quoted):
            continue
        piece = text[start : match.end()]
        bare = piece.rstrip("\"')")
        if match[0].startswith(".") and _TITLE.search(bare):
            continue
        if match[0].startswith(".") and _SHORT.search(bare) and not _BEGINS.match(text, match.end()):
            continue
        found.append((start, match.end()))
        start = match.end()
    found.append((start, len(text)))
    trimmed = []
    for low, high in found:
        piece = text[low:high]
        if any(map(str.isalnum, piece)):
            trimmed.append((low + len(piece) - len(piece.lstrip()), high - len(piece) + len(piece.rstrip())))
    return trimmed
