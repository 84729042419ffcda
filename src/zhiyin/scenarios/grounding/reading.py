"""Words of folded text, and which of them are denied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.scenarios.grounding.folding import HAN
from zhiyin.understand.wishes.words import stem

REACH = 6
"""Words behind a "not" or "without" that it may deny."""

_WORD = re.compile(rf"[^\W\d_{HAN}]+(?:'[^\W\d_{HAN}]+)*")
_DENIERS = frozenset(
    {"no", "not", "never", "without", "non", "zero", "lack", "lacking", "exclude", "excluding", "cannot"}
)
_STOPS = frozenset({"but", "with", "yet", "although", "however", "which", "that", "it", "this", "is", "are", "has"})
_CHINESE = re.compile(r"不含有|不含|不添加|没有|无添加|不|没|未|无|非|勿|莫")


@dataclass(frozen=True)
class Word:
    """A Latin word at characters ``start`` to ``end`` of folded text."""

    text: str
    stem: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Latin words; parts of a hyphenated one stand alone."""
    return [Word(one[0], stem(one[0]), one.start(), one.end()) for one in _WORD.finditer(text)]


def is_denier(word: Word, text: str) -> bool:
    if word.text.endswith("n't"):
        return True
    if word.stem not in _DENIERS:
        return False
    # "No. 5" is a name.
    return word.text != "no" or re.match(r"\.?\s*\d", text[word.end :]) is None


def scopes(text: str, words: Sequence[Word]) -> list[tuple[int, list[int]]]:
    """For every denial of ``text``: the place of its word, or -1 for "0 %", and the places of the words it denies."""
    found = []
    for place, word in enumerate(words):
        after = text[word.end : words[place + 1].start] if place + 1 < len(words) else ""
        if is_denier(word, text):
            found.append((place, _forward(text, words, place + 1, word.end)))
        elif word.text == "free":
            following = words[place + 1].text if place + 1 < len(words) else ""
            joined = place and text[words[place - 1].end : word.start] in ("-", " ")
            if following in ("of", "from") and after.strip() == "":
                found.append((place, _forward(text, words, place + 2, words[place + 1].end)))
            elif joined:
                found.append((place, [place - 1]))
    for match in re.finditer(r"(?<![\d.,])0+(?:\.0+)?\s?%", text):
        first = next((place for place, word in enumerate(words) if word.start >= match.end()), len(words))
        found.append((-1, _forward(text, words, first, match.end())))
    return found


def _forward(text: str, words: Sequence[Word], first: int, end: int) -> list[int]:
    reached = []
    for place in range(first, min(len(words), first + REACH)):
        word = words[place]
        if re.search(r"[.,;:!?()\u3001\uff0c\u3002]", text[end : word.start]) or word.text in _STOPS:
            break
        reached.append(place)
        end = word.end
    return reached


def denied(text: str, words: Sequence[Word]) -> set[int]:
    """Places of the words that ``text`` denies."""
    return {place for _, reached in scopes(text, words) for place in reached}


def chinese_denials(text: str) -> list[tuple[int, str]]:
    """Where Chinese ``text`` denies something, and the two characters denied ("" at the end)."""
    found = []
    for match in _CHINESE.finditer(text):
        rest = re.match(f"[{HAN}]*", text[match.end() :])
        assert rest is not None
        found.append((match.start(), rest[0][:2]))
    return found
