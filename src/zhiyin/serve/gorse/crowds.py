"""The crowd of each tenant, counted again now and then: a count of all events is too much for every request."""

from __future__ import annotations

import threading
import time
from weakref import WeakKeyDictionary

from zhiyin.config import Settings
from zhiyin.crowd_lists import Crowd
from zhiyin.serve.tenants import Tenant
from zhiyin.store.sql import SqlStore

SECONDS = 10.0
"""How long a count stands, at the least; Gorse's caches go by the same."""
SHARE = 0.05
"""... and so much longer that counting takes no more than this part of the time."""


class Counted:
    """One tenant's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._crowd: Crowd | None = None
        self._popular: dict[str, list[tuple[str, float]]] = {}
        self._until = 0.0
        self._token: object = None

    def crowd(self, store: SqlStore) -> Crowd:
        with self._lock:
            if self._crowd is None or (time.monotonic() > self._until and store.changes.stale(self._token)):  # type: ignore[arg-type]
                began = time.monotonic()
                self._token = store.changes.token()
                models = self._settings.models
                now = time.time_ns() // 1000
                self._crowd = Crowd(store.events(), store.item_ids(), self._settings.preprocess, models, now)
                self._popular = {}
                took = time.monotonic() - began
                self._until = time.monotonic() + max(SECONDS, took / SHARE)
            return self._crowd

    def ranked(self, store: SqlStore, name: str) -> list[tuple[str, float]]:
        """Every item of the list ``name`` (popular or trending) with its score, best first."""
        crowd = self.crowd(store)
        found = self._popular.get(name)
        if found is None:
            found = self._popular[name] = crowd.popular() if name == "popular" else crowd.trending()
        return found


_counted: WeakKeyDictionary[Tenant, Counted] = WeakKeyDictionary()


def counted(tenant: Tenant) -> Counted:
    return _counted.setdefault(tenant, Counted(tenant.settings))
