"""The sentences of a text that say most of what it says: a summary without any model, in any language.

Map: of each piece, the sentence whose terms matter most to the whole. Reduce: of those, one after the other, the one
that adds most to what was taken, until the room is used. After Nenkova and Vanderwende 2005, "The Impact of Frequency
on Summarization" (SumBasic); terms that stand in nearly every piece count for little, so that no word list is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log1p

from zhiyin.understand.long_texts.cutting import pieces, sentences, width

TERMS = 50_000
"""Different terms that are counted; what is new after that many is rare, and left out."""
SHORT = 4.0
"""A sentence of fewer tokens is a heading or a scrap."""
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile("[\u2e80-\u9fff\uf900-\ufaff]")


def extract(text: str, room: float, size: float = 100.0) -> str:
    """At most ``room`` tokens of whole sentences of ``text``, in their order; a text that is shorter stays as it is.

    Where no sentence fits the text's beginning is taken. Memory is bounded by ``TERMS`` and one sentence a piece.
    """
    if width(text) <= room:
        return " ".join(text.split())
    counts: Counter[str] = Counter()
    found_in: Counter[str] = Counter()
    number = 0
    for number, piece in enumerate(pieces(text, size), 1):  # noqa: B007
        inside = Counter(terms(piece))
        for term, count in inside.items():
            if term in counts or len(counts) < TERMS:
                counts[term] += count
                found_in[term] += 1
    weights = {term: count * log1p(number / found_in[term]) for term, count in counts.items() if count > 1}
    return reduce((best(piece, weights, room) for piece in pieces(text, size)), weights, room) or _begin(text, room)


def best(piece: str, weights: dict[str, float], room: float) -> str:
    """The sentence of ``piece`` whose terms weigh most on average; "" where none is long enough or fits."""
    candidates = [sentence for sentence in sentences(piece) if SHORT <= width(sentence) <= room]
    return max(candidates, key=lambda sentence: _mean(terms(sentence), weights), default="")


def reduce(candidates: Iterable[str], weights: dict[str, float], room: float) -> str:
    """The candidates that say most, in their order, within ``room``; what was said weighs little from then on."""
    order = list(dict.fromkeys(sentence for sentence in candidates if sentence))
    left = dict(enumerate(order))
    found = {place: terms(sentence) for place, sentence in left.items()}
    weights = dict(weights)
    taken: list[int] = []
    while left:
        place = max(left, key=lambda place: (_mean(found[place], weights), -place))
        sentence = left.pop(place)
        if width(sentence) <= room:
            room -= width(sentence)
            taken.append(place)
            for term in set(found[place]):
                weights[term] = weights.get(term, 0.0) / 4
        left = {place: sentence for place, sentence in left.items() if width(sentence) <= room}
    return " ".join(order[place] for place in sorted(taken))


def terms(text: str) -> list[str]:
    """What is counted: words of three letters and more, and pairs of Chinese characters."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _HAN.search(word):
            found += [word[place : place + 2] for place in range(len(word) - 1)]
        elif len(word) > 2:
            found.append(word)
    return found


def _mean(found: Sequence[str], weights: dict[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in found) / (len(found) + 2)


def _begin(text: str, room: float) -> str:
    return next(pieces(text, room), "")
