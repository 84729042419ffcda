"""Cutting a text into pieces of about equal size, between sentences where it can be."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

WIDE = 0.82
"""Tokens to a Chinese or Japanese character or mark, as the packaged encoders count them; Korean is close."""
NARROW = 0.28
"""Tokens to any other character."""
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_SENTENCE = re.compile(
    r"""[^。！？!?.;；\n]*                # up to a mark that may end a sentence
        (?:[。！？；\n]+[”’」』）)]{0,4}       # a Chinese mark or a line end does
        |[.!?;]{1,8}["')\]]{0,4}(?=\s|$)  # a Latin one only before a space
        |[.!?;]                           # and not inside 3.14 or a name
        |$)""",
    re.VERBOSE,
)


def width(text: str) -> float:
    """About how many tokens an encoder makes of ``text``."""
    wide = len(_WIDE.findall(text))
    return WIDE * wide + NARROW * (len(text) - wide)


def sentences(text: str) -> Iterator[str]:
    """Sentences of ``text`` in order, with their marks, without white space round them; none is blank.

    Put together they are the text, but for white space. One after the other: a long text is never held twice.
    """
    begin = 0
    for found in _SENTENCE.finditer(text):
        end = found.end()
        if end < len(text) and text[end - 1 : end] in ".!?;" and not text[end].isspace():
            continue
        sentence = text[begin:end].strip()
        begin = end
        if sentence:
            yield sentence
    if text[begin:].strip():
        yield text[begin:].strip()


def pieces(text: str, size: float, overlap: float = 0.0) -> Iterator[str]:
    """Pieces of at most ``size`` tokens (by ``width``) that cover ``text`` in order; none is blank.

    ``overlap`` in [0, 1) is the share of a piece that the next one begins with again, in whole sentences: 0 gives
    chunks, more a sliding window. A sentence longer than a piece is cut, between words where it has any.
    """
    held: deque[tuple[str, float]] = deque()
    total = 0.0
    fresh = False
    for sentence in _short(text, size):
        weight = width(sentence) + NARROW
        if held and total + weight > size:
            if fresh:
                yield _joined(held)
            fresh = False
            while held and (total > overlap * size or total + weight > size):
                total -= held.popleft()[1]
        held.append((sentence, weight))
        total += weight
        fresh = True
    if fresh:
        yield _joined(held)


def _joined(held: Iterable[tuple[str, float]]) -> str:
    """Sentences side by side, a space between them where their script has spaces."""
    text = ""
    for part, _ in held:
        text += part if not text or _WIDE.match(text[-1]) else f" {part}"
    return text


def _short(text: str, size: float) -> Iterator[str]:
    """Sentences, those wider than ``size`` in parts."""
    for sentence in sentences(text):
        if width(sentence) + NARROW <= size:
            yield sentence
        else:
            yield from _parts(sentence, size - NARROW)


def _parts(sentence: str, size: float) -> Iterator[str]:
    begin = 0
    while begin < len(sentence):
        end, total = begin, 0.0
        while end < len(sentence) and (total < size or end == begin):
            total += WIDE if _WIDE.match(sentence[end]) else NARROW
            end += 1
        if total > size:
            end = max(end - 1, begin + 1)
        if end < len(sentence):
            space = sentence.rfind(" ", begin + (end - begin) // 2, end)
            end = space if space > begin else end
        part = sentence[begin:end].strip()
        begin = end
        if part:
            yield part
