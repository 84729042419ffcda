"""Titles and names as a sentence may show them, and as they are compared."""

from __future__ import annotations

import re
import unicodedata

WIDTH = 56
"""Columns of a shown title; a Chinese character takes two."""
CUT = "…"

_QUOTES = {'"': "'", "“": "'", "”": "'", "《": "〈", "》": "〉", "「": "'", "」": "'", "『": "'", "』": "'"}
_BRACKETS = str.maketrans({"‹": "<", "›": ">"})
"""Prompts write angle brackets so."""
_YEAR = re.compile(r"\s*\(\d{4}\)$")
_OUTER = re.compile(r"^《([^《》]+)》$")


def shown(title: str, instead: str = "") -> str:
    """``title`` on one line, without control, format and private characters, its own quotation marks made single, so
    that marks put round it close where they should. Where nothing is left, ``instead`` in the same form, or "?"."""
    text = " ".join("".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in title).split())
    outer = _OUTER.match(text)
    text = "".join(_plain(one) for one in (outer[1] if outer else text)).strip()
    return text or (shown(instead) if instead else "?")


def _plain(character: str) -> str:
    """A quotation mark, in whatever width, becomes a lesser one."""
    if character in _QUOTES:
        return _QUOTES[character]
    wide = unicodedata.normalize("NFKC", character)
    return "'" if any(one in _QUOTES for one in wide) else character


def shortened(text: str) -> str:
    """At most ``WIDTH`` columns of ``text``, cut after a word where that loses little, with "…" where it was cut."""
    if width(text) <= WIDTH:
        return text
    used, end = 0, 0
    for end, one in enumerate(text):  # noqa: B007
        used += _columns(one)
        if used > WIDTH - 1:
            break
    space = text.rfind(" ", 0, end + 1)
    kept = text[: space if space > end // 2 else end].rstrip(" ,.:;-—，、。：；")
    return (kept or text[:end]) + CUT


def width(text: str) -> int:
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def folded(text: str) -> str:
    """``text`` for comparing: without regard to case, width and spacing."""
    wide = unicodedata.normalize("NFKC", text).translate(_BRACKETS).casefold()
    return " ".join(unicodedata.normalize("NFKC", wide).split())


def forms(title: str) -> set[str]:
    """How a sentence may write ``title``, folded: whole, shortened, or without the year behind it."""
    return {folded(form) for form in (title, shortened(title), _YEAR.sub("", title)) if form}


def is_cut_from(quoted: str, title: str) -> bool:
    """Whether ``quoted`` is a beginning of ``title`` that shows that it was cut, long enough to be told from others."""
    start = folded(quoted)
    if not start.endswith("..."):
        return False
    start = start.removesuffix("...").rstrip()
    return width(start) >= 8 and folded(title).startswith(start)
