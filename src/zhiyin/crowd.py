"""How many people chose an item, lately and together with another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from zhiyin.config import PreprocessSettings
from zhiyin.explain.evidence import Crowd
from zhiyin.ports import Store
from zhiyin.preprocess.clean import clean
from zhiyin.preprocess.dataset import MICROSECONDS_PER_DAY, histories_of
from zhiyin.types import NO_TIME, Histories, IdMap, Ints, Longs


class Crowds:
    """Who took what, counted over ``histories`` (one row for each of ``users``, rows of ``n_items`` items).

    ``days`` is the window of recent popularity, counted back from the latest event; None, or events without a time,
    count all. A history holds an item once.
    """

    def __init__(self, users: IdMap, histories: Histories, n_items: int, days: float | None) -> None:
        self.users = users
        order = np.argsort(histories.items, kind="stable")
        self._takers: Ints = histories.owners()[order]
        self._times: Longs = histories.times[order]
        self._starts: Longs = np.searchsorted(histories.items[order], np.arange(n_items + 1)).astype(np.int64)
        dated = bool((self._times != NO_TIME).any())
        self.days = max(1, round(days)) if days is not None and dated else None

    @cached_property
    def _recent(self) -> Longs:
        """People who took each item within the window, int64 [n_items]."""
        inside = np.ones(len(self._times), dtype=np.bool_)
        if self.days is not None:
            inside = self._times >= self._times.max() - self.days * MICROSECONDS_PER_DAY
        counted = np.concatenate(([0], np.cumsum(inside)))
        recent: Longs = counted[self._starts[1:]] - counted[self._starts[:-1]]
        return recent

    def about(self, item: int, own: Sequence[int], user_id: str) -> Crowd:
        """Counts for ``item``, alone and with each of the rows ``own``; the person ``user_id`` does not count in the
        latter."""
        me = self.users.row(user_id)
        these = self._others(item, me)
        together = {}
        for row in own:
            those = self._others(row, me)
            together[row] = (len(np.intersect1d(these, those)), len(those))
        count = int(self._recent[item])
        return Crowd(together, count, int((self._recent > count).sum()) + 1, self.days)

    def _others(self, item: int, me: int) -> Ints:
        found = self._takers[self._starts[item] : self._starts[item + 1]]
        others: Ints = found[found != me]
        return others


def crowds_of(store: Store, preprocess: PreprocessSettings, items: IdMap, days: float | None) -> Crowds:
    """Counted from every event in ``store``, cleaned as for training."""
    events, _ = clean(store.events(), preprocess)
    users = IdMap(events["user_id"].unique().sort().to_list())
    return Crowds(users, histories_of(events, items, users.ids), len(items), days)
