"""How alike the items at the head of many lists are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zhiyin.rerank.items import Items
from zhiyin.types import Floats

By = Literal["auto", "vectors", "categories"]
Pools = NDArray[np.int32]
"""Item rows [B, P], -1 where a list is shorter."""


def similarities(pools: Pools, items: Items, by: By) -> Floats:
    """Cosines within each pool, float32 [B, P, P], 1 on the diagonal, positive semi-definite: of text vectors, or of
    categories (where ``by`` says so, or ``auto`` finds no vectors).

    An item of which nothing is known is as like the others as the pool's mean item is, so that it gains nothing by it.
    Places of -1 are like nothing.
    """
    table = by == "vectors" or (by == "auto" and items.has_vectors)
    result = np.stack([_from_vectors(pool, items) if table else _from_categories(pool, items) for pool in pools])
    place = np.arange(pools.shape[1])
    result[:, place, place] = 1.0
    return result


def _from_vectors(pool: Pools, items: Items) -> Floats:
    if items.vectors is None:
        return np.zeros((len(pool), len(pool)), dtype=np.float32)
    rows = items.vectors[pool]
    rows[pool < 0] = 0.0
    known = rows.any(axis=1)
    if not known.all() and known.any():
        rows[(pool >= 0) & ~known] = rows[known].mean(axis=0)
    found: Floats = rows @ rows.T
    return found


def _from_categories(pool: Pools, items: Items) -> Floats:
    rows = items.category_table[np.maximum(pool, 0)]
    found: Floats = (rows @ rows.T).toarray().astype(np.float32)
    sizes = np.diff(rows.indptr)
    known = (pool >= 0) & (sizes > 0)
    bare = np.flatnonzero((pool >= 0) & (sizes == 0))
    found[pool < 0] = 0.0
    found[:, pool < 0] = 0.0
    if len(bare) and known.any():
        # The mean of the known rows stands for those without: its products are means of products.
        mean = found[known].mean(axis=0)
        found[bare] = mean
        found[:, bare] = mean[:, None]
        found[np.ix_(bare, bare)] = mean[known].mean()
    return found


def heads(lists: Sequence[NDArray[np.int32]], width: int) -> Pools:
    """The first ``width`` rows of each list, padded with -1."""
    pools = np.full((len(lists), width), -1, dtype=np.int32)
    for place, rows in enumerate(lists):
        pools[place, : len(rows[:width])] = rows[:width]
    return pools
