"""4: candidates. Every model proposes its best; the proposals are merged, and it is kept who proposed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.candidates.topn import among_best
from zhiyin.types import Floats, Histories, Ints, Longs

CHUNK_CELLS = 32_000_000
"""Scores held at once: people x items x models."""


@dataclass(frozen=True)
class Pool:
    """Candidates of each person: rows ``indptr[b]:indptr[b + 1]``, items in rising order. ``scores`` float32 [rows,
    models] are every model's, whoever proposed the item; ``proposed`` bool [rows, models] says who did."""

    models: tuple[str, ...]
    indptr: Longs
    items: Ints
    scores: Floats
    proposed: NDArray[np.bool_]

    def only(self, models: Sequence[str]) -> Pool:
        """What the pool would be of these models alone."""
        places = [self.models.index(name) for name in models]
        proposed = self.proposed[:, places]
        kept = proposed.any(axis=1)
        counts = np.concatenate(([0], np.cumsum(kept)))
        return Pool(tuple(models), counts[self.indptr], self.items[kept], self.scores[kept][:, places], proposed[kept])

    def of(self, person: int) -> Pool:
        """The candidates of one person."""
        low, high = int(self.indptr[person]), int(self.indptr[person + 1])
        indptr = np.array([0, high - low], dtype=np.int64)
        return Pool(self.models, indptr, self.items[low:high], self.scores[low:high], self.proposed[low:high])


def scores_of(models: Mapping[str, Recommender], histories: Histories, n: int) -> dict[str, Floats]:
    """Scores of every model over ``n`` items, float32 [people, n]; 0 for items a model does not know."""
    found = {}
    for name, model in models.items():
        block = model.score(known_to(histories, model.n_items))
        if model.n_items < n:
            block = np.pad(block, ((0, 0), (0, n - model.n_items)))
        found[name] = block
    return found


def pool_of(blocks: Mapping[str, Floats], depths: Mapping[str, int], barred: NDArray[np.bool_] | None) -> Pool:
    """Merge the best ``depths[name]`` of each block [people, n]; cells in ``barred`` [people, n] are no candidates."""
    people, n = next(iter(blocks.values())).shape
    names = tuple(blocks)
    member = np.empty((len(names), people, n), dtype=np.bool_)
    for place, name in enumerate(names):
        block = blocks[name]
        if barred is not None:
            block = np.where(barred, np.float32(-np.inf), block)
        member[place] = among_best(block, depths[name])
    cells = np.flatnonzero(member.any(axis=0))
    person, items = np.divmod(cells, n)
    indptr = np.searchsorted(person, np.arange(people + 1)).astype(np.int64)
    scores = np.stack([blocks[name].reshape(-1)[cells] for name in names], axis=1)
    proposed = member.reshape(len(names), -1)[:, cells].T
    return Pool(names, indptr, items.astype(np.int32), scores, proposed)


def chunks(histories: Histories, cells: int) -> Iterator[tuple[int, int]]:
    """Slices of people of whom each needs ``cells`` scores."""
    step = max(1, CHUNK_CELLS // max(1, cells))
    for start in range(0, len(histories), step):
        yield start, min(start + step, len(histories))


def joined(pools: Sequence[Pool]) -> Pool:
    """The people of all ``pools``, one behind the other."""
    sizes = np.cumsum([0, *(len(pool.items) for pool in pools)])
    indptr = np.concatenate(
        [[0], *(pool.indptr[1:] + start for pool, start in zip(pools, sizes[:-1].tolist(), strict=True))]
    )
    return Pool(
        pools[0].models,
        indptr.astype(np.int64),
        np.concatenate([pool.items for pool in pools]),
        np.concatenate([pool.scores for pool in pools]),
        np.concatenate([pool.proposed for pool in pools]),
    )
