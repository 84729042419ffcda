"""What lists are like beside being right: coverage, diversity, novelty, popularity.

``recommended`` is int32 [U, k], -1 where a list is shorter. NaN means "cannot be said" and is left out of means.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.evaluate.metrics import Values
from zhiyin.types import Floats, Histories, Ints

CHUNK_CELLS = 32_000_000
"""Users whose item vectors are held at once."""


def coverage(recommended: Ints, allowed: NDArray[np.bool_]) -> float:
    """Share [0, 1] of the items that may be shown (``allowed``, bool [n]) that at least one list shows; NaN for none.

    Ge, Delgado-Battenfeld and Jannach, RecSys 2010 (catalogue coverage).
    """
    if not allowed.any():
        return float("nan")
    shown = np.unique(recommended[recommended >= 0])
    return float(allowed[shown].sum() / allowed.sum())


def diversity_by_vectors(recommended: Ints, vectors: Floats) -> Values:
    """Per user 1 - mean cosine over the pairs of the list: 0 (all alike) to 2; [U].

    ``vectors`` float32 [n, d] has rows of unit length or of zeros; items with zeros (no text) take part in no pair.
    NaN where fewer than two items are left. Ziegler et al., WWW 2005 (intra-list similarity).
    """
    known: NDArray[np.bool_] = np.any(vectors, axis=1)
    result = np.full(len(recommended), np.nan)
    step = max(1, CHUNK_CELLS // max(1, recommended.shape[1] * vectors.shape[1]))
    for start in range(0, len(recommended), step):
        rows = recommended[start : start + step]
        use = (rows >= 0) & known[rows]
        size = use.sum(axis=1)
        # The cosines of all ordered pairs sum to |sum of the unit vectors|^2 minus one per item.
        total = np.einsum("uk,ukd->ud", use.astype(np.float64), vectors[rows], optimize=True)
        pairs = np.where(size > 1, size * (size - 1), np.nan)
        result[start : start + step] = np.clip(1 - ((total**2).sum(axis=1) - size) / pairs, 0, 2)
    return result


def diversity_by_categories(recommended: Ints, categories: list[list[str]]) -> Values:
    """Per user 1 - mean Jaccard similarity |A & B| / |A | B| of categories over the pairs of the list, in [0, 1]; [U].

    Items without a category take part in no pair; NaN where fewer than two items are left.
    """
    table = _category_table(categories)
    sizes = np.diff(table.indptr)
    total, pairs = np.zeros(len(recommended)), np.zeros(len(recommended))
    for left, right in combinations(range(recommended.shape[1]), 2):
        one, other = recommended[:, left], recommended[:, right]
        rows = np.flatnonzero((one >= 0) & (other >= 0))
        rows = rows[(sizes[one[rows]] > 0) & (sizes[other[rows]] > 0)]
        one, other = one[rows], other[rows]
        shared = np.asarray(table[one].multiply(table[other]).sum(axis=1)).ravel()
        total[rows] += shared / (sizes[one] + sizes[other] - shared)
        pairs[rows] += 1
    return 1 - total / np.where(pairs > 0, pairs, np.nan)


def _category_table(categories: list[list[str]]) -> Any:
    """CSR [n, categories] of ones."""
    distinct = [sorted(set(names)) for names in categories]
    columns = {name: column for column, name in enumerate(sorted({name for names in distinct for name in names}))}
    indptr = np.concatenate(([0], np.cumsum([len(names) for names in distinct])))
    indices = np.array([columns[name] for names in distinct for name in names], dtype=np.int64)
    shape = (len(categories), max(1, len(columns)))
    return sparse.csr_array((np.ones(len(indices)), indices, indptr), shape=shape)


def novelty(recommended: Ints, item_counts: NDArray[np.integer[Any]], users: int) -> Values:
    """Per user the mean of log2(users / count) bits over the list: 0 (everybody knows these) to log2(users); [U].

    ``item_counts`` [n] are the training users of each item, out of ``users``; an item without any counts as one. NaN
    for an empty list. Zhou et al., PNAS 2010 (self-information); Castells, Vargas and Wang, 2011.
    """
    bits = np.log2(max(users, 1) / np.maximum(item_counts, 1))
    return _mean_of(bits, recommended)


def mean_popularity(recommended: Ints, item_counts: NDArray[np.integer[Any]]) -> Values:
    """Per user the mean training count of the list's items (ARP, Yin et al., VLDB 2012); NaN for an empty list; [U]."""
    return _mean_of(item_counts.astype(np.float64), recommended)


def history_popularity(histories: Histories, item_counts: NDArray[np.integer[Any]]) -> Values:
    """Per user the mean training count of the items in their own history; NaN for an empty history; [U]."""
    sums = np.bincount(histories.owners(), weights=item_counts[histories.items], minlength=len(histories))
    return sums / np.where(histories.lengths > 0, histories.lengths, np.nan)


def _mean_of(values: Values, recommended: Ints) -> Values:
    """Mean of an item's value over each list; [U]."""
    shown = recommended >= 0
    size = shown.sum(axis=1)
    total = np.where(shown, values[recommended], 0.0).sum(axis=1) if len(values) else np.zeros(len(recommended))
    return total / np.where(size > 0, size, np.nan)
