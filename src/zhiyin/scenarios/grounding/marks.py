"""What a check notes of a sentence: which stretch the source bears out, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from zhiyin.scenarios.grounding.source import Source

Kind = Literal["number", "name", "material", "claim", "denial", "quotation", "role", "word", "hidden"]


@dataclass(frozen=True)
class Evidence:
    """Characters ``start`` to ``end`` of a sentence say what attribute ``key`` of the source says: ``value``."""

    start: int
    end: int
    key: str
    value: str


@dataclass(frozen=True)
class Mark:
    """A stretch of a sentence that each of the facts at ``places`` says."""

    start: int
    end: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Problem:
    kind: Kind
    what: str
    why: str


def evidence_of(marks: Sequence[Mark], source: Source) -> list[Evidence]:
    """One entry for each stretch: of several facts the one that says most of the sentence, of equals the
    shortest."""
    weight: Counter[int] = Counter()
    for mark in marks:
        weight.update(dict.fromkeys(mark.places, mark.end - mark.start))
    found: list[Evidence] = []
    last = -1
    for mark in sorted(marks, key=lambda one: (one.start, -one.end)):
        place = max(mark.places, key=lambda one: (weight[one], -len(source.facts[one].text), -one))
        fact = source.facts[place]
        if found and mark.start < found[-1].end:
            continue
        if found and place == last and mark.start - found[-1].end <= 1:
            found[-1] = Evidence(found[-1].start, mark.end, fact.key, fact.text)
        else:
            found.append(Evidence(mark.start, mark.end, fact.key, fact.text))
        last = place
    return found
