"""Reads a SentencePiece unigram model into a tokenizer of the ``tokenizers`` library.

The file is a protocol buffer (sentencepiece_model.proto): field 1 repeats the pieces (1 = text, 2 = log-probability),
field 3 is the normaliser, whose field 2 is the precompiled character map. Kudo 2018, arXiv:1804.10959.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = 0
"""Number of the piece that stands for what the vocabulary cannot spell."""
SPACE = "▁"


def read_tokenizer(path: Path) -> Tokenizer:
    """Tokenizer giving piece numbers without begin or end marks. Raises OSError or ValueError for a bad file."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    pieces: list[tuple[str, float]] = []
    charsmap = b""
    for field, value in _fields(path.read_bytes()):
        if field == 1:
            parts = dict(_fields(value))
            score = struct.unpack("<f", parts[2])[0] if 2 in parts else 0.0
            pieces.append((parts[1].decode("utf-8"), score))
        elif field == 3:
            charsmap = dict(_fields(value)).get(2, b"")
    if not pieces or not charsmap:
        raise ValueError("no pieces or no character map in it")
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=UNKNOWN, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(charsmap),
            normalizers.Strip(left=True, right=True),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    return tokenizer


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each field that has bytes; plain numbers (wire type 0) are passed over."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            _, at = _varint(data, at)
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("not a protocol buffer")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("cut short")
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
