"""From token vectors to one sentence vector, as a sentence-transformers folder says it; the mean where nothing does.

Such a folder lists its steps in modules.json: a transformer, a pooling, perhaps dense layers, perhaps a scaling to unit
length (which every encoder here does at the end). Reimers and Gurevych 2019, "Sentence-BERT", arXiv:1908.10084.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.types import Floats

POOLINGS = ("cls", "mean", "max", "mean_sqrt_len", "weightedmean", "lasttoken")
_OLD_NAMES = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len": "mean_sqrt_len_tokens",
              "weightedmean": "weightedmean_tokens", "lasttoken": "lasttoken"}  # fmt: skip
_ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "Tanh": np.tanh,
    "Identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
}


@dataclass(frozen=True)
class Dense:
    """x -> activation(x @ weights.T + bias); ``weights`` float32 [out, in], ``bias`` [out] or None."""

    weights: Floats
    bias: Floats | None
    activation: str

    def __call__(self, x: Floats) -> Floats:
        # [b, 1, d]: one product per text, so that the last bits do not depend on how many texts there are.
        product = (x[:, None] @ self.weights.T)[:, 0] + (0 if self.bias is None else self.bias)
        result: Floats = _ACTIVATIONS[self.activation](product)
        return result


@dataclass(frozen=True)
class Pooling:
    """``ways`` are put side by side; ``transformer`` is the folder of the transformer itself."""

    transformer: Path
    ways: tuple[str, ...] = ("mean",)
    dense: tuple[Dense, ...] = ()
    maximum_tokens: int | None = None
    lower_case: bool = False

    def __call__(self, states: Floats) -> Floats:
        """Unit rows [b, k] of the token vectors [b, t, d] of texts of equal length, without padding."""
        return self.finish(np.concatenate([pool(states, way) for way in self.ways], axis=1))

    def finish(self, vectors: Floats) -> Floats:
        """The dense layers, then unit length."""
        for layer in self.dense:
            vectors = layer(vectors)
        return unit(vectors)


def pool(states: Floats, way: str) -> Floats:
    """One vector per text: [b, t, d] -> [b, d]. ``way`` is one of ``POOLINGS``."""
    length = states.shape[1]
    pooled: Floats
    if way == "cls":
        pooled = states[:, 0]
    elif way == "lasttoken":
        pooled = states[:, -1]
    elif way == "max":
        pooled = states.max(axis=1)
    elif way == "weightedmean":
        # The k-th token counts k times: later tokens of a causal model have seen more.
        weights = np.arange(1, length + 1, dtype=np.float32)[:, None]
        pooled = (states * weights).sum(axis=1) / weights.sum()
    else:
        pooled = states.mean(axis=1)
        if way == "mean_sqrt_len":
            pooled = pooled * np.float32(np.sqrt(length))
    return pooled


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return scaled


def read_pooling(folder: Path) -> Pooling:
    """What ``folder`` says of itself. Raises ValueError or OSError for what cannot be followed."""
    listed = folder / "modules.json"
    if not listed.is_file():
        return Pooling(folder)
    transformer = folder
    ways: tuple[str, ...] = ("mean",)
    dense: list[Dense] = []
    for module in json.loads(listed.read_text(encoding="utf-8")):
        kind, place = module["type"].rsplit(".", 1)[-1], folder / module.get("path", "")
        if kind == "Transformer":
            transformer = place
        elif kind == "Pooling":
            ways = ways_of(_json(place / "config.json"))
        elif kind == "Dense":
            dense.append(read_dense(place))
        elif kind not in ("Normalize", "Dropout"):
            raise ValueError(f"modules.json names a step '{kind}' that is not known")
    limits = _json(transformer / "sentence_bert_config.json")
    return Pooling(transformer, ways, tuple(dense), limits.get("max_seq_length"), bool(limits.get("do_lower_case")))


def ways_of(config: dict[str, Any]) -> tuple[str, ...]:
    """The poolings that 1_Pooling/config.json asks for: by name in new files, by a yes for each way in old ones."""
    named = config.get("pooling_mode")
    if isinstance(named, str):
        named = [named]
    if named is None:
        named = [way for way in POOLINGS if config.get(f"pooling_mode_{_OLD_NAMES[way]}")]
    unknown = [way for way in named if way not in POOLINGS]
    if unknown or not named:
        raise ValueError(f"the pooling {unknown or config} is not one of {', '.join(POOLINGS)}")
    return tuple(named)


def read_dense(folder: Path) -> Dense:
    """A dense layer out of its folder: config.json and model.safetensors."""
    config = _json(folder / "config.json")
    activation = str(config.get("activation_function", "Tanh")).rsplit(".", 1)[-1]
    if activation not in _ACTIVATIONS:
        raise ValueError(f"the activation '{activation}' of a dense layer is not one of {', '.join(_ACTIVATIONS)}")
    tensors = _tensors(folder)
    bias = tensors.get("linear.bias")
    return Dense(tensors["linear.weight"], bias, activation)


def _tensors(folder: Path) -> dict[str, Floats]:
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ValueError(f"{folder.name} holds no model.safetensors")
    from safetensors.numpy import load_file

    return {name: array.astype(np.float32) for name, array in load_file(path).items()}


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


def tightest(limits: Sequence[int | None]) -> int:
    """The smallest of the limits that are there."""
    return min(limit for limit in limits if limit is not None)
