"""Training while serving: in a process of its own, where the events say it is time, by one process of all."""

from __future__ import annotations

from pathlib import Path

from zhiyin.serve.tenants import Tenant


class Retraining:
    def __init__(self, root: Path) -> None:
        self._root = root

    def look(self, tenant: Tenant, now: float) -> None:
        """Start a training, or see to the one that runs."""

    def close(self) -> None:
        """Stop the training that runs; what it has done is lost, what is served stays."""
