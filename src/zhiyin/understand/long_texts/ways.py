"""The ways to read a long text, and the vectors that each gives. See docs/long-texts.md for what each is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.ports import Encoder
from zhiyin.types import Floats
from zhiyin.understand.long_texts.cutting import pieces
from zhiyin.understand.long_texts.summary import extract

GROUP = 64
"""Pieces encoded at once: what is in memory does not grow with the text, but for the vectors."""


class Way(StrEnum):
    """``beginning``: what the encoder reads before it cuts. ``chunks``: all of it, in pieces side by side.
    ``windows``: in pieces that overlap. ``summary``: all parts as one text, shortened piece by piece (map), and again
    to what the encoder reads (reduce)."""

    BEGINNING = "beginning"
    CHUNKS = "chunks"
    WINDOWS = "windows"
    SUMMARY = "summary"


class LongTextSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    way: Way = Way.CHUNKS
    """How a text is read that is longer than one piece."""
    tokens: float = Field(100.0, ge=8, le=10_000)
    """Size of a piece, in tokens by estimate: some less than the encoder reads, since an estimate errs."""
    overlap: float = Field(0.5, ge=0, le=0.9)
    """Share of a window that the next one begins with again."""
    pieces: int = Field(4096, ge=1)
    """Pieces of one text at most; what comes after them is not read."""


@dataclass(frozen=True)
class LongText:
    """``vectors`` float32 [pieces, d], unit rows, none for a blank text. ``short`` is the text in at most one piece's
    size: a summary to show or to encode."""

    vectors: Floats
    short: str


Shorten = Callable[[str, float], str]
"""Makes a text of at most so many tokens: ``extract``, or a language model's ``summarise`` with its text taken out."""


def parts_of(text: str, settings: LongTextSettings, head: str = "", shorten: Shorten = extract) -> Iterator[str]:
    """The texts that stand for ``text``, one after the other, ``head`` (a title) before each. A text of one piece gives
    itself, whatever the way; a blank one nothing, or ``head`` alone."""
    found = _parts(text, settings, shorten)
    first = next(found, None)
    if first is None:
        if head.strip():
            yield head
        return
    yield _joined(head, first)
    for part in islice(found, settings.pieces - 1):
        yield _joined(head, part)


def vectors_of(
    text: str, encoder: Encoder, settings: LongTextSettings | None = None, head: str = "", shorten: Shorten = extract
) -> Floats:
    """Float32 [pieces, d], unit rows, of the pieces of ``text``; [0, d] for a blank text without a head."""
    parts = parts_of(text, settings or LongTextSettings(), head, shorten)
    blocks = []
    while group := list(islice(parts, GROUP)):
        blocks.append(encoder.encode(group))
    return np.concatenate(blocks) if blocks else np.zeros((0, encoder.dimension), dtype=np.float32)


def read_long(
    text: str, encoder: Encoder, settings: LongTextSettings | None = None, head: str = "", shorten: Shorten = extract
) -> LongText:
    """Vectors and a short text of ``text``."""
    settings = settings or LongTextSettings()
    short = shorten(text, settings.tokens)
    if settings.way is Way.SUMMARY:
        return LongText(vectors_of(short, encoder, settings, head, lambda text, _: text), short)
    return LongText(vectors_of(text, encoder, settings, head, shorten), short)


def _parts(text: str, settings: LongTextSettings, shorten: Shorten) -> Iterator[str]:
    if settings.way is Way.SUMMARY:
        return iter([short] if (short := shorten(text, settings.tokens)).strip() else [])
    found = pieces(text, settings.tokens, settings.overlap if settings.way is Way.WINDOWS else 0.0)
    return islice(found, 1) if settings.way is Way.BEGINNING else found


def _joined(head: str, part: str) -> str:
    return f"{head}. {part}" if head.strip() else part
