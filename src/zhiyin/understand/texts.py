"""The text that stands for an item: what is encoded, and what a reader may be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

DESCRIPTION_CHARACTERS = 600
"""Beginning of a description that is kept: about what an encoder reads before it cuts."""

_MARKUP = re.compile(r"<[A-Za-z!/]|&#?\w+;")
_UNSEEN = {"script", "style"}


def item_text(title: str | None, description: str | None, categories: Sequence[str]) -> str:
    """ "title, category, category. Description", as plain text on one line; "" when nothing is known.

    This order and these separators are the ones the text-augmented linear model was measured with.
    """
    head = ", ".join(part for part in (plain(title or ""), *map(plain, categories)) if part)
    body = shorten(plain(description or ""), DESCRIPTION_CHARACTERS)
    return ". ".join(part for part in (head, body) if part)


def plain(text: str) -> str:
    """``text`` without HTML, its white space and control characters squeezed to single spaces.

    Half a surrogate pair, which JSON can smuggle in and UTF-8 cannot hold, becomes "?".
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    if _MARKUP.search(text):
        text = _strip(text)
    return " ".join("".join(" " if _is_control(character) else character for character in text).split())


def shorten(text: str, characters: int) -> str:
    """At most ``characters`` of ``text``, cut after a word where it has words."""
    if len(text) <= characters:
        return text
    cut = text[: characters + 1]
    space = cut.rfind(" ")
    return cut[:space] if space > characters // 2 else cut[:characters]


class _Text(HTMLParser):
    """Collects what a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _UNSEEN
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN and self._hidden:
            self._hidden -= 1
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _strip(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    return "".join(parser.parts)


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"
