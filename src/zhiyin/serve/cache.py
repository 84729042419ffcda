"""Answers that are still true. One person's go when something of theirs changes, all of them when the items do."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Stamp = tuple[int, int]
T = TypeVar("T")


class ListCache(Generic[T]):
    """``put`` takes the stamp that was current before the answer was made: what changed meanwhile is not kept over.

    ``people`` is how many people's answers are kept, the latest asked for; ``seconds`` how long an answer counts, for
    some stages of re-ranking go by the clock."""

    def __init__(self, people: int, seconds: float) -> None:
        self._people, self._seconds = people, seconds
        self._kept: OrderedDict[str | None, dict[Hashable, tuple[float, T]]] = OrderedDict()
        self._versions: dict[str | None, int] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def stamp(self, user_id: str | None) -> Stamp:
        return self._generation, self._versions.get(user_id, 0)

    def get(self, user_id: str | None, key: Hashable) -> T | None:
        own = self._kept.get(user_id)
        found = own.get(key) if own is not None else None
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, user_id: str | None, key: Hashable, answer: T, stamp: Stamp) -> None:
        if not self._people:
            return
        with self._lock:
            if stamp != self.stamp(user_id):
                return
            own = self._kept.setdefault(user_id, {})
            if len(own) >= 32:  # many different questions of one person: the newest are enough
                own.clear()
            own[key] = (time.monotonic() + self._seconds, answer)
            self._kept.move_to_end(user_id)
            while len(self._kept) > self._people:
                self._kept.popitem(last=False)

    def drop(self, user_ids: Iterable[str]) -> None:
        with self._lock:
            for user_id in user_ids:
                self._versions[user_id] = self._versions.get(user_id, 0) + 1
                self._kept.pop(user_id, None)
            if len(self._versions) > 1_000_000:
                self._clear()

    def clear(self) -> None:
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._generation += 1
        self._kept.clear()
        self._versions.clear()
