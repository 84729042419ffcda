"""In which language texts are, as far as the words round them need to know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def is_han(character: str) -> bool:
    return "㐀" <= character <= "䶿" or "一" <= character <= "鿿" or character == "〇"


def language_of(texts: Iterable[str]) -> Language:
    """``zh`` where at least half of the texts with letters are Chinese, else ``en``: a text is where its Chinese
    characters, each counting as two letters, are no fewer than its other letters."""
    known = [text for text in texts if any(map(str.isalpha, text))]
    return "zh" if known and 2 * sum(map(_is_chinese, known)) >= len(known) else "en"


def _is_chinese(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    han = sum(map(is_han, text))
    return 3 * han >= letters
