"""Words of a request or a catalogue, made comparable: one token per Latin word or number, one per Chinese character."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST = 2000
"""Characters of a request that are read; the rest is left out."""

_HAN = "㐀-䶿一-鿿豈-﫿"
_TOKEN = re.compile(rf"[{_HAN}]|[\ue000-\uf8ff]|[^\W_{_HAN}]+(?:'[^\W_{_HAN}]+)*")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_HAN_ONE = re.compile(f"[{_HAN}]")

Key = tuple[str, ...]
"""Folded tokens of a name: what names are looked up by."""


@dataclass(frozen=True)
class Token:
    """``text`` as written, ``word`` folded, ``start`` and ``end`` its place in the cleaned text."""

    text: str
    word: str
    start: int
    end: int


def clean(text: str) -> str:
    """One line without control, invisible and private characters, full-width forms made ordinary, at most ``MOST``
    characters."""
    text = unicodedata.normalize("NFKC", text[: 4 * MOST].encode("utf-8", "replace").decode("utf-8"))
    kept = []
    for character in text.replace("’", "'").replace("‘", "'"):
        kind = unicodedata.category(character)
        if character in "\n\r":
            kept.append("\n")
        elif kind == "Cc" or kind.startswith("Z"):
            kept.append(" ")
        elif kind[0] != "C":
            kept.append(character)
    lines = (" ".join(line.split()) for line in "".join(kept).split("\n"))
    return _PRIVATE.sub("", "\n".join(line for line in lines if line))[:MOST]


def tokens(text: str, fold: dict[str, str] | None = None) -> list[Token]:
    """Tokens of cleaned ``text``; ``fold`` maps characters of the traditional script to the simplified one."""
    found = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        word = (fold or {}).get(raw, raw) if len(raw) == 1 else stem(raw)
        found.append(Token(raw, word.casefold(), match.start(), match.end()))
    return found


def key_of(text: str, fold: dict[str, str] | None = None) -> Key:
    """The folded tokens of a name."""
    return tuple(token.word for token in tokens(clean(text), fold))


def stem(word: str) -> str:
    """A Latin word without case, apostrophes, possessive and plural ending: "Comedies" and "comedy" are the same."""
    word = word.casefold()
    word = word[:-2] if word.endswith("'s") else word
    word = word.replace("'", "")
    if len(word) > 3 and word.isascii():
        for ending in ("ies", "ie", "y"):
            if word.endswith(ending):
                return word[: -len(ending)] + "i"
        if word.endswith(("sses", "xes", "zes", "ches", "shes")):
            return word[:-2]
        if word.endswith("s") and not word.endswith(("ss", "us", "is", "news")):
            return word[:-1]
    return word


def is_han(text: str) -> bool:
    """Whether there is a Chinese character in ``text``."""
    return _HAN_ONE.search(text) is not None


def han_share(text: str) -> float:
    """Chinese characters out of all letters, 0 where there are none."""
    letters = [character for character in text if character.isalpha()]
    return sum(map(is_han, letters)) / len(letters) if letters else 0.0
