"""A page before it is checked: its texts by field."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

ENDING = "…"


@dataclass(frozen=True)
class Draft:
    """``description`` are sentences, ``faq`` questions with their answers."""

    title: str
    bullets: list[str]
    description: list[str]
    faq: list[tuple[str, str]]
    meta_title: str
    meta_description: str

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every text with the name of its place: title, bullets.0, faq.0.question, meta.title, ..."""
        yield "title", self.title
        for place, text in enumerate(self.bullets):
            yield f"bullets.{place}", text
        for place, text in enumerate(self.description):
            yield f"description.{place}", text
        for place, (question, answer) in enumerate(self.faq):
            yield f"faq.{place}.question", question
            yield f"faq.{place}.answer", answer
        yield "meta.title", self.meta_title
        yield "meta.description", self.meta_description


def width(text: str) -> int:
    """Columns on a screen: Chinese characters and full-width signs take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def cut(text: str, columns: int) -> str:
    """``text`` within ``columns``, cut after a word, with an ellipsis where something is cut."""
    if width(text) <= columns:
        return text
    used, end = 1, 0
    for place, one in enumerate(text):
        used += width(one)
        if used > columns:
            break
        end = place + 1
    short = text[:end]
    if end < len(text) and text[end - 1 : end + 1].isalnum() and text[end - 1].isascii() and text[end].isascii():
        space = short.rfind(" ")
        short = short[:space] if space > end // 3 else short
    return short.rstrip(" ,;:，；：、(（[-–&") + ENDING


def fitted(parts: list[str], columns: int, between: str) -> str:
    """As many of ``parts`` as fit into ``columns``, in order; the first one cut where none does."""
    text = ""
    for part in parts:
        more = f"{text}{between}{part}" if text else part
        if width(more) <= columns:
            text = more
    return text or (cut(parts[0], columns) if parts else "")
