"""Histories kept between requests, as long as the store still holds the events they were made from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zhiyin.types import Histories

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

MOST_EVENTS = 1_000_000
"""Events of all kept histories together: 20 MB, and as much again for many short ones."""
MOST_PEOPLE = 20_000

Mark = tuple[int, int, int]


@dataclass(frozen=True)
class Known:
    """``history`` has one row; ``turned_down`` are items that the person had an event with that shows no interest."""

    history: Histories
    turned_down: tuple[str, ...] = ()


class KeptHistories:
    """``read`` makes out what is known of some people, and names those of whom time alone will change it (an event is
    stamped with a time to come), which is not kept. Whether something kept still holds is asked of the store each time,
    from an index: a tenth of what reading and cleaning the events takes."""

    def __init__(
        self, store: SqlStore, read: Callable[[Sequence[str]], tuple[dict[str, Known], Collection[str]]]
    ) -> None:
        self._store, self._read = store, read
        self._kept: OrderedDict[str, tuple[Mark, Known]] = OrderedDict()
        self._events = 0
        self._lock = threading.Lock()

    def of(self, user_ids: Sequence[str]) -> dict[str, Known]:
        """What is known of each of ``user_ids`` (each once), in that order."""
        # Before the events: what arrives in between is read now, and read again next time.
        marks = self._store.event_marks(user_ids)
        found = {user: one for user in user_ids if (one := self._still(user, marks.get(user))) is not None}
        missing = [user for user in user_ids if user not in found]
        if missing:
            read, passing = self._read(missing)
            found |= read
            for user in missing:
                if user in marks and user not in passing:
                    self._keep(user, marks[user], read[user])
        return {user: found[user] for user in user_ids}

    def forget(self, user_ids: Iterable[str]) -> None:
        """Let go of what is kept of them."""
        with self._lock:
            for user in user_ids:
                self._drop(user)

    def _still(self, user: str, mark: Mark | None) -> Known | None:
        with self._lock:
            kept = self._kept.get(user)
            if kept is None:
                return None
            if kept[0] != mark:
                self._drop(user)
                return None
            self._kept.move_to_end(user)
            return kept[1]

    def _keep(self, user: str, mark: Mark, known: Known) -> None:
        own = known.history
        # A copy: a slice would hold on to all that was read beside it.
        copy = Histories(own.indptr.copy(), own.items.copy(), own.weights.copy(), own.times.copy(), own.users.copy())
        with self._lock:
            self._drop(user)
            self._kept[user] = mark, replace(known, history=copy)
            self._events += len(own.items)
            while self._events > MOST_EVENTS or len(self._kept) > MOST_PEOPLE:
                self._drop(next(iter(self._kept)))

    def _drop(self, user: str) -> None:
        kept = self._kept.pop(user, None)
        if kept is not None:
            self._events -= len(kept[1].history.items)


def together(parts: Sequence[Histories]) -> Histories:
    """The people of all ``parts``, one behind the other."""
    if not parts:
        return Histories.of([])
    lengths = np.concatenate([one.lengths for one in parts])
    return Histories(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.concatenate([one.items for one in parts]),
        np.concatenate([one.weights for one in parts]),
        np.concatenate([one.times for one in parts]),
        np.concatenate([one.users for one in parts]),
    )
