"""Tenants: each is a project folder of its own, with its own store, bundles and pipelines. Nothing is shared, so
nothing can be mixed up.

The project that is served is the tenant ``default``; tenant NAME lives in its folder ``tenants/NAME``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from zhiyin.config import FILE_NAME, Settings, load_settings
from zhiyin.errors import NotThere
from zhiyin.serve.folders import DEFAULT, folder_of, names, refuse_shared
from zhiyin.serve.lanes import Lanes
from zhiyin.serve.lists import Lists
from zhiyin.serve.live import Live
from zhiyin.serve.writing import WriteQueue
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

T = TypeVar("T")

READERS = 8
"""Threads of one process that read stores."""


class Tenant:
    """One project, open: ``store``, ``live`` (the engine and what follows events), and a line of writes."""

    def __init__(self, name: str, project: Path, readers: ThreadPoolExecutor) -> None:
        """Raises ConfigError, StoreError."""
        self.name, self.project = name, project
        self.settings: Settings = load_settings(project)
        self.store: SqlStore = open_store(self.settings.store.url, project)
        self._readers = readers
        self._lanes = Lanes(name)
        self._writes = WriteQueue(self.store, name)
        self.live = Live(self.store, project, self.settings, self._writes)
        self.lists = Lists(self.live, self.settings.serve.deadline_seconds)

    async def write(self, job: Callable[[Writer], T]) -> T:
        """What ``job`` gives; what it wrote is durable by then. See ``WriteQueue.write``."""
        return await self._writes.write(job)

    async def read(self, job: Callable[[SqlStore], T]) -> T:
        """What ``job`` reads, in a thread that all tenants share: for what takes no more than moments."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, job, self.store)

    async def slow(self, job: Callable[[SqlStore], T]) -> T:
        """What ``job`` gives, in one of this tenant's few threads for what takes seconds. See ``Lanes``."""
        return await self._lanes.slow(lambda: job(self.store))

    async def alone(self, what: str, job: Callable[[SqlStore], T]) -> T:
        """What ``job`` gives, in this tenant's thread for what has no end one could foresee. Raises Conflict while
        another is at work there; ``what`` names it."""
        return await self._lanes.alone(what, lambda: job(self.store))

    def close(self) -> None:
        self._lanes.close()
        self.live.close()
        self._writes.close()
        self.store.close()


class Tenants:
    """Opened when first asked for, closed together."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
        self._open: dict[str, Tenant] = {}
        self._stores: dict[str, str] = {}
        self._lock = threading.Lock()
        self.default = self.get(DEFAULT)

    def at_hand(self, name: str) -> Tenant | None:
        """The tenant where it is open already."""
        return self._open.get(name)

    def get(self, name: str) -> Tenant:
        """Raises NotThere for a tenant without a project, ConfigError where two would share a store, StoreError."""
        found = self._open.get(name)
        if found is not None:
            return found
        with self._lock:
            if name not in self._open:
                project = folder_of(self.root, name)
                if not (project / FILE_NAME).is_file():
                    fix = "see 'zhiyin tenants list'; a key may outlive its tenant"
                    raise NotThere(f"no tenant '{name}'", fix=fix)
                url = load_settings(project).store.url
                self._stores[name] = refuse_shared(name, project, url, self._stores)
                self._open[name] = Tenant(name, project, self._readers)
            return self._open[name]

    def names(self) -> list[str]:
        return names(self.root)

    def opened(self) -> list[Tenant]:
        return list(self._open.values())

    def close(self) -> None:
        for tenant in self.opened():
            tenant.close()
        self._readers.shutdown()
