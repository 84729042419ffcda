"""Catalogues with long descriptions: short items stay what they were, to the bit; long ones are the mean of pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zhiyin.ports import Progress
from zhiyin.store import open_store
from zhiyin.types import Floats
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.long_texts import encode_parts, item_parts, item_vector
from zhiyin.understand.texts import DESCRIPTION_CHARACTERS, item_text

LONG = "".join(f"第{n}段：船只在河流上航行，天气晴朗。" for n in range(200))


class HashEncoder:
    model_id = "hash"
    dimension = 8

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        self.asked += texts
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.int8)[:8] for text in texts]
        found = np.stack(rows).astype(np.float32)
        unit: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def test_short_items_are_what_they_were(tmp_path: Path) -> None:
    items = [("Red shoe", "Runs well.", ["Sport"]), ("红鞋", None, []), (None, None, []), ("T", "x" * 600, ["A", "B"])]
    parts = [item_parts(*item) for item in items]
    texts = [item_text(*item) for item in items]
    assert parts == [[text] for text in texts]
    store = open_store("sqlite:///project.db", tmp_path)
    try:
        expected = encode_catalogue(texts, HashEncoder(), store)
        assert (encode_parts(parts, HashEncoder(), store) == expected).all()
    finally:
        store.close()


def test_long_items_are_the_mean_of_their_pieces(tmp_path: Path) -> None:
    parts = item_parts("船", f"<p>{LONG}</p>", ["水运", "河流"])
    assert len(LONG) > DESCRIPTION_CHARACTERS
    assert len(parts) > 10
    assert all(part.startswith("船, 水运, 河流. ") for part in parts)
    assert "".join(part.removeprefix("船, 水运, 河流. ") for part in parts) == LONG
    store = open_store("sqlite:///project.db", tmp_path)
    try:
        encoder = HashEncoder()
        vectors = encode_parts([["a"], parts, [], [""]], encoder, store)
        np.testing.assert_allclose(vectors[1], item_vector(HashEncoder().encode(parts)), atol=1e-6)
        assert not vectors[2:].any()
        again = HashEncoder()
        changed = item_parts("船", LONG.replace("第199段", "第一九九段"), ["水运", "河流"])
        encode_parts([["a"], changed], again, store)
        assert 1 <= len(again.asked) <= 2
    finally:
        store.close()
