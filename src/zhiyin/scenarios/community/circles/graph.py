"""One weighted graph of people out of three: links, items taken by both, and similar interests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from zhiyin.candidates.people import profiles, rarities
from zhiyin.candidates.topn import top_of_product
from zhiyin.scenarios.community.circles.params import CirclesParams
from zhiyin.types import Floats, Histories, Ints

SHRINK = 50.0
"""Added to the squared length of a history, so that people with few items share little with anybody."""
BLOCK = 2048
"""People whose interests are held against everybody's at once."""


@dataclass(frozen=True)
class Layers:
    """Symmetric float32 CSR [n, n] without a diagonal; None where there is no such edge."""

    friends: sparse.csr_array | None = None
    together: sparse.csr_array | None = None
    alike: sparse.csr_array | None = None


def layers_of(
    histories: Histories,
    n_items: int,
    links: sparse.csr_array | None,
    interests: Floats | None,
    params: CirclesParams,
) -> Layers:
    """The graphs of the people of ``histories``, in their rows. ``links`` as in ``Interactions``; ``interests`` [n, d]
    say what each likes, a row of zeros where nothing is known, None where that is known of nobody."""
    return Layers(
        links if params.friends and links is not None and links.nnz else None,
        together(histories, n_items, params) if params.together and len(histories.items) else None,
        alike(interests, params.neighbours) if params.alike and interests is not None and interests.any() else None,
    )


def together(histories: Histories, n_items: int, params: CirclesParams) -> sparse.csr_array:
    """Cosines of what people took, each item weighed by its rarity, to the nearest ``neighbours`` of each."""
    counts = np.bincount(histories.items, minlength=n_items)
    rare = rarities(counts, len(histories), params.rarity)
    rows, _ = profiles(np.ones(len(histories.items), dtype=np.float32), histories, rare, SHRINK)
    found, values = top_of_product(rows, sparse.csr_array(rows.T), params.neighbours + 1)
    return nearest(found, values)


def alike(interests: Floats, neighbours: int) -> sparse.csr_array:
    """Cosines of interests, less the mean of everybody, to the nearest ``neighbours`` of each; those above 0."""
    known = np.asarray(interests.any(axis=1))
    rows = np.where(known[:, None], interests - interests[known].mean(axis=0), 0).astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    width = min(neighbours + 1, len(rows))
    found = np.empty((len(rows), width), dtype=np.int32)
    values = np.empty((len(rows), width), dtype=np.float32)
    for start in range(0, len(rows), BLOCK):
        near = rows[start : start + BLOCK] @ rows.T
        picked = np.argpartition(-near, width - 1, axis=1)[:, :width]
        found[start : start + BLOCK] = picked
        values[start : start + BLOCK] = np.take_along_axis(near, picked, axis=1)
    return nearest(found, values)


def nearest(found: Ints, values: Floats) -> sparse.csr_array:
    """The graph in which each person has an edge to those ``found`` [n, k] (-1 for none), by the larger of the two
    values where both found each other."""
    n, width = found.shape
    own = np.repeat(np.arange(n, dtype=np.int32), width)
    other, weight = found.ravel(), values.ravel()
    kept = (other >= 0) & (other != own) & (weight > 0)
    one = sparse.csr_array((weight[kept], (own[kept], other[kept])), shape=(n, n))
    return sparse.csr_array(one.maximum(one.T))


def fused(layers: Layers, params: CirclesParams, n: int) -> sparse.csr_array:
    """The weighted sum of ``layers``, float32 CSR [n, n]; each first divided by its mean sum of weights a person who
    has any, so that a weight of the parameters says the same of each."""
    parts: Sequence[tuple[sparse.csr_array | None, float]] = (
        (layers.friends, params.friends),
        (layers.together, params.together),
        (layers.alike, params.alike),
    )
    whole = sparse.csr_array((n, n), dtype=np.float32)
    for graph, weight in parts:
        if graph is None or not weight:
            continue
        strength = np.asarray(graph.sum(axis=1)).ravel()
        whole = whole + graph * np.float32(weight / strength[strength > 0].mean())
    whole.sum_duplicates()
    whole.sort_indices()
    return sparse.csr_array(whole, dtype=np.float32)
