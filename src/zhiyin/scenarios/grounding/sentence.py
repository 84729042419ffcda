"""A sentence taken apart: folded, with what is quoted and what is counted set aside."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from zhiyin.scenarios.grounding.folding import Folded, fold
from zhiyin.scenarios.grounding.lexicon import phrases
from zhiyin.scenarios.grounding.marks import Mark
from zhiyin.scenarios.grounding.quantities import Quantity, codes, quantities
from zhiyin.scenarios.grounding.source import Source
from zhiyin.scripts import LANGUAGES

BLANK = "\ue000"
"""Stands for each character that has been dealt with."""
_QUOTED = re.compile(r'"([^"]+)"|《([^》]+)》|「([^」]+)」|『([^』]+)』|【([^】]+)】')
_CUT = 12
"""Characters from which on the beginning of a value, with "…" behind it, stands for the value."""


@dataclass
class Reading:
    """``raw`` is the sentence, ``folded`` it folded. ``rest`` is the folded text with quotations that are values of the
    source, phrases that count nothing, and numbers blanked, character for character; ``claimed`` still has the phrases
    and the numbers. ``misquoted`` are other quotations in marks that only a title is put in. ``marks`` grows while it
    is checked."""

    raw: str
    folded: Folded
    rest: str
    claimed: str
    numbers: list[Quantity]
    misquoted: list[str]
    marks: list[Mark] = field(default_factory=list)

    def mark(self, start: int, end: int, places: tuple[int, ...]) -> None:
        """Characters of the folded text that the facts at ``places`` say."""
        low, high = self.folded.span(start, end)
        self.marks.append(Mark(low, high, places))

    def said(self, start: int, end: int) -> str:
        low, high = self.folded.span(start, end)
        return self.raw[low:high]


def read(raw: str, source: Source) -> Reading:
    folded = fold(raw)
    made = Reading(raw, folded, folded.text, "", [], [])
    for whole, which in source.quoting.items():
        # A value that holds quotation marks itself.
        if (start := folded.text.find(f'"{whole}"')) >= 0:
            made.mark(start + 1, start + 1 + len(whole), (which,))
            made.rest = _blanked(made.rest, start + 1, start + 1 + len(whole))
    for match in _QUOTED.finditer(made.rest):
        inside = next(place for place in range(1, 6) if match[place] is not None)
        start, end = match.span(inside)
        if (place := _value(match[inside], source)) is not None:
            made.mark(start, end, (place,))
            made.rest = _blanked(made.rest, start, end)
        elif match[0][0] == "《":
            made.misquoted.append(made.said(start, end))
    made.claimed = made.rest
    for language in LANGUAGES:
        for match in phrases(language).finditer(made.rest):
            made.rest = _blanked(made.rest, match.start(), match.end())
    made.numbers = quantities(made.rest)
    for one in made.numbers:
        made.rest = _blanked(made.rest, one.start, one.end)
    for start, end in codes(made.rest):
        if (known := source.codes.get(made.rest[start:end])) is not None:
            made.mark(start, end, (known,))
            made.rest = _blanked(made.rest, start, end)
    return made


def _value(said: str, source: Source) -> int | None:
    """The fact that ``said`` is the whole of, or the beginning of where it ends in an ellipsis."""
    wanted = said.replace(" ", "")
    if (place := source.whole.get(wanted)) is not None:
        return place
    cut = wanted.rstrip("….")
    if cut != wanted and len(cut) >= _CUT:
        return next((place for whole, place in source.whole.items() if whole.startswith(cut)), None)
    return None


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + BLANK * (end - start) + text[end:]
