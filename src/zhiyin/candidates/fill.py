"""A model and what stands in for it: lists the model leaves short are filled with popular items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Recommender
from zhiyin.types import Floats, Histories, Ints

CHUNK_CELLS = 16_000_000


class Filled:
    """Answers like a model; ``model`` first, then ``filler`` (popularity) for cold users and short lists."""

    def __init__(self, model: Recommender, filler: Recommender) -> None:
        self.model = model
        self.filler = filler

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """As ``Recommender.top_k``. Filled items keep their order of popularity, with scores below the model's own."""
        width = min(k, max(self.model.n_items, self.filler.n_items, 1))
        rows, scores = self._ask(self.model, histories, width, exclude_seen, allowed)
        short = np.flatnonzero(rows[:, -1] < 0) if len(rows) else np.empty(0, dtype=np.int64)
        step = max(1, CHUNK_CELLS // max(2 * width, self.filler.n_items))
        for start in range(0, len(short), step):
            users = short[start : start + step]
            extra, weight = self._ask(self.filler, histories.take(users), 2 * width, exclude_seen, allowed)
            _fill(rows, scores, users, extra, weight)
        if width < k:
            rows = np.pad(rows, ((0, 0), (0, k - width)), constant_values=-1)
            scores = np.pad(scores, ((0, 0), (0, k - width)), constant_values=-np.inf)
        return rows, scores

    @staticmethod
    def _ask(
        model: Recommender, histories: Histories, k: int, exclude_seen: bool, allowed: NDArray[np.bool_] | None
    ) -> tuple[Ints, Floats]:
        """Ask one of the two about what it knows: items of later rows came after its training."""
        mask = None if allowed is None else allowed[: model.n_items]
        return model.top_k(known_to(histories, model.n_items), k, exclude_seen=exclude_seen, allowed=mask)


def known_to(histories: Histories, n_items: int) -> Histories:
    """The histories without items beyond row ``n_items`` (newcomers a model does not know)."""
    kept = histories.items < n_items
    if kept.all():
        return histories
    counts = np.bincount(histories.owners()[kept], minlength=len(histories))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, histories.items[kept], histories.weights[kept], histories.times[kept], histories.users)


def _fill(rows: Ints, scores: Floats, users: NDArray[np.int64], extra: Ints, weight: Floats) -> None:
    """Write ``extra`` [len(users), 2k] behind what ``rows`` [B, k] already holds for ``users``, without repeats."""
    own = rows[users]
    k = own.shape[1]
    held = (own >= 0).sum(axis=1)
    # The last column is for what is no item.
    taken = np.zeros((len(users), max(own.max(initial=-1), extra.max(initial=-1)) + 2), dtype=np.bool_)
    people = np.arange(len(users))[:, None]
    taken[people, own] = True
    fresh = (extra >= 0) & ~taken[people, extra]
    order = np.argsort(~fresh, axis=1, kind="stable")[:, :k]
    candidates = np.where(np.take_along_axis(fresh, order, axis=1), np.take_along_axis(extra, order, axis=1), -1)
    # What is not fresh does not count, or scores would depend on how many were asked for.
    popularity = np.where(candidates >= 0, np.take_along_axis(weight, order, axis=1), 0)
    top = np.maximum(popularity.max(axis=1, initial=0), np.finfo(np.float32).tiny)[:, None]
    last = np.where(held > 0, scores[users, np.maximum(held - 1, 0)], 2.0)
    place = np.arange(k)[None, :] - held[:, None]
    free = place >= 0
    source = np.maximum(place, 0)
    rows[users] = np.where(free, np.take_along_axis(candidates, source, axis=1), own)
    below = (last[:, None] - 2 + np.take_along_axis(popularity, source, axis=1) / top).astype(np.float32)
    filled = np.where(free, below, scores[users])
    scores[users] = np.where(rows[users] >= 0, filled, -np.inf)
