"""What the model remembers of prefixes: keys and values of their tokens, for the few used last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zhiyin.llm.embedded.loading import Loaded
from zhiyin.llm.embedded.tree import common

KEPT = 8
"""Prefixes remembered ..."""
KEPT_BYTES = 256 * 2**20
"""... in at most this much memory."""
CHUNK = 512
"""Tokens of a prefix read in one run."""

State = list[tuple[Any, Any]]
"""Per layer keys and values, float [1, heads, tokens, size]."""


class Prefixes:
    """Remembers prefixes, and reads of a new one only what no remembered one begins with."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._kept: list[tuple[tuple[int, ...], State]] = []

    def state(self, tokens: Sequence[int], check: Callable[[int], None]) -> tuple[State, int]:
        """State of ``tokens``, and how many of them had to be computed. ``check`` is called with the number of tokens
        before each run, and may raise."""
        wanted = tuple(tokens)
        if not wanted:
            return [], 0
        best, known = max(
            ((common(kept, wanted), state) for kept, state in self._kept), key=lambda one: one[0], default=(0, [])
        )
        state = cut(known, best)
        for start in range(best, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            check(len(chunk))
            state = self._read(state, chunk, start)
        self._keep(wanted, state)
        return state, len(wanted) - best

    def forget(self) -> None:
        self._kept.clear()

    def _read(self, state: State, tokens: Sequence[int], start: int) -> State:
        import torch

        cache = cache_of(state)
        with torch.inference_mode():
            self._loaded.forward(
                input_ids=torch.tensor([list(tokens)]),
                position_ids=torch.arange(start, start + len(tokens))[None],
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        return [(layer.keys, layer.values) for layer in cache.layers]

    def _keep(self, wanted: tuple[int, ...], state: State) -> None:
        # One that begins like the new one is part of it; one that goes on from it serves for both.
        for place, (kept, _) in enumerate(self._kept):
            if kept[: len(wanted)] == wanted:
                self._kept.append(self._kept.pop(place))
                return
        self._kept = [(kept, old) for kept, old in self._kept if wanted[: len(kept)] != kept]
        self._kept.append((wanted, state))
        while len(self._kept) > 1 and (len(self._kept) > KEPT or self._bytes() > KEPT_BYTES):
            self._kept.pop(0)

    def _bytes(self) -> int:
        return sum(keys.nbytes + values.nbytes for _, state in self._kept for keys, values in state)


def cut(state: State, tokens: int) -> State:
    """The first ``tokens`` of a state, without copying."""
    return [(keys[:, :, :tokens], values[:, :, :tokens]) for keys, values in state] if tokens else []


def cache_of(state: State, rows: int = 1) -> Any:
    """A transformers cache that begins with ``state``, the same for each of ``rows``. It never writes into ``state``,
    and it keeps every token, also for layers that look back only so far: the masks see to that."""
    from transformers import DynamicCache

    if not state:
        return DynamicCache()
    return DynamicCache([(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)) for keys, values in state])
