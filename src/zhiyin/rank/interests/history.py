"""h(u): the decayed mean of h(c) over a history, after every event of it or after the last one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from zhiyin.types import NO_TIME, Floats, Histories, Longs

DAY = 86_400_000_000
"""Microseconds."""
LEAST = 1e-6
"""Weights do not fall below this share, so a history never weighs nothing."""


def event_weights(histories: Histories, decay: float, half_life_days: float | None) -> Floats:
    """Weight of each event when asked: its own, times ``decay`` for every event that came after it in the history, and
    halved for every ``half_life_days`` between it and the latest dated event of the history. Float32 [events]."""
    factor = np.power(decay, histories.steps_ago(), dtype=np.float64)
    if half_life_days is not None and len(histories.items):
        owners, dated = histories.owners(), histories.times != NO_TIME
        latest = np.full(len(histories), NO_TIME, dtype=np.int64)
        oldest = np.full(len(histories), np.iinfo(np.int64).max, dtype=np.int64)
        np.maximum.at(latest, owners[dated], histories.times[dated])
        np.minimum.at(oldest, owners[dated], histories.times[dated])
        some = latest[owners] != NO_TIME
        # Events without a time come first, so they are as old as the first that has one.
        times = np.where(dated, histories.times, oldest[owners])
        factor *= np.exp2(-np.where(some, latest[owners] - times, 0) / DAY / half_life_days)
    return (histories.weights * np.maximum(factor, LEAST)).astype(np.float32)


def mean_of(histories: Histories, weights: Floats, items: Floats) -> Floats:
    """Weighted mean of the rows ``items`` [n, d] over each history: float32 [B, d], zeros for an empty one."""
    total = np.bincount(histories.owners(), weights=weights, minlength=len(histories))
    shares = (weights / np.maximum(total, np.finfo(np.float32).tiny)[histories.owners()]).astype(np.float32)
    picks = sparse.csr_array((shares, histories.items, histories.indptr), shape=(len(histories), len(items)))
    return np.asarray(picks @ items, dtype=np.float32)


def before_each(
    histories: Histories, wanted: Longs, items: Floats, decay: float, half_life_days: float | None
) -> Floats:
    """h(u) as it stood before each event of ``wanted`` (places in ``histories.items``, ascending): [wanted, d].

    The same numbers as ``mean_of`` on the history cut there, by one step for each event of the longest history.
    """
    out = np.zeros((len(wanted), items.shape[1]), dtype=np.float32)
    place_of = np.full(len(histories.items), -1, dtype=np.int64)
    place_of[wanted] = np.arange(len(wanted))
    asked = np.unique(np.searchsorted(histories.indptr, wanted, side="right") - 1)
    for users in _blocks(asked, items.shape[1]):
        _walk(histories, users, place_of, items, decay, half_life_days, out)
    return out


def _blocks(users: Longs, width: int) -> Iterator[Longs]:
    step = max(1, 16_000_000 // max(1, width))
    for start in range(0, len(users), step):
        yield users[start : start + step]


def _walk(
    histories: Histories,
    users: Longs,
    place_of: Longs,
    items: Floats,
    decay: float,
    half_life_days: float | None,
    out: Floats,
) -> None:
    """Add the events of ``users`` one step at a time, noting the mean before those that are wanted."""
    users = users[np.argsort(-histories.lengths[users], kind="stable")]
    starts, lengths = histories.indptr[users], histories.lengths[users]
    sums = np.zeros((len(users), items.shape[1]), dtype=np.float32)
    mass = np.zeros(len(users), dtype=np.float32)
    latest = np.full(len(users), NO_TIME, dtype=np.int64)
    for step in range(int(lengths.max(initial=0))):
        left = int(np.searchsorted(-lengths, -step, side="left"))
        places = starts[:left] + step
        noted = place_of[places]
        some = np.flatnonzero((noted >= 0) & (mass[:left] > 0))
        out[noted[some]] = sums[some] / mass[some, None]
        times, weights = histories.times[places], histories.weights[places]
        fade = np.full(left, decay, dtype=np.float64)
        if half_life_days is not None:
            before = latest[:left]
            gaps = np.where((before != NO_TIME) & (times != NO_TIME), times - before, 0)
            fade *= np.exp2(-np.maximum(gaps, 0) / DAY / half_life_days)
            latest[:left] = np.maximum(latest[:left], times)
        # The mean does not change when sums and mass are scaled alike; a floor keeps both above 0.
        fade = np.maximum(fade, LEAST).astype(np.float32)
        sums[:left] *= fade[:, None]
        sums[:left] += weights[:, None] * items[histories.items[places]]
        mass[:left] = mass[:left] * fade + weights
