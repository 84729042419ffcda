"""Which variant of a running experiment somebody gets. The same everywhere: it is a matter of names alone."""

from __future__ import annotations

from dataclasses import dataclass

from zhiyin.errors import ConfigError
from zhiyin.feedback.experiments import Experiment, make_experiment
from zhiyin.serve.logs import log
from zhiyin.store.sql import SqlStore

RUNNING = "running"


@dataclass(frozen=True)
class Assigned:
    """The variant of an experiment that somebody belongs to: a pipeline in place of the surface's own."""

    experiment: str
    variant: str
    pipeline: str


class Variants:
    """Experiments are read again once ``changed`` was called."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._running: list[tuple[str, Experiment]] | None = None

    def changed(self) -> None:
        self._running = None

    def of(self, user_id: str | None, surface: str) -> Assigned | None:
        """Nobody in particular takes no part. Of several experiments on a surface the oldest that wants the person
        counts."""
        if user_id is None:
            return None
        running = self._running
        if running is None:
            running = self._running = self._read()
        for name, experiment in running:
            if experiment.surface == surface and (found := experiment.variant_of(name, user_id)) is not None:
                return Assigned(name, found.name, found.pipeline)
        return None

    def _read(self) -> list[tuple[str, Experiment]]:
        found = []
        for kept in self._store.experiments.all():
            if kept.state == RUNNING:
                try:
                    found.append((kept.name, make_experiment(kept.described, kept.name)))
                except ConfigError as wrong:
                    log.error("experiment_refused", error=wrong.line)
        return found
