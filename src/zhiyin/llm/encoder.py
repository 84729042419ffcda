"""Text vectors from a server's embeddings endpoint, as an encoder like the packaged ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.errors import LlmError, LlmOff
from zhiyin.llm.client import AT_ONCE, Client
from zhiyin.ports import Progress, Silent
from zhiyin.types import Floats, Job


class RemoteEncoder:
    """``ports.Encoder`` on ``models``; its calls count to the job "items". Raises LlmError, when it is made as well:
    the dimension is learned by one call."""

    def __init__(self, models: Client) -> None:
        if models.embedding_id is None:
            raise LlmOff("no model for embeddings is configured", where="[llm] embedding_model")
        self.model_id: str = models.embedding_id
        self._models = models
        self.dimension = self._ask(["dimension 维度"]).shape[1]

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """Float32 [len(texts), dimension], rows of unit length; a blank text gives a row of zeros. Raises LlmError."""
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        rows = [row for row, text in enumerate(texts) if text.strip()]
        with (progress or Silent()).task("Encoding texts", total=len(rows)) as advance:
            # A few calls at a time, so that the display moves.
            for start in range(0, len(rows), 8 * AT_ONCE):
                some = rows[start : start + 8 * AT_ONCE]
                found = self._ask([texts[row] for row in some])
                lengths = np.linalg.norm(found, axis=1, keepdims=True)
                vectors[some] = found / np.where(lengths > 0, lengths, 1)
                advance(len(some))
        return vectors

    def _ask(self, texts: list[str]) -> Floats:
        found = self._models.embed(Job.ITEMS, texts)
        if isinstance(found, LlmError):
            raise found
        return found
