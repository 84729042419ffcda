"""Numbers of a sentence held against the source's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zhiyin.scenarios.grounding.folding import HAN
from zhiyin.scenarios.grounding.lexicon import neutral
from zhiyin.scenarios.grounding.marks import Problem
from zhiyin.scenarios.grounding.quantities import COUNT, Quantity
from zhiyin.scenarios.grounding.reading import words_of
from zhiyin.scenarios.grounding.sentence import Reading
from zhiyin.scenarios.grounding.source import Source, measure, neighbours

_GLUE = frozenset("of in for and or to is are with from by on at as the this it".split())
_HAN = re.compile(f"[{HAN}]+")


def counted(reading: Reading, source: Source) -> Iterator[Problem]:
    """A number must be one of the source's with that unit; a word beside it that the source counts, too, must be
    counted so there: five blades and three handles are not three blades and five handles."""
    for one in reading.numbers:
        places = tuple(dict.fromkeys(place for known, place in source.quantities if known.says(one)))
        said = reading.said(one.start, one.end)
        if not places:
            yield Problem("number", said, f"the source has no '{said}'")
            return
        if (what := _unlike(reading, one, source)) is not None:
            yield Problem("number", said, f"the source does not count '{what}' so")
            return
        for name in (*neighbours(reading.folded.text, one), *measure(reading.folded.text, one)):
            if (have := source.beside.get(name)) and one.date is None and one.value not in have:
                yield Problem("number", said, f"the source has another number for '{name}'")
                return
        reading.mark(one.start, one.end, places)


def _unlike(reading: Reading, one: Quantity, source: Source) -> str | None:
    """The word behind a bare number, where the source has no such number beside it. Years stand alone."""
    if one.unit not in ("", COUNT) or (one.unit == "" and 1800 <= one.value <= 2200):
        return None
    match = re.match(rf"[\s-]*([a-z][a-z']*|[{HAN}]{{1,2}})", reading.folded.text[one.end :])
    if match is None:
        return None
    if _HAN.fullmatch(match[1]):
        if match[1] in neutral("zh") or match[1][0] in neutral("zh") or one.value in source.beside.get(match[1], ()):
            return None
        return match[1]
    word = words_of(match[1])[0]
    free = word.text in _GLUE or (one.unit == COUNT and word.stem in neutral("en"))
    return None if free or one.value in source.beside.get(word.stem, ()) else word.text
