"""Parts of the network that asking for every event and asking for the latest alone have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from zhiyin.types import Floats

EPSILON = 1e-5
"""What torch adds to a variance."""
CHUNK_CELLS = 4_000_000
"""Numbers of one layer held at once."""
Arrays = Mapping[str, NDArray[Any]]


def layer_of(arrays: Arrays, block: int) -> Arrays:
    """The arrays of one block by the names that ``network.Block`` gives them."""
    return {name.split(".", 2)[2]: part for name, part in arrays.items() if name.startswith(f"blocks.{block}.")}


def depth_of(arrays: Arrays) -> int:
    """Blocks of the network."""
    return sum(name.endswith(".mix.weight") for name in arrays)


def direction(vectors: Floats) -> Floats:
    """Each row with length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    result: Floats = vectors / np.maximum(lengths, np.float32(1e-12))
    return result


def levelled(x: Floats) -> Floats:
    """Rows around their means, divided by their spread."""
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.einsum("...w,...w->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    centred /= np.sqrt(spread + np.float32(EPSILON))
    result: Floats = centred
    return result


def norm(x: Floats, weight: Floats, bias: Floats) -> Floats:
    result: Floats = levelled(x) * weight + bias
    return result


def changed(layer: Arrays, x: Floats) -> Floats:
    """``x`` and what the second half of the block adds to it."""
    between = norm(x, layer["norm2.weight"], layer["norm2.bias"]) @ layer["up.weight"].T + layer["up.bias"]
    between *= np.float32(0.5) * (1 + erf(between * np.float32(np.sqrt(0.5))))
    result: Floats = x + between @ layer["down.weight"].T + layer["down.bias"]
    return result
