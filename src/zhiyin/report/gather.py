"""Everything a report says of a project, from its store, its bundle and a fresh evaluation."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.evaluate.run import Evaluation, FitName, ProtocolName, evaluate
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared, prepare
from zhiyin.recommend import Engine
from zhiyin.registry import FILLER
from zhiyin.report.content import ReportContent
from zhiyin.types import NO_TIME

LATEST = 10
LENGTH = 10
STRANGER = "somebody new"


def gather(
    project: Path, progress: Progress, *, protocol: ProtocolName = "leave-one-out", fit: FitName = "strict"
) -> ReportContent:
    """Content for ``project``, measured now. Raises BundleError where nothing was trained, and whatever ``prepare``
    raises."""
    engine = Engine.open(project)
    with closing(engine.store):
        settings, manifest = engine.settings, engine.bundle.manifest
        prepared = prepare(engine.store, settings, progress)
        measured, unmeasured = _measured(prepared, settings, project, progress, protocol, fit)
        times = engine.store.events()["time"].fill_null(NO_TIME).to_numpy()
        with progress.task("Making sample lists"):
            samples = sample_lists(engine, prepared)
        histories = prepared.interactions.histories
        return ReportContent(
            project=settings.name,
            bundle=manifest.name,
            created=manifest.created,
            encoder=manifest.encoder,
            stored=engine.store.counts(),
            cleaning=prepared.cleaning.to_dict(),
            item_counts=np.bincount(histories.items, minlength=prepared.interactions.n_items),
            event_times=times,
            evaluation=None if measured is None else measured.to_dict(),
            protocol="" if measured is None else measured.protocol.describe(),
            baseline=FILLER,
            search={} if measured is None else measured.choice.summary,
            search_seconds=settings.train.search_seconds,
            samples=samples,
            unmeasured=unmeasured,
            notes=notes(engine, prepared, measured),
        )


def _measured(
    prepared: Prepared, settings: Settings, project: Path, progress: Progress, protocol: ProtocolName, fit: FitName
) -> tuple[Evaluation | None, str]:
    """The evaluation, or None and why there is none."""
    try:
        return evaluate(prepared, settings, project, progress, protocol=protocol, fit=fit), ""
    except NotEnoughData as little:
        return None, little.what


def notes(engine: Engine, prepared: Prepared, measured: Evaluation | None) -> list[str]:
    """Where the served bundle and the figures do not speak of the same thing."""
    manifest = engine.bundle.manifest
    found = []
    if manifest.data_fingerprint != prepared.fingerprint:
        found.append("The data have changed since the served bundle was trained: figures are of the data of today.")
    if measured is not None and manifest.served != measured.choice.served:
        found.append(f"The bundle serves '{manifest.served}'; by these figures '{measured.choice.served}' would be.")
    return found


def sample_lists(engine: Engine, prepared: Prepared) -> list[dict[str, Any]]:
    """Lists of somebody very active (19 of 20 have no more), of a typical person (the median) and of a cold one."""
    people = prepared.interactions.users.ids
    lengths = prepared.interactions.histories.lengths
    order = sorted(range(len(people)), key=lambda row: (lengths[row], people[row]))
    picked = {
        people[order[(len(order) - 1) * 19 // 20]]: "very active",
        people[order[(len(order) - 1) // 2]]: "typical",
        _cold_person(engine, prepared): "cold",
    }
    return [
        {
            **engine.recommend(user, LENGTH).to_dict(),
            "role": role,
            "history": [title or key for key, title in engine.history(user)[:LATEST]],
        }
        for user, role in picked.items()
    ]


def _cold_person(engine: Engine, prepared: Prepared) -> str:
    """The first stored user without an event, or a name that nobody has."""
    stored: list[str] = engine.store.users()["user_id"].to_list()
    for user in stored:
        if user not in prepared.interactions.users and engine.store.events(user).is_empty():
            return user
    name = STRANGER
    while name in stored:
        name += "?"
    return name
