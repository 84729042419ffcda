"""Text vectors of a catalogue, kept in the store so that no text is encoded twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from zhiyin.ports import Encoder, Progress, Silent, Store
from zhiyin.types import Floats

COMMIT = 512
"""Vectors are stored after this many texts, so that a run that is killed loses seconds of work."""


def text_hash(text: str) -> str:
    """Key of a text's vector in the store: hexadecimal sha256 of its UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def encode_catalogue(texts: Sequence[str], encoder: Encoder, store: Store, progress: Progress | None = None) -> Floats:
    """Vectors of ``texts``: float32 [len(texts), encoder.dimension], rows of unit length, zeros for a blank text.

    Vectors the store already holds for this encoder are taken from there; the others are encoded once per distinct
    text and stored every ``COMMIT`` texts.
    """
    progress = progress or Silent()
    hashes = [text_hash(text) if text.strip() else "" for text in texts]
    wanted = {key: text for key, text in zip(hashes, texts, strict=True) if key}
    known = store.vectors(encoder.model_id, list(wanted))
    # Texts of like length together make full batches; the slow, long ones first make the time left an upper bound.
    missing = sorted((key for key in wanted if key not in known), key=lambda key: (-len(wanted[key]), key))
    if missing:
        with progress.task("Encoding item texts", total=len(missing)) as advance:
            for start in range(0, len(missing), COMMIT):
                keys = missing[start : start + COMMIT]
                block = encoder.encode([wanted[key] for key in keys], Silent())
                fresh = dict(zip(keys, block, strict=True))
                store.put_vectors(encoder.model_id, fresh)
                known.update(fresh)
                advance(len(keys))
    vectors = np.zeros((len(texts), encoder.dimension), dtype=np.float32)
    for row, key in enumerate(hashes):
        if key:
            vectors[row] = known[key]
    return vectors
