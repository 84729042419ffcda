"""Vectors of texts by a causal model: usable, and weaker than an encoder's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np

from zhiyin.llm.embedded.loading import Loaded
from zhiyin.types import Floats

EMBEDDED_TOKENS = 512
"""Longer texts are cut here."""
BATCH_TOKENS = 1024


def embeddings(loaded: Loaded, texts: Sequence[str], check: Callable[[int], None], lock: Lock) -> Floats:
    """Mean of the last layer's token vectors, scaled to unit length: float32 [texts, width]. ``check`` is called with
    the number of tokens before each run, and may raise."""
    import torch

    width = int(loaded.config.hidden_size)
    vectors = np.zeros((len(texts), width), dtype=np.float32)
    most = min(EMBEDDED_TOKENS, loaded.maximum)
    ids = {row: loaded.text_ids(loaded.harmless(text))[:most] for row, text in enumerate(texts) if text.strip()}
    left = sorted(ids, key=lambda row: len(ids[row]))
    while left:
        longest = len(ids[left[-1]])
        some = left[-max(1, BATCH_TOKENS // longest) :]
        del left[-len(some) :]
        tokens = torch.zeros((len(some), longest), dtype=torch.long)
        mask = torch.zeros((len(some), longest), dtype=torch.long)
        for at, row in enumerate(some):
            tokens[at, : len(ids[row])] = torch.tensor(ids[row])
            mask[at, : len(ids[row])] = 1
        check(tokens.numel())
        with lock, torch.inference_mode():
            states = loaded.model.base_model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
        summed = (states * mask[:, :, None]).sum(1).numpy()
        norms = np.linalg.norm(summed, axis=1, keepdims=True)
        vectors[some] = summed / np.maximum(norms, np.finfo(np.float32).tiny)
    return vectors
