"""Any encoder that transformers loads from a folder: the BERT family, and sentence-transformers folders.

torch and transformers are loaded here alone; they come with the extra ``llm``. Code that a folder brings along is never
run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.errors import AssetError, ConfigError
from zhiyin.ports import Progress
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import SentenceEncoder
from zhiyin.understand.fingerprint import fingerprint
from zhiyin.understand.pooling import read_pooling, tightest

SUFFIXES = (".json", ".txt", ".model", ".safetensors", ".bin")
ENORMOUS = 1_000_000
"""A tokenizer without a limit states an absurdly large one."""


class TransformersEncoder(SentenceEncoder):
    """``folder`` holds config.json, weights and a tokenizer, or a sentence-transformers modules.json that says where
    they are and how token vectors become one vector (the mean where nothing is said).

    Raises ConfigError where torch is not installed, AssetError for a folder that cannot be loaded.
    """

    def __init__(self, folder: Path, maximum_tokens: int) -> None:
        try:
            import torch
            from transformers import AutoModel, AutoTokenizer
        except ImportError as missing:
            raise ConfigError(
                f"a text model in a folder needs the package '{missing.name}'",
                where="encoder.model",
                fix="run 'make install-llm', name an ONNX file, or use english or multilingual",
            ) from missing
        self._torch = torch
        try:
            self._pooling = read_pooling(folder)
            home = self._pooling.transformer
            self._tokenizer: Any = AutoTokenizer.from_pretrained(home, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(home, local_files_only=True, dtype=torch.float32).eval()
        except Exception as broken:  # transformers raises whatever its parts raise
            raise AssetError(
                f"the text model cannot be loaded: {broken}", where=str(folder), fix="check the files, or name another"
            ) from broken
        if self._model.config.is_encoder_decoder:
            self._model = self._model.get_encoder()
        self._maximum = tightest([maximum_tokens, self._pooling.maximum_tokens, *self._limits()])
        used = [path for path in folder.rglob("*") if path.suffix in SUFFIXES]
        self.model_id = f"{fingerprint(folder.resolve().name, used)}/{maximum_tokens}"
        self.dimension = self.run(np.array(self.tokenise(["text"]), dtype=np.int64)).shape[1]

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        # Texts run side by side, each on one core: threads that start meanwhile take over this number.
        before = self._torch.get_num_threads()
        self._torch.set_num_threads(1)
        try:
            return super().encode(texts, progress)
        finally:
            self._torch.set_num_threads(before)

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        if self._pooling.lower_case:
            texts = [text.lower() for text in texts]
        rows = self._tokenizer(list(texts), truncation=True, max_length=self._maximum, padding=False)["input_ids"]
        return [row or [0] for row in rows]

    def run(self, tokens: Longs) -> Floats:
        # One text at a time: the last bits of a product depend on how many rows it has.
        with self._torch.inference_mode():
            states = [self._states(row) for row in tokens]
        return self._pooling(np.stack(states))

    def _states(self, row: Longs) -> Floats:
        ids = self._torch.from_numpy(row[None].copy())
        found = self._model(input_ids=ids, attention_mask=self._torch.ones_like(ids))
        states: Floats = found.last_hidden_state[0].numpy()
        return states

    def _limits(self) -> list[int | None]:
        """What the tokenizer and the table of places allow."""
        stated = self._tokenizer.model_max_length
        places = getattr(self._model.config, "max_position_embeddings", None)
        # The RoBERTa family counts places from the padding number on.
        offset = self._model.config.pad_token_id + 1 if "roberta" in self._model.config.model_type else 0
        return [stated if stated < ENORMOUS else None, None if places is None else places - offset]
