"""Vectors of a catalogue whose descriptions may be long: every piece is encoded, an item is the mean of its pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.ports import Encoder, Progress, Store
from zhiyin.types import Floats
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.long_texts.pooling import item_vector
from zhiyin.understand.long_texts.ways import LongTextSettings, parts_of
from zhiyin.understand.texts import DESCRIPTION_CHARACTERS, item_text, plain


def item_parts(
    title: str | None, description: str | None, categories: Sequence[str], settings: LongTextSettings | None = None
) -> list[str]:
    """The texts that stand for an item: ``item_text`` alone where the description is short enough to be in it whole,
    else its pieces, "title, category, category" before each."""
    body = plain(description or "")
    if len(body) <= DESCRIPTION_CHARACTERS:
        return [item_text(title, description, categories)]
    return list(parts_of(body, settings or LongTextSettings(), item_text(title, None, categories)))


def encode_parts(
    items: Sequence[Sequence[str]], encoder: Encoder, store: Store, progress: Progress | None = None
) -> Floats:
    """Float32 [len(items), d]: unit rows, zeros for an item without text. Each part is encoded once and kept in the
    store, so a change in a long text costs the pieces that changed. An item of one part has that part's very vector."""
    flat = [part for parts in items for part in parts]
    rows = encode_catalogue(flat, encoder, store, progress)
    ends = np.cumsum([len(parts) for parts in items])
    vectors = np.zeros((len(items), encoder.dimension), dtype=np.float32)
    for place, (end, parts) in enumerate(zip(ends, items, strict=True)):
        if len(parts) == 1:
            vectors[place] = rows[end - 1]
        else:
            vectors[place] = item_vector(rows[end - len(parts) : end])
    return vectors
