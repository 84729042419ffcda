"""Training while serving: in a process of its own, when events say that it is time, by one of all that serve.

The training decides by itself whether its result is served (``gated``); this service, like the others over the same
store, notices and swaps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from zhiyin.errors import UsageError
from zhiyin.serve.logs import log
from zhiyin.serve.metrics import TRAININGS
from zhiyin.serve.tenants import Tenant
from zhiyin.store.sql import SqlStore

LEASE = "training"
LEASE_SECONDS = 30.0
"""A service that is gone holds up training for so long."""
COMMAND = "from zhiyin.cli import main; main()"
NICE = 10
"""Training gives way to answering."""


@dataclass
class Running:
    """A training under way, started by this process."""

    reason: str
    since: float
    process: subprocess.Popen[str]
    said: IO[str]
    failed: IO[str]
    renewed: float = field(default=0.0)

    def close(self) -> None:
        self.said.close()
        self.failed.close()


class Retraining:
    """``audit`` is the root project's store, where it is written down what came of each training."""

    def __init__(self, audit: SqlStore) -> None:
        self._audit = audit
        self._holder = uuid.uuid4().hex
        self._running: dict[str, Running] = {}
        self._looked: dict[str, float] = {}
        self._lock = threading.Lock()

    def look(self, tenant: Tenant, now: float) -> None:
        """See to the training that runs, or start one where it is time. ``now`` is in seconds of a steady clock."""
        run = self._running.get(tenant.name)
        if run is not None:
            if run.process.poll() is not None:
                self._ended(tenant, run)
            elif now - run.renewed > LEASE_SECONDS / 3:
                run.renewed = now
                tenant.store.leases.renew(LEASE, self._holder, LEASE_SECONDS, _micros())
            return
        if now - self._looked.get(tenant.name, 0.0) < tenant.settings.retrain.check_seconds:
            return
        self._looked[tenant.name] = now
        from zhiyin.retraining_due import due  # what training takes is not loaded to answer

        reason = due(tenant.store, tenant.settings)
        if reason is not None:
            with suppress(UsageError):  # another process is at it
                self.start(tenant, reason)

    def start(self, tenant: Tenant, reason: str, *, search: bool = True) -> None:
        """Raises UsageError while a training runs."""
        with self._lock:
            taken = tenant.store.leases.acquire(LEASE, self._holder, LEASE_SECONDS, _micros())
            if not taken or tenant.name in self._running:
                raise UsageError("a training runs already", where=tenant.name, fix="wait for it, or stop it")
            words = ["train", "--if-better", "--quiet", "--format", "json", "--project", str(tenant.project)]
            words += [] if search else ["--no-search"]
            # Closed by whoever sees the end of it.
            said, failed = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")  # noqa: SIM115
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=failed,
                text=True,
                start_new_session=True,
            )
            with suppress(ProcessLookupError, PermissionError):
                os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            self._running[tenant.name] = Running(reason, time.time(), process, said, failed)
        log.info("training_started", tenant=tenant.name, reason=reason)

    def stop(self, tenant: Tenant) -> bool:
        """Stop the training that this process started; whether there was one. What is served stays."""
        run = self._running.get(tenant.name)
        if run is None:
            return False
        run.process.terminate()
        run.process.wait()
        self._ended(tenant, run)
        return True

    def state(self, tenant: Tenant) -> dict[str, Any]:
        """Whether one runs, here or in another process, and what came of the last."""
        run = self._running.get(tenant.name)
        last = next((one for one in self._audit.audit.latest(500, tenant=tenant.name) if one.action == "train"), None)
        return {
            "running": run is not None or tenant.store.leases.held(LEASE, _micros()),
            "reason": run.reason if run else None,
            "since": round(run.since * 1e6) if run else None,
            "last": None if last is None else last.detail | {"time": last.time},
        }

    def close(self) -> None:
        """Stop what runs; what it has done is lost, what is served stays."""
        for run in self._running.values():
            run.process.terminate()
            run.process.wait()
            run.close()
        self._running.clear()

    def _ended(self, tenant: Tenant, run: Running) -> None:
        with self._lock:
            if self._running.pop(tenant.name, None) is None:
                return
        tenant.store.leases.release(LEASE, self._holder)
        run.said.seek(0)
        run.failed.seek(0)
        if run.process.returncode == 0:
            told: dict[str, Any] = json.loads(run.said.read())
            outcome = "promoted" if told["promoted"] else "kept"
        else:
            lines = run.failed.read().strip().splitlines() or [f"exit code {run.process.returncode}"]
            outcome, told = "failed", {"reason": lines[-1]}
        run.close()
        TRAININGS.labels(outcome).inc()
        detail = {"outcome": outcome, "started_for": run.reason, **told}
        self._audit.audit.add("train", tenant=tenant.name, time=_micros(), detail=detail)
        log.info("training_ended", tenant=tenant.name, outcome=outcome, reason=told["reason"])


def _micros() -> int:
    return time.time_ns() // 1000
