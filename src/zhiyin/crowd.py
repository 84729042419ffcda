"""How many people chose an item, lately and together with another: counted once over all events, asked per item."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from zhiyin.config import PreprocessSettings
from zhiyin.explain.evidence import Crowd
from zhiyin.ports import Store
from zhiyin.preprocess.clean import clean
from zhiyin.preprocess.dataset import MICROSECONDS_PER_DAY
from zhiyin.types import NO_TIME, IdMap, Ints, Longs


class Crowds:
    """Who took what, from the events that are stored when it is first asked, cleaned as for training.

    ``days`` is the window of the popularity that is served (None: all time), counted back from the latest event.
    """

    def __init__(self, store: Store, preprocess: PreprocessSettings, items: IdMap, days: float | None) -> None:
        self._store, self._preprocess, self._items = store, preprocess, items
        self._days = days

    @cached_property
    def _taken(self) -> tuple[dict[str, int], Ints, Longs, Longs]:
        """Users by number; the events sorted by item: user of each, its time, and where each item's begin."""
        events, _ = clean(self._store.events(), self._preprocess)
        users = events["user_id"].unique(maintain_order=True).to_list()
        numbers = {user: number for number, user in enumerate(users)}
        item = self._items.rows(events["item_id"].to_list())
        user = np.fromiter((numbers[key] for key in events["user_id"]), dtype=np.int32, count=len(events))
        time: Longs = events["time"].fill_null(NO_TIME).to_numpy().astype(np.int64)
        order = np.argsort(item, kind="stable")
        order = order[item[order] >= 0]
        starts = np.searchsorted(item[order], np.arange(len(self._items) + 1))
        return numbers, user[order], time[order], starts.astype(np.int64)

    @cached_property
    def _window(self) -> tuple[Longs, int | None]:
        """People who took each item within the window, and its days; all time where no event has a time."""
        _, _, times, starts = self._taken
        days = None if self._days is None or not (times != NO_TIME).any() else max(1, round(self._days))
        inside = np.ones(len(times), dtype=np.bool_)
        if days is not None:
            inside = times >= times.max() - days * MICROSECONDS_PER_DAY
        counted = np.concatenate(([0], np.cumsum(inside)))
        return counted[starts[1:]] - counted[starts[:-1]], days

    def about(self, item: int, own: Sequence[int], user_id: str) -> Crowd:
        """Counts for ``item``, alone and with each of the rows ``own``; the person ``user_id`` does not count."""
        numbers, _, _, _ = self._taken
        me = numbers.get(user_id, -1)
        counts, days = self._window
        these = self._takers(item, me)
        together = {}
        for row in own:
            those = self._takers(row, me)
            together[row] = (len(np.intersect1d(these, those, assume_unique=True)), len(those))
        count = int(counts[item])
        return Crowd(together, count, int((counts > count).sum()) + 1, days)

    def _takers(self, item: int, me: int) -> Ints:
        _, users, _, starts = self._taken
        found: Ints = users[starts[item] : starts[item + 1]]
        others: Ints = found[found != me]
        return others
