"""A small transformer over word pieces, read without torch.

Three layers of a multilingual sentence encoder (Wang et al. 2024, arXiv:2402.05672), taught to say what that encoder,
whole and taught to tell offending texts, says (Hinton et al. 2015, arXiv:1503.02531). Vectors of pieces stay as they
were, in 4 bits; layers are in 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from zhiyin.scenarios.community.moderation.classifier.network import overlapping, unpacked
from zhiyin.threads import one_thread
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import in_batches
from zhiyin.understand.bert import NORMALS, PRODUCTS, is_product, layer, normalise, quick_gelu, tokenizer_of
from zhiyin.understand.e5 import BLOCK, PACKED, unpack

HEADS = 12
EPSILON = np.float32(1e-12)
LONGEST = 126
"""Pieces that are read at once, between the two marks; of a longer text every part is read, and the worst counts."""
BEGIN, END, UNKNOWN = 0, 1, 2
"""Rows of ``words``; pieces of text begin at ``UNKNOWN``."""
PACKED_ALONE = ("words", "pieces", "scores")
"""Arrays that are kept as they are stored."""


class Transformer:
    """``stored``: ``words`` uint8 [rows, blocks, bytes of a block], 4-bit vectors of the pieces; ``pieces`` uint8, the
    pieces from row ``UNKNOWN`` on in UTF-8, a line each; ``scores`` [rows - 2], their log-probabilities; ``places``
    [places, d]; ``start.w``, ``start.b`` [d]; weights of each layer, [out, in], as ``packed`` makes them; ``out`` [d];
    ``bias`` [1]."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._words = np.ascontiguousarray(stored["words"]).view(PACKED)[..., 0]
        self._pieces = bytes(stored["pieces"]).decode("utf-8").split("\n")
        self._scores = stored["scores"].tolist()
        wide = unpacked({name: array for name, array in stored.items() if name not in PACKED_ALONE})
        # Products go faster with the rows of a weight side by side.
        self._w = {name: np.ascontiguousarray(one.T) if is_product(name) else one for name, one in wide.items()}
        self._layers = sum(name.endswith(".q.w") for name in self._w)
        if len(self._pieces) != len(self._scores) or len(self._words) != len(self._pieces) + UNKNOWN:
            raise ValueError("pieces and their vectors do not match")
        self._check(stored)

    def scores(self, texts: Sequence[str]) -> Floats:
        """Log-odds, not calibrated, float32 [texts]; the same for a text alone and among others."""
        parts = [(place, part) for place, text in enumerate(texts) for part in self._parts(text)]
        found = np.full(len(texts), -np.inf, dtype=np.float32)
        with one_thread():
            for rows, odds in in_batches([part for _, part in parts], self._read):
                np.maximum.at(found, [parts[row][0] for row in rows], odds)
        return found

    def tokens(self, text: str) -> list[int]:
        """Rows of the pieces of ``text``, without marks."""
        # The tokenizer takes no half of a pair of surrogates.
        whole = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
        found = self._tokenizer.encode(whole, add_special_tokens=False).ids
        return [number + UNKNOWN for number in found]

    def _parts(self, text: str) -> list[list[int]]:
        return [[BEGIN, *part, END] for part in overlapping(self.tokens(text), LONGEST)]

    def _read(self, rows: Longs) -> Floats:
        w = self._w
        texts, length = rows.shape
        words = unpack(self._words[rows.ravel()]).reshape(texts, length, -1)
        x = normalise(words + w["places"][:length], w, "start", EPSILON)
        for number in range(self._layers):
            x = layer(x, w, f"l{number}", HEADS, EPSILON, quick_gelu)
        # A sum for each text: a product of all would end in other bits for other numbers of texts.
        odds: Floats = (x.mean(axis=1) * w["out"]).sum(axis=1) + w["bias"][0]
        return odds

    def _check(self, stored: Mapping[str, Any]) -> None:
        """Raises ValueError or KeyError where an array is missing or of another size, or has lost its scales."""
        wide, inner = self._words.shape[1] * BLOCK, len(self._w["l0.fi.b"])
        shapes: dict[str, tuple[int, ...]] = {"places": (LONGEST + 2, wide), "bias": (1,)}
        shapes |= dict.fromkeys(("start.w", "start.b", "out"), (wide,))
        for number in range(self._layers):
            for part in PRODUCTS:
                into, out = {"fi": (wide, inner), "fo": (inner, wide)}.get(part, (wide, wide))
                shapes |= {f"l{number}.{part}.w": (into, out), f"l{number}.{part}.b": (out,)}
            shapes |= {f"l{number}.{part}.{kind}": (wide,) for part in NORMALS for kind in "wb"}
        if {name: array.shape for name, array in self._w.items()} != shapes:
            raise ValueError("arrays of the transformer are missing or of another size")
        for name in shapes:
            if (stored[name].dtype == np.int8) != (f"{name}.scales" in stored):
                raise ValueError(f"'{name}' has lost its scales")

    @cached_property
    def _tokenizer(self) -> Any:
        return tokenizer_of(list(zip(self._pieces, self._scores, strict=True)), 0)
