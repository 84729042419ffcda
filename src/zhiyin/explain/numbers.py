"""Numbers in a sentence, however they are written: 1,200, 3rd, twelve, 十二, 百分之三十."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {word: value for value, word in enumerate(f"{_UNITS} seventeen eighteen nineteen".split())}
_TENS = {
    word: 10 * value for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_BIG = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ORDINALS = {
    word: value
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
}
_WORDS = {**_SMALL, **_TENS, **_BIG, **_ORDINALS}
_ALTERNATIVES = "|".join(sorted(_WORDS, key=len, reverse=True))
_DIGITS = {one: value for value, one in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_HAN = "".join([*_DIGITS, *_PLACES, *_MYRIADS])

NUMBER = re.compile(
    rf"(?P<part>百分之)?(?:(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)(?P<order>st|nd|rd|th)?"
    rf"|(?P<words>\b(?:{_ALTERNATIVES})(?:[\s-]+(?:and\s+)?(?:{_ALTERNATIVES}))*\b)"
    rf"|(?P<han>[{_HAN}]+))(?P<percent>\s?%|\s?percent\b)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Number:
    """Characters ``start`` to ``end`` of the text say ``value``: a ``percent``, an ``ordinal``, or neither."""

    start: int
    end: int
    value: float
    percent: bool
    ordinal: bool


def numbers(text: str) -> list[Number]:
    """Every number in ``text`` (lower case, no full-width forms), in order."""
    found = []
    for match in NUMBER.finditer(text):
        percent = bool(match["part"] or match["percent"])
        ordinal = bool(match["order"])
        if match["digits"]:
            value = float(match["digits"].replace(",", ""))
        elif match["words"]:
            value, ordinal = _english(match["words"])
        else:
            value = _chinese(match["han"])
        found.append(Number(match.start(), match.end(), value, percent, ordinal))
    return found


def _english(words: str) -> tuple[float, bool]:
    """Value, and whether the last word is an ordinal."""
    # Floats: a row of words that is no number comes to infinity, and fails nowhere.
    total, part, last = 0.0, 0.0, ""
    for last in (word for word in re.split(r"[\s-]+", words.lower()) if word != "and"):
        value = _WORDS[last]
        if last == "hundred":
            part = max(part, 1.0) * value
        elif last in _BIG:
            total, part = total + max(part, 1.0) * value, 0.0
        else:
            part += value
    return total + part, last in _ORDINALS


def _chinese(text: str) -> float:
    total, part, digit = 0.0, 0.0, 0.0
    for one in text:
        if one in _DIGITS:
            # Digits in a row are read as written: 二〇二四.
            digit = 10 * digit + _DIGITS[one]
        elif one in _PLACES:
            part, digit = part + max(digit, 1.0) * _PLACES[one], 0.0
        else:
            total, part, digit = total + max(part + digit, 1.0) * _MYRIADS[one], 0.0, 0.0
    return total + part + digit
