"""Years and decades in a request: "from the 90s", "before 2000", 1995年以后, 九十年代."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

FIRST_TWO_DIGIT = 20
"""A decade of two digits from here on is of the twentieth century: "the 20s" are the 1920s, "the 10s" the 2010s."""
_WORDS = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90,
}  # fmt: skip
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0}
_YEAR = r"(?<!\d)((?:1[5-9]|20)\d\d)(?!\d)"
_ZH_YEAR = r"(?<![\d])((?:1[5-9]|20)\d\d|[一二][〇零一二三四五六七八九]{3})\s*年?"
_DECADE = r"(?:(early|mid|late)[ -])?(?:the )?(?:'?((?:1[5-9]|20)?\d0)'?s\b|(" + "|".join(_WORDS) + r")\b)"
_SOFT = re.compile(
    r"(?:\b(?:around|circa|about|roughly|ideally|preferably)\s*$)|(?:大约|大概|最好(?:是)?)\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class Years:
    """``text`` is "1990-1999", "-1999" or "1995-"; ``start`` to ``end`` is where the request says so; ``soft`` where it
    says "around"."""

    text: str
    start: int
    end: int
    soft: bool


def find_years(text: str) -> list[Years]:
    """Every statement about years in cleaned ``text``, in order, without overlap; the longest reading wins."""
    found: list[Years] = []
    for pattern, make in _PATTERNS:
        for match in pattern.finditer(text):
            bounds = make(match)
            if bounds and all(match.end() <= one.start or match.start() >= one.end for one in found):
                soft = _SOFT.search(text[: match.start()]) is not None or match.group().endswith("左右")
                found.append(Years(bounds, match.start(), match.end(), soft))
    return sorted(found, key=lambda one: one.start)


def bounds_of(text: str) -> tuple[int, int] | None:
    """First and last year of "1990-1999", "-1999", "1995-" or "1995"; None where ``text`` is nothing of the kind."""
    match = re.fullmatch(r"(\d{4})?(-)?(\d{4})?", text.strip())
    if match is None or not any(match.group(1, 3)):
        return None
    first, dash, last = match.groups()
    if not dash:
        return (int(first), int(first)) if first and not last else None
    return int(first or 0), int(last or 9999)


def _year(text: str) -> int:
    return int(text) if text.isdigit() and text.isascii() else int("".join(str(_DIGITS[one]) for one in text))


def _decade(match: re.Match[str]) -> str:
    part, digits, word = match.groups()[-3:]
    start = _century(_WORDS[word] if word else int(digits))
    first, last = {"early": (0, 4), "mid": (3, 6), "late": (5, 9)}.get((part or "").lower(), (0, 9))
    return f"{start + first}-{start + last}"


def _century(decade: int) -> int:
    if decade >= 100:
        return decade
    return (1900 if decade >= FIRST_TWO_DIGIT else 2000) + decade


def _zh_decade(match: re.Match[str]) -> str | None:
    century, first, second = match.groups()
    decades = [_zh_number(one) for one in (first, second) if one]
    if None in decades:
        return None
    starts = [_century(one) for one in decades if one is not None]
    if century and century.startswith("本"):
        starts = [2000 + start % 100 for start in starts]
    return f"{min(starts)}-{max(starts) + 9}"


def _zh_number(text: str) -> int | None:
    if text.isascii():
        return int(text) if int(text) % 10 == 0 else None
    text = text.removesuffix("十")
    if text in ("零零", "〇〇", "零", "〇"):
        return 0
    if text == "":
        return 10
    if text == "一零":
        return 10
    return _DIGITS[text] * 10 if text in _DIGITS else None


def _before(match: re.Match[str]) -> str:
    return f"-{_year(match.group(1)) - 1}"


def _first_year(match: re.Match[str]) -> str:
    return f"{_year(match.group(1))}-"


def _next_year(match: re.Match[str]) -> str:
    return f"{_year(match.group(1)) + 1}-"


def _last_year(match: re.Match[str]) -> str:
    return f"-{_year(match.group(1))}"


def _one_year(match: re.Match[str]) -> str:
    return f"{_year(match.group(1))}-{_year(match.group(1))}"


def _two_years(match: re.Match[str]) -> str:
    first, last = sorted((_year(match.group(1)), _year(match.group(2))))
    return f"{first}-{last}"


def _before_decade(match: re.Match[str]) -> str:
    return f"-{int(_decade(match)[:4]) - 1}"


def _after_decade(match: re.Match[str]) -> str:
    return f"{int(_decade(match)[5:]) + 1}-"


def _since_decade(match: re.Match[str]) -> str:
    return f"{_decade(match)[:4]}-"


_BEFORE = r"(?:before|prior to|older than|earlier than|pre-?)\s*(?:the (?:year )?)?"
_AFTER = r"(?:after|newer than|later than|post-?)\s*(?:the (?:year )?)?"
_ZH_TENS = r"一零|零零|〇〇|[零〇一二三四五六七八九]十?|(?:1[5-9]|20)?\d0"

Make = Callable[[re.Match[str]], str | None]
_PATTERNS: list[tuple[re.Pattern[str], Make]] = [
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (rf"(?:between |from )?{_YEAR}\s*(?:-|–|—|~|to|and|until|till|through)\s*{_YEAR}", _two_years),
        (rf"{_ZH_YEAR}\s*(?:到|至|和|-|—|~)\s*{_ZH_YEAR}(?:之间|间)?", _two_years),
        (_BEFORE + _DECADE, _before_decade),
        (_AFTER + _DECADE, _after_decade),
        (r"since\s*(?:the )?" + _DECADE, _since_decade),
        (_BEFORE + _YEAR, _before),
        (rf"(?:until|till|up to|no later than|not after|not later than)\s*{_YEAR}", _last_year),
        (rf"{_YEAR}\s*(?:or|and) (?:before|earlier|older)", _last_year),
        (_AFTER + _YEAR, _next_year),
        (rf"(?:since|starting from|no earlier than|not before|not older than)\s*{_YEAR}", _first_year),
        (rf"(?:from )?{_YEAR}\s*(?:(?:or|and) (?:after|later|newer)|onwards?|on\b)", _first_year),
        (
            rf"((?:上个?|本|20|二十|21|二十一)世纪)?({_ZH_TENS})(?:、|和|到|至|-)?({_ZH_TENS})?\s*年代",
            _zh_decade,
        ),
        (rf"{_ZH_YEAR}\s*(?:以前|之前|前)", _before),
        (rf"早于\s*{_ZH_YEAR}", _before),
        (rf"{_ZH_YEAR}\s*(?:以后|之后|以来|后|起|开始)", _first_year),
        (rf"晚于\s*{_ZH_YEAR}", _next_year),
        (rf"\b(?:in |from |of )?{_DECADE}", _decade),
        (rf"{_ZH_YEAR}(?<=年)(?:左右|前后)?", _one_year),
        (rf"(?:\bin |\bfrom |\bof |\bthe year )?{_YEAR}", _one_year),
    )
]
"""Pattern and how to read it, the most telling first."""
