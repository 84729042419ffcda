"""What a process does beside answering: notices edited pipeline files, and retrains where the lease is its."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Self

from zhiyin.errors import ZhiyinError
from zhiyin.pipeline import FOLDER, Pipeline
from zhiyin.serve.logs import log
from zhiyin.serve.retraining import Retraining
from zhiyin.serve.tenants import Tenant, Tenants

LOOK_SECONDS = 1.0


class Supervisor:
    """A thread for all open tenants, from ``with`` to its end."""

    def __init__(self, tenants: Tenants, retraining: Retraining) -> None:
        self._tenants, self._retraining = tenants, retraining
        self._leaving = threading.Event()
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
                    self._retraining.look(tenant, time.monotonic())
                except ZhiyinError as refused:
                    log.warning("supervisor", tenant=tenant.name, error=refused.line)
                except Exception:
                    log.exception("supervisor_failed", tenant=tenant.name)

    def _pipelines(self, tenant: Tenant) -> None:
        """Edited pipeline files count at once; one that is wrong is said, and the old one stays."""
        now = {path.name: path.stat().st_mtime_ns for path in (tenant.project / FOLDER).glob("*.toml")}
        before = self._files.setdefault(tenant.name, now)
        if now == before:
            return
        self._files[tenant.name] = now
        if all(_readable(tenant.project / FOLDER / name) for name in now):
            tenant.live.renew()
            log.info("pipelines_read_again", tenant=tenant.name)


def _readable(path: Path) -> bool:
    try:
        Pipeline.load(path)
    except ZhiyinError as wrong:
        log.error("pipeline_refused", error=wrong.line)
        return False
    return True
