"""What a process does beside answering: notices edited pipeline files, and retrains where the lease is its."""

from __future__ import annotations

import gc
import threading
import time
import uuid
from typing import Self

from zhiyin.errors import ZhiyinError
from zhiyin.pipeline import FOLDER
from zhiyin.serve.logs import log
from zhiyin.serve.retraining import Retraining
from zhiyin.serve.tenants import Tenant, Tenants

LOOK_SECONDS = 1.0
TIDYING = "tidying"
TIDY_SECONDS = 86_400.0
DAY = 86_400_000_000
"""Microseconds."""


class Supervisor:
    """A thread for all open tenants, from ``with`` to its end."""

    def __init__(self, tenants: Tenants, retraining: Retraining) -> None:
        self._tenants, self._retraining = tenants, retraining
        self._leaving = threading.Event()
        self._holder = uuid.uuid4().hex
        self._tidied: dict[str, float] = {}
        self._files: dict[str, dict[str, int]] = {}
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()
        self._retraining.close()

    def _run(self) -> None:
        while not self._leaving.wait(LOOK_SECONDS):
            for tenant in self._tenants.opened():
                try:
                    self._pipelines(tenant)
                    tenant.live.shown.flush()
                    if tenant.live.swapped:
                        tenant.live.swapped = False
                        self._let_go()
                    self._retraining.look(tenant, time.monotonic())
                    self._tidy(tenant)
                except ZhiyinError as refused:
                    log.warning("supervisor", tenant=tenant.name, error=refused.line)
                except Exception:
                    log.exception("supervisor_failed", tenant=tenant.name)

    def _let_go(self) -> None:
        """Free engines that were put aside: they and what they are made of know each other, so nobody else does. What
        lives then lives long; it is set apart, since looking through all of it again made everybody wait every few
        seconds."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _pipelines(self, tenant: Tenant) -> None:
        """Edited pipeline files count at once; where one is wrong that is logged, and the old ones stay."""
        now = {path.name: path.stat().st_mtime_ns for path in (tenant.project / FOLDER).glob("*.toml")}
        before = self._files.setdefault(tenant.name, now)
        if now == before:
            return
        self._files[tenant.name] = now
        tenant.live.renew()
        log.info("pipelines_changed", tenant=tenant.name)

    def _tidy(self, tenant: Tenant) -> None:
        """Once a day, by one process of all: what was noted of changes goes, and lists shown long ago."""
        now = time.time_ns() // 1000
        if time.monotonic() < self._tidied.get(tenant.name, 0.0) + TIDY_SECONDS:
            return
        self._tidied[tenant.name] = time.monotonic()
        if tenant.store.leases.acquire(TIDYING, self._holder, TIDY_SECONDS, now):
            tenant.store.erasures.prune_changes(now - DAY)
            tenant.store.impressions.prune(now - tenant.settings.serve.impression_days * DAY)
            tenant.store.scrub()
