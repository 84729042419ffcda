"""The network of one block, asked for the state after the latest event alone: only that event looks back, so no other
needs a query, a key, a value or a change of its own. The same numbers as ``forward.states`` in a fifth of the time."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from zhiyin.candidates.sequence.parts import CHUNK_CELLS, Arrays, changed, direction, layer_of, levelled, norm
from zhiyin.types import Floats, Histories, Longs


def shallow_states(arrays: Arrays, items: Floats, histories: Histories, heads: int) -> Floats:
    """As ``forward.states``."""
    length, width = arrays["places"].shape
    counts = np.minimum(histories.lengths, length)
    found = np.zeros((len(histories), width), dtype=np.float32)
    kept = np.flatnonzero(counts)
    step = max(1, CHUNK_CELLS // (8 * width * max(1, int(counts.max(initial=0)))))
    for start in range(0, len(kept), step):
        people = kept[start : start + step]
        found[people] = _some(arrays, items, histories, people, counts[people], heads)
    return found


def _some(arrays: Arrays, items: Floats, histories: Histories, people: Longs, counts: Longs, heads: int) -> Floats:
    """Events of all ``people`` stand one behind the other, [E, factors]; nobody's history is empty."""
    layer = layer_of(arrays, 0)
    width = items.shape[1]
    size = width // heads
    ends = np.cumsum(counts)
    starts = ends - counts
    owners = np.repeat(np.arange(len(people)), counts)
    ago = ends[owners] - 1 - np.arange(ends[-1])
    x = items[histories.items[histories.indptr[people + 1][owners] - 1 - ago]]
    x += arrays["places"][ago]
    latest = x[ends - 1]
    seen = levelled(x)
    weight, bias = layer["mix.weight"], layer["mix.bias"]
    wanted = norm(latest, layer["norm1.weight"], layer["norm1.bias"]) @ weight[:width].T + bias[:width]
    mixed = np.empty((len(people), width), dtype=np.float32)
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        offered, held = weight[width : 2 * width][own], weight[2 * width :][own]
        # What a bias adds to every pull of a person changes none of their shares.
        asked = (wanted[:, own] @ offered) * (layer["norm1.weight"] / np.float32(math.sqrt(size)))
        pull = np.einsum("ew,ew->e", asked[owners], seen)
        pull = np.exp(pull - np.maximum.reduceat(pull, starts)[owners])
        pull /= np.add.reduceat(pull, starts)[owners]
        indptr = np.append(starts, ends[-1])
        shares = sparse.csr_array((pull, np.arange(ends[-1]), indptr), shape=(len(people), len(pull)))
        together = (shares @ seen) * layer["norm1.weight"] + layer["norm1.bias"]
        mixed[:, own] = together @ held.T + bias[2 * width :][own]
    x = changed(layer, latest + mixed @ layer["out.weight"].T + layer["out.bias"])
    after = direction(norm(x, arrays["norm.weight"], arrays["norm.bias"]))
    return after * np.float32(math.exp(arrays["sharpness"][0]))
