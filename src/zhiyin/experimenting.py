"""Experiments of a project: kept in its store, read when lists are made, analysed from what was shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhiyin.errors import ConfigError, UsageError
from zhiyin.feedback.experiments import Analysis, Experiment, analyse, make_experiment
from zhiyin.feedback.outcomes import DAY, outcomes
from zhiyin.pipeline import surfaces

if TYPE_CHECKING:
    from zhiyin.store.experiments import KeptExperiment
    from zhiyin.store.sql import SqlStore

RUNNING, STOPPED = "running", "stopped"
LONGEST = 100


@dataclass(frozen=True)
class Assigned:
    """Who asks belongs to ``variant`` of ``experiment``, and ``pipeline`` re-ranks for them."""

    experiment: str
    variant: str
    pipeline: str


class Assigner:
    """Who gets what, as of one reading of the store."""

    def __init__(self, running: Mapping[str, Experiment]) -> None:
        self._by_surface = {one.surface: (name, one) for name, one in running.items()}

    @classmethod
    def read(cls, store: SqlStore) -> Assigner:
        """The experiments that run now. One that cannot be read is left out: lists must come all the same."""
        return cls({one.name: found for one in store.experiments.all() if (found := _running(one)) is not None})

    def __call__(self, user_id: str | None, surface: str) -> Assigned | None:
        """None for nobody in particular, and where nothing runs."""
        if not user_id or surface not in self._by_surface:
            return None
        name, experiment = self._by_surface[surface]
        variant = experiment.variant_of(name, user_id)
        return None if variant is None else Assigned(name, variant.name, variant.pipeline)


def start(store: SqlStore, project: Path, name: str, told: Mapping[str, Any] | None = None) -> Experiment:
    """Start ``name``; ``told`` None goes on with one that was stopped. Raises as ``startable``."""
    # Who writes has the store alone, so no two begin at once on one surface.
    with store.writing() as writer:
        experiment = startable(store, project, name, told)
        writer.put_experiment(name, experiment.model_dump(mode="json"), RUNNING, _now())
    return experiment


def startable(store: SqlStore, project: Path, name: str, told: Mapping[str, Any] | None = None) -> Experiment:
    """What ``start`` would start. Raises ConfigError for a definition that is wrong, UsageError where a pipeline is not
    there or something else runs on the surface."""
    if not name or len(name) > LONGEST or not name.isprintable():
        raise UsageError(f"an experiment cannot be called {name[:LONGEST]!r}", fix="use a short, printable name")
    kept = store.experiments.get(name)
    if told is None and kept is None:
        raise UsageError(f"no experiment '{name}'", fix="give two or more --variant NAME=PIPELINE")
    if told is not None and kept is not None and make_experiment(told, name) != make_experiment(kept.described, name):
        raise UsageError(
            f"there is another experiment '{name}'", fix="choose a new name: what it saw would be mixed up"
        )
    experiment = make_experiment(told if told is not None else kept.described if kept else {}, name)
    known = surfaces(project)
    for variant in experiment.variants:
        if variant.pipeline not in known:
            what = f"no pipeline '{variant.pipeline}' for variant '{variant.name}'"
            raise UsageError(what, fix=f"write pipelines/{variant.pipeline}.toml, or use {', '.join(known)}")
    for other in store.experiments.all():
        found = _running(other)
        if found is not None and other.name != name and found.surface == experiment.surface:
            raise UsageError(
                f"'{other.name}' runs on surface '{found.surface}'", fix=f"zhiyin experiments stop '{other.name}'"
            )
    return experiment


def stop(store: SqlStore, name: str) -> None:
    """Everybody gets the surface's own pipeline again. Raises UsageError where there is no such experiment."""
    if not store.experiments.set_state(name, STOPPED, _now()):
        raise UsageError(f"no experiment '{name}'", fix="see 'zhiyin experiments list'")


def analysed(
    store: SqlStore, name: str, now: int | None = None, rewards: Mapping[str, float] | None = None
) -> tuple[Experiment, Analysis]:
    """What ``name`` says now. Raises UsageError where there is no such experiment. ``rewards``: see ``outcomes``."""
    kept = store.experiments.get(name)
    if kept is None:
        raise UsageError(f"no experiment '{name}'", fix="see 'zhiyin experiments list'")
    experiment = make_experiment(kept.described, name)
    events = store.events()
    window = int(experiment.window_days * DAY)
    # Of all lists: a later one outside the experiment takes the credit that is its own.
    found = outcomes(store.impressions.frame(since=kept.created - window), events, window=window, rewards=rewards).frame
    shown = found.filter(found["experiment"] == name)
    return experiment, analyse(name, experiment, shown, events, _now() if now is None else now)


def _running(kept: KeptExperiment) -> Experiment | None:
    if kept.state != RUNNING:
        return None
    try:
        return make_experiment(kept.described, kept.name)
    except ConfigError:
        return None


def _now() -> int:
    return time.time_ns() // 1000
