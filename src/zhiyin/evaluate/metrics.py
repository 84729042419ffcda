"""Accuracy of ranked lists, per user.

Throughout, ``recommended`` is int32 [U, K], best first, -1 where a list is shorter; ``targets`` holds what the U users
went on to choose, R of them for one user. Relevance is binary. A user without targets gets NaN, which means leave out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import DataError, UsageError
from zhiyin.types import Histories, Ints

Values = NDArray[np.float64]
ACCURACY = ("HR", "NDCG", "Recall", "Precision", "MRR", "MAP")


def hits(recommended: Ints, targets: Histories) -> NDArray[np.bool_]:
    """Bool [U, K]: is this item among the user's targets? -1 never is.

    Raises DataError where a list names an item twice, since it would be counted twice.
    """
    if len(recommended) != len(targets):
        raise UsageError(f"{len(recommended)} lists for {len(targets)} users", fix="give one list for each user")
    ordered = np.sort(recommended, axis=1)
    if ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any():
        raise DataError("a list recommends the same item twice", fix="make each list's items distinct")
    width = int(max(recommended.max(initial=-1), targets.items.max(initial=-1))) + 1
    offset = np.arange(len(recommended), dtype=np.int64)[:, None] * width
    wanted = targets.owners().astype(np.int64) * width + targets.items
    return np.isin(recommended + offset, wanted) & (recommended >= 0)


def accuracy(recommended: Ints, targets: Histories, ks: Sequence[int]) -> dict[str, Values]:
    """Every measure of ``ACCURACY`` at every k, float64 [U] each, under "HR@10" and so on; all lie in [0, 1]."""
    check_ks(recommended, ks)
    hit = hits(recommended, targets)
    wanted = targets.lengths.astype(np.float64)
    wanted[wanted == 0] = np.nan
    values: dict[str, Values] = {}
    for k in ks:
        first = hit[:, :k]
        measured = (
            hit_rate(first, wanted),
            ndcg(first, wanted),
            recall(first, wanted),
            precision(first, wanted),
            reciprocal_rank(first, wanted),
            average_precision(first, wanted),
        )
        values |= {f"{name}@{k}": value for name, value in zip(ACCURACY, measured, strict=True)}
    return values


def check_ks(recommended: Ints, ks: Sequence[int]) -> None:
    """Raise UsageError where a k is below 1 or above the length K of the lists."""
    for k in ks:
        if not 1 <= k <= recommended.shape[1]:
            raise UsageError(
                f"cannot measure the first {k} of {recommended.shape[1]} items", fix="ask for longer lists"
            )


# Below, ``hit`` is bool [U, k] and ``wanted`` float64 [U] the number of targets R, NaN for none.


def hit_rate(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """1 where at least one of the k is a target, else 0. (ir-measures: Success@k.)"""
    return np.where(np.isnan(wanted), np.nan, hit.any(axis=1).astype(np.float64))


def ndcg(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """DCG / ideal DCG: DCG sums 1 / log2(rank + 1) over the hits; the ideal list has min(k, R) hits in front.

    Järvelin and Kekäläinen, ACM TOIS 2002, in the log2(rank + 1) form. (ir-measures: nDCG@k.)
    """
    gain = 1 / np.log2(np.arange(2, hit.shape[1] + 2))
    ideal = np.cumsum(gain)[np.minimum(np.nan_to_num(wanted, nan=1), hit.shape[1]).astype(np.int64) - 1]
    result: Values = np.where(np.isnan(wanted), np.nan, hit @ gain / ideal)
    return result


def recall(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """Hits / R. With R > k it cannot reach 1. (ir-measures: R@k.)"""
    found: Values = hit.sum(axis=1).astype(np.float64)
    return found / wanted


def precision(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """Hits / k, also where the list is shorter than k. (ir-measures: P@k.)"""
    return np.where(np.isnan(wanted), np.nan, hit.sum(axis=1) / hit.shape[1])


def reciprocal_rank(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """1 / rank of the first hit, 0 without one; its mean is MRR. (ir-measures: RR@k.)"""
    return np.where(np.isnan(wanted), np.nan, np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1), 0.0))


def average_precision(hit: NDArray[np.bool_], wanted: Values) -> Values:
    """Sum over the hits of (precision at the hit's rank) / min(k, R); its mean is MAP.

    min(k, R) lets a perfect list of k reach 1. trec_eval and ir-measures (AP@k) divide by R instead: their figure is
    this one times min(k, R) / R.
    """
    ranks = np.arange(1, hit.shape[1] + 1)
    total: Values = (np.cumsum(hit, axis=1) / ranks * hit).sum(axis=1)
    return total / np.minimum(wanted, hit.shape[1])
