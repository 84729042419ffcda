"""The items whose texts are nearest, for every item, without comparing all with all."""

from __future__ import annotations

import numpy as np

from zhiyin.candidates.topn import best_of
from zhiyin.types import Floats, Ints

EXACT = 20_000
"""Up to this many texts all are compared with all."""
LIST = 400
"""Texts in a list, on average."""
PROBES = 12
"""Lists searched for each text: its own and those nearest to it."""
ROUNDS = 3
BLOCK = 256


def nearest_texts(vectors: Floats, k: int, *, exact: int = EXACT) -> tuple[Ints, Floats]:
    """Rows int32 [n, k] and cosines float32 [n, k] of the ``k`` other items nearest to each, best first.

    ``vectors`` are float32 [n, d] of length 1, or zeros for an item without text, which is near to nothing. Only
    cosines above 0 are given; rows end in -1 and 0. With more than ``exact`` texts an inverted file is searched
    (spherical k-means into lists of about ``LIST``; ``PROBES`` lists a text), so that time is about linear in n and
    some neighbours are missed.
    """
    rows = np.full((len(vectors), k), -1, dtype=np.int32)
    cosines = np.zeros((len(vectors), k), dtype=np.float32)
    present = np.flatnonzero(vectors.any(axis=1)).astype(np.int32)
    if not len(present):
        return rows, cosines
    count = 1 if len(present) <= exact else -(-len(present) // LIST)
    centres, lists = _lists(vectors, present, count)
    for number, members in enumerate(lists):
        if not len(members):
            continue
        close = np.argsort(-(centres @ centres[number]), kind="stable")[:PROBES]
        searched = np.sort(np.concatenate([members, *(lists[other] for other in close if other != number)]))
        pool = vectors[searched]
        for start in range(0, len(members), BLOCK):
            asked = members[start : start + BLOCK]
            block = vectors[asked] @ pool.T
            block[np.arange(len(asked)), np.searchsorted(searched, asked)] = 0
            np.maximum(block, 0, out=block)
            found, values = best_of(block, k)
            known = found >= 0
            rows[asked] = np.where(known, searched[found], -1)
            cosines[asked] = np.where(known, values, 0)
    return rows, cosines


def _lists(vectors: Floats, present: Ints, count: int) -> tuple[Floats, list[Ints]]:
    """Directions [count, d] and the rows nearest to each: spherical k-means from evenly spaced texts."""
    centres = vectors[present[np.linspace(0, len(present) - 1, count).astype(np.int64)]]
    nearest = np.zeros(len(present), dtype=np.int32)
    for last in range(ROUNDS if count > 1 else 0):
        for start in range(0, len(present), 4096):
            nearest[start : start + 4096] = (vectors[present[start : start + 4096]] @ centres.T).argmax(axis=1)
        if last == ROUNDS - 1:
            break
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors[present])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    order = np.argsort(nearest, kind="stable")
    return centres, np.split(present[order], np.cumsum(np.bincount(nearest, minlength=count))[:-1])
