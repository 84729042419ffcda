"""Single signs folded: compatibility forms, look-alikes, marks, invisible signs, traditional characters, pictures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from zhiyin.scenarios.community.moderation.tables import alike, pictures, simplified

JOINTS = frozenset(" \t*_-.·•~^|/\\+=#`‧・°")
"""What is put between the signs of a word so that it is not found. Signs that end a sentence are not among them."""
LEET = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "!": "i", "|": "i", "@": "a", "$": "s"}
RUN = re.compile(r"[a-z0-9!|@$]{2,}")
NUMBERED = re.compile(r"[0-9]+[a-z]{0,2}|[a-z][0-9]+|[a-z]+[0-9]{2,}")
"""Not leet: 30cm, a4, user2024."""
WORD = re.compile(r"[^\W\d_]+(?:[^\W\d_]|[^\w\s])*")
INVISIBLE = frozenset(["Cf", "Cc", "Mn", "Me", "Cs", "Co"])
"""Categories of signs that show nothing of their own: zero-width, controls of direction, marks, variation selectors."""
EMPTY = frozenset("\u115f\u1160\u3164\uffa0\u2800\u180e")
"""Signs of other categories that show nothing."""


def is_han(sign: str) -> bool:
    return "\u3400" <= sign <= "\u9fff" or sign == "〇"


def is_joint(sign: str) -> bool:
    return sign in JOINTS


def looks_latin(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each sign with its place, and whether look-alikes in its word stand for Latin letters: some letter of the word
    is Latin, or all look so and nothing in the text belongs to their script alone. Cyrillic or Greek as such is left
    as it is."""
    verdicts: dict[int, bool] = {}
    if not text.isascii():
        words = [(found.span(), _letters(found.group())) for found in WORD.finditer(text)]
        strange = any("strange" in kinds for _, kinds in words)
        for span, kinds in words:
            verdicts.update(dict.fromkeys(range(*span), "latin" in kinds or not strange))
    for place, sign in enumerate(text):
        yield place, sign, verdicts.get(place, True)


def _letters(word: str) -> set[str]:
    """Kinds of letters in ``word`` beside Chinese ones: latin, alike, strange."""
    known = alike()
    kinds = set()
    for sign in word:
        if not sign.isalpha() or is_han(sign):
            continue
        same = unicodedata.normalize("NFKC", sign)
        if unicodedata.normalize("NFD", same)[0].isascii():
            kinds.add("latin")
        else:
            kinds.add("alike" if all(one in known or one.lower() in known for one in same) else "strange")
    return kinds


@lru_cache(65_536)
def folded(sign: str, latin: bool) -> str:
    """What ``sign`` stands for, in lower case; "" where it shows nothing. ``latin``: look-alikes are Latin letters."""
    if sign in EMPTY:
        return ""
    if sign in "\t\n\r\u2028\u2029":
        return " "
    if sign in pictures():
        return pictures()[sign]
    if unicodedata.category(sign) in INVISIBLE:
        return ""
    known = alike()
    out = []
    for one in unicodedata.normalize("NFKC", sign):
        same = known.get(one) or known.get(one.lower()) if latin and not one.isascii() else None
        if same is None:
            # Letters with marks lose them: ǹǐ, ƒ, é.
            bare = "".join(part for part in unicodedata.normalize("NFD", one) if unicodedata.category(part) != "Mn")
            one = bare if bare.isascii() else one
            same = known.get(one, one) if latin and not one.isascii() else one
        same = simplified().get(same, same)
        out.append("" if same and unicodedata.category(same[0]) in INVISIBLE else same)
    plain = "".join(out).lower()
    return " " if plain.isspace() else plain


def leet(text: str) -> str:
    """``text`` (lower case) with digits and signs inside words of letters as the letters they are put for. The length
    stays."""

    def read(found: re.Match[str]) -> str:
        # Taken apart here and not by a pattern that looks ahead: that took seconds for a text of nothing but signs.
        run = found.group()
        start, end = len(run) - len(run.lstrip("!|")), len(run.rstrip("!|@$"))
        word = run[start:end]
        if len(word) < 2 or run[start:].isalpha() or not any(map(str.isalpha, word)) or NUMBERED.fullmatch(word):
            return run
        return run[:start] + "".join(LEET.get(sign, sign) for sign in word) + run[end:]

    return RUN.sub(read, text)
