"""Impressions: which list was shown to whom, where, and with what chance each item stood there.

Lists that were made are noted in the background, some at a time; what the caller confirms, or tells of its own lists,
is written before it is answered (``v1/impressions``).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence

from zhiyin.answers import Recommended
from zhiyin.serve.metrics import IMPRESSIONS_LOST
from zhiyin.serve.writing import WriteQueue
from zhiyin.store.impressions import Impression, Shown

EVERY_SECONDS = 1.0
WAITING = 50_000
"""Lists that may wait to be noted; later ones are lost, and counted."""


def new_id() -> str:
    return uuid.uuid4().hex


def items_of(items: Sequence[Recommended]) -> list[Shown]:
    return [(one.item_id, one.rank, one.propensity) for one in items]


class ShownLists:
    """``wanted`` False notes nothing."""

    def __init__(self, writes: WriteQueue, wanted: bool) -> None:
        self._writes, self._wanted = writes, wanted
        self._waiting: list[Impression] = []
        self._lock = threading.Lock()
        self._flushed = time.monotonic()

    def note(self, shown: Impression) -> None:
        if not self._wanted:
            return
        with self._lock:
            if len(self._waiting) >= WAITING:
                IMPRESSIONS_LOST.inc()
                return
            self._waiting.append(shown)
            due = time.monotonic() - self._flushed > EVERY_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the line of writes. A failure loses it: an answer must not wait for its note."""
        with self._lock:
            some, self._waiting = self._waiting, []
            self._flushed = time.monotonic()
        if not some:
            return
        rows = [
            Impression(
                one.impression_id,
                one.user_id,
                one.surface,
                one.time,
                one.items,
                one.variant,
                one.experiment,
                one.bundle,
            )
            for one in some
        ]

        def failed(done: object) -> None:
            if done.exception() is not None:  # type: ignore[attr-defined]  # a Future
                IMPRESSIONS_LOST.inc(len(some))

        self._writes.put(lambda writer: writer.put_impressions(rows)).add_done_callback(failed)
