"""Names that open many titles of a catalogue, kept for a while: they change slowly and cost a look at every title."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from zhiyin.understand.items.attributes import leading_names

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

SECONDS = 600.0
"""After that they are read anew."""

_kept: WeakKeyDictionary[SqlStore, tuple[float, frozenset[str]]] = WeakKeyDictionary()
_lock = threading.Lock()


def brands_of(store: SqlStore) -> frozenset[str]:
    with _lock:
        found = _kept.get(store)
        if found is None or time.monotonic() - found[0] > SECONDS:
            titles = [title or "" for title in store.items()["title"].to_list()]
            found = _kept[store] = (time.monotonic(), leading_names(titles))
        return found[1]
