"""English sentence vectors: all-MiniLM-L6-v2 in onnxruntime.

Wang et al. 2020, "MiniLM", arXiv:2002.10957; Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zhiyin.errors import AssetError
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import SentenceEncoder


class MiniLM(SentenceEncoder):
    """Mean of the last layer's token vectors, scaled to unit length. ``folder`` holds model.onnx and tokenizer.json.

    ``name`` identifies the files' content. Raises AssetError where they cannot be loaded.
    """

    dimension = 384

    def __init__(self, folder: Path, name: str, maximum_tokens: int) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        # The model reads at most 512 tokens, and was trained on 128.
        self.model_id = f"{name}/{maximum_tokens}"
        options = onnxruntime.SessionOptions()
        # One thread per run: encode() runs several batches side by side, which is faster than one batch on all cores.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                folder / "model.onnx", options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as broken:  # both libraries raise bare exceptions of their own
            raise AssetError(
                f"the text model cannot be loaded: {broken}", where=str(folder), fix="remove that folder and try again"
            ) from broken
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(maximum_tokens)

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def run(self, tokens: Longs) -> Floats:
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        (states,) = self._session.run(None, feed)
        pooled: Floats = states.mean(axis=1)
        vectors: Floats = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors
