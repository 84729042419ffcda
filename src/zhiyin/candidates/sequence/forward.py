"""The network in numpy: the same numbers as ``network`` gives, without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.sequence.parts import CHUNK_CELLS, Arrays, changed, depth_of, direction, layer_of, norm
from zhiyin.candidates.sequence.shallow import shallow_states
from zhiyin.types import Floats, Histories


def states(arrays: Arrays, items: Floats, histories: Histories, heads: int) -> Floats:
    """The state after each history's latest event: float32 [len(histories), factors], exp(sharpness) long; zeros where
    the history is empty.

    ``items`` [n, factors] are the vectors of the items in the histories, of which the latest ``length`` count.
    """
    if depth_of(arrays) == 1:
        return shallow_states(arrays, items, histories, heads)
    return deep_states(arrays, items, histories, heads)


def deep_states(arrays: Arrays, items: Floats, histories: Histories, heads: int) -> Floats:
    """The same for any number of blocks."""
    length, width = arrays["places"].shape
    counts = np.minimum(histories.lengths, length)
    found = np.zeros((len(histories), width), dtype=np.float32)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    start = 0
    while start < len(order):
        # As many people as fit beside the longest of them.
        room = CHUNK_CELLS // (4 * width)
        size = max(1, room // int(counts[order[start]]))
        size = max(1, min(size, room // int(counts[order[min(start + size, len(order)) - 1]])))
        rows = order[start : start + size]
        found[rows] = _some(arrays, items, histories, rows, counts[rows], heads)
        start += size
    return found


def _some(
    arrays: Arrays, items: Floats, histories: Histories, rows: NDArray[Any], counts: NDArray[Any], heads: int
) -> Floats:
    """Histories end on the right here, so that the latest events lie in one column; in front of them is nothing."""
    steps = int(counts.max())
    places = histories.indptr[rows + 1][:, None] - steps + np.arange(steps)
    real = np.arange(steps) >= steps - counts[:, None]
    x = items[histories.items[np.where(real, places, 0)]] + arrays["places"][:steps][::-1]
    bars = np.where(real, np.float32(0), np.float32(-np.inf))[:, None, None, :]
    future = np.triu(np.full((steps, steps), -np.inf, dtype=np.float32), 1)
    # What is in front must see something, itself, or nothing of it would be a number.
    ahead = np.where(np.eye(steps, dtype=np.bool_), np.float32(0), bars + future)
    blocks = depth_of(arrays)
    for block in range(blocks):
        x = _block(layer_of(arrays, block), x, ahead[:, :, -1:] if block == blocks - 1 else ahead, heads)
    after = direction(norm(x[:, -1], arrays["norm.weight"], arrays["norm.bias"]))
    return after * np.float32(math.exp(arrays["sharpness"][0]))


def _block(layer: Arrays, x: Floats, ahead: Floats, heads: int) -> Floats:
    """As ``network.Block``, for the latest events that ``ahead`` [B, 1, asked, T] has rows for."""
    people, _, width = x.shape
    asked = ahead.shape[2]
    seen = norm(x, layer["norm1.weight"], layer["norm1.bias"])
    weight, bias = layer["mix.weight"], layer["mix.bias"]
    size = width // heads

    def split(part: Floats) -> Floats:
        return part.reshape(people, -1, heads, size).transpose(0, 2, 1, 3)

    wanted = split(seen[:, -asked:] @ weight[:width].T + bias[:width])
    offered = split(seen @ weight[width : 2 * width].T + bias[width : 2 * width])
    held = split(seen @ weight[2 * width :].T + bias[2 * width :])
    pull = wanted @ offered.transpose(0, 1, 3, 2) / np.float32(np.sqrt(size)) + ahead
    pull = np.exp(pull - pull.max(axis=-1, keepdims=True))
    pull /= pull.sum(axis=-1, keepdims=True)
    mixed = (pull @ held).transpose(0, 2, 1, 3).reshape(people, asked, width)
    x = x[:, -asked:] + mixed @ layer["out.weight"].T + layer["out.bias"]
    return changed(layer, x)
