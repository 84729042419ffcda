"""Headlines held against each other on readers: one item, several titles, each person always sees the same.

It is an experiment like any other (``zhiyin.experimenting``): people are dealt out by a hash, shows are lists of one
item that name experiment and variant, and what is said of it holds however often one looks. Only what a variant is
differs: a text here, a pipeline there. The first headline is what the others are held against.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhiyin.config import Settings
from zhiyin.errors import UnknownItem, UsageError
from zhiyin.experimenting import RUNNING, STOPPED, startable
from zhiyin.feedback.experiments import Analysis, Experiment, analyse, make_experiment
from zhiyin.feedback.outcomes import DAY, outcomes
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.store.impressions import Impression
from zhiyin.types import DEFAULT_SURFACE
from zhiyin.understand.texts import plain

if TYPE_CHECKING:
    from zhiyin.store.records import Record
    from zhiyin.store.sql import SqlStore
    from zhiyin.store.writer import Writer

KIND = "content.headlines"
SETTLED = "settled"
MOST = 10
LONGEST = 500
LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Trial:
    """``headlines`` by variant, in order; ``experiment`` is its name among the experiments. ``state``: running, stopped
    or settled, and then ``chosen`` is the variant that became the item's title."""

    item_id: str
    experiment: str
    headlines: dict[str, str]
    state: str
    time: int
    chosen: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Shown:
    """What somebody sees as the title of an item. ``variant`` and ``experiment`` are None where nothing runs, or they
    take no part; ``impression_id`` names the show, for the event that comes of it, None where none is to be noted."""

    item_id: str
    headline: str | None
    variant: str | None
    experiment: str | None
    impression_id: str | None


def start_trial(
    store: SqlStore,
    project: Path,
    item_id: str,
    headlines: Sequence[str],
    *,
    traffic: float = 1.0,
    window_days: float = 1.0,
    people: int = 2000,
    metric: str = "taken",
) -> Trial:
    """Show ``headlines`` (2 to 10, the first is what the others are held against) as titles of ``item_id``. Raises
    UnknownItem, UsageError where they are no use or some run already, ConfigError for settings out of bounds."""
    texts = [" ".join(plain(one).split()) for one in headlines]
    if store.rows.item(item_id) is None:
        raise UnknownItem(f"no item '{item_id}'", fix="import the item first")
    if not 2 <= len(texts) <= MOST or len(set(map(str.casefold, texts))) < len(texts):
        raise UsageError(f"{len(texts)} headlines, or two that are the same", fix=f"give 2 to {MOST} different ones")
    if any(not one or len(one) > LONGEST for one in texts):
        raise UsageError("an empty headline, or one too long", fix=f"give 1 to {LONGEST} characters")
    surface = surface_of(item_id)
    named = dict(zip(LETTERS, texts, strict=False))
    told = {
        "variants": [{"name": letter, "pipeline": DEFAULT_SURFACE} for letter in named],
        "surface": surface,
        "metric": metric,
        "traffic": traffic,
        "window_days": window_days,
        "people": people,
    }
    # Trial and experiment are there together or not at all. Who writes has the store alone, so no two begin at once.
    with store.writing() as writer:
        before = writer.record(KIND, item_id)
        if before is not None and before.state == RUNNING:
            raise UsageError(
                f"headlines of '{item_id}' are being tried", fix="settle them first: zhiyin write settle ITEM"
            )
        name = f"{surface.replace(':', 's-')}-{1 if before is None else before.version + 1}"
        experiment = startable(store, project, name, told)
        trial = Trial(item_id, name, named, RUNNING, _now())
        writer.put_experiment(name, experiment.model_dump(mode="json"), RUNNING, trial.time)
        writer.put_record(KIND, item_id, RUNNING, _body(trial, None), now=trial.time)
    return trial


def read_trial(store: SqlStore, item_id: str) -> Trial:
    """The newest of ``item_id``. Raises UsageError where there was none."""
    kept = store.records.latest(KIND, item_id)
    if kept is None:
        raise UsageError(f"no headlines of '{item_id}' were tried", fix="start with: zhiyin write try ITEM")
    return _trial(kept)


def trials(store: SqlStore) -> list[Trial]:
    """The newest of every item, in order of id."""
    return [_trial(one) for one in store.records.every(KIND)]


def headlines_for(store: SqlStore, item_ids: Sequence[str], user_id: str) -> list[Shown]:
    """What ``user_id`` sees of each item, in order. Nothing is noted: that is what ``impressions_of`` is for."""
    return [_shown(store, item_id, user_id) for item_id in item_ids]


def impressions_of(shown: Sequence[Shown], user_id: str, now: int | None = None) -> list[Impression]:
    """The shows that count, as lists of one item."""
    at = _now() if now is None else now
    return [
        Impression(
            one.impression_id,
            user_id,
            surface_of(one.item_id),
            at,
            ((one.item_id, 1, 1.0),),
            one.variant,
            one.experiment,
            confirmed=True,
        )
        for one in shown
        if one.impression_id is not None
    ]


def show(store: SqlStore, item_ids: Sequence[str], user_id: str, now: int | None = None) -> list[Shown]:
    """``headlines_for``, and note it."""
    found = headlines_for(store, item_ids, user_id)
    noted = impressions_of(found, user_id, now)
    if noted:
        with store.writing() as writer:
            writer.put_impressions(noted)
    return found


def surface_of(item_id: str) -> str:
    return f"headline:{hashlib.sha256(item_id.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def trial_report(
    store: SqlStore, settings: Settings, item_id: str, now: int | None = None
) -> tuple[Trial, Experiment, Analysis]:
    """What the trial says by now. An event that shows interest in the item counts for its headline, if the person was
    shown one no longer before than the trial's window, whichever list it came from. Raises UsageError where there was
    no trial."""
    trial = read_trial(store, item_id)
    kept = store.experiments.get(trial.experiment)
    if kept is None:
        raise UsageError(f"the experiment '{trial.experiment}' is gone", fix="start a new trial of this item")
    experiment = make_experiment(kept.described, kept.name)
    window, at = int(experiment.window_days * DAY), _now() if now is None else now
    frame = store.impressions.frame(since=kept.created - window, experiment=kept.name)
    events = store.recent.events(kept.created - window, at + 1, items=[item_id])
    events = events.filter(weight_of_event(settings.preprocess) > 0)
    shown = outcomes(frame, events, window=window).frame
    return trial, experiment, analyse(kept.name, experiment, shown, events, at)


def settle(
    store: SqlStore, settings: Settings, item_id: str, variant: str | None = None, now: int | None = None
) -> Trial:
    """End the trial and make ``variant`` the item's title; None takes what the report calls better. Raises UsageError
    where nothing runs, there is no such variant, or nothing is sure yet."""
    trial = read_trial(store, item_id)
    if trial.state != RUNNING:
        raise _none_runs(item_id)
    if variant is None:
        analysis = trial_report(store, settings, item_id, now)[2]
        better = [one for one in analysis.compared if one.said == "better"]
        if not better:
            raise UsageError(
                f"no headline is surely better yet: {analysis.verdict}", fix="wait, or name the one that is to stand"
            )
        variant = max(better, key=lambda one: one.difference).variant
    if variant not in trial.headlines:
        raise UsageError(f"no variant '{variant}'", fix=f"use one of {', '.join(trial.headlines)}")
    with store.writing() as writer:
        _end(writer, trial, SETTLED, variant)
        writer.patch_item(item_id, {"title": trial.headlines[variant]})
    return read_trial(store, item_id)


def stop_trial(store: SqlStore, item_id: str) -> Trial:
    """End the trial; the item keeps its title. Raises UsageError where nothing runs."""
    trial = read_trial(store, item_id)
    with store.writing() as writer:
        _end(writer, trial, STOPPED, None)
    return read_trial(store, item_id)


def _end(writer: Writer, trial: Trial, state: str, chosen: str | None) -> None:
    """Raises UsageError where it ended meanwhile, or another one runs."""
    kept = writer.record(KIND, trial.item_id)
    if kept is None or kept.state != RUNNING or _trial(kept) != trial:
        raise _none_runs(trial.item_id)
    writer.put_record(KIND, trial.item_id, state, _body(trial, chosen))
    writer.set_experiment_state(trial.experiment, STOPPED, _now())


def _none_runs(item_id: str) -> UsageError:
    return UsageError(f"no headlines of '{item_id}' are being tried", fix="start with: zhiyin write try ITEM")


def _shown(store: SqlStore, item_id: str, user_id: str) -> Shown:
    kept = store.records.latest(KIND, item_id)
    row = store.rows.item(item_id)
    title = None if row is None or row.title is None else row.title
    if kept is None or kept.state != RUNNING:
        return Shown(item_id, title, None, None, None)
    trial = _trial(kept)
    found = store.experiments.get(trial.experiment)
    if found is None or found.state != RUNNING:
        return Shown(item_id, title, None, None, None)
    variant = make_experiment(found.described, found.name).variant_of(found.name, user_id)
    if variant is None:
        return Shown(item_id, title, None, None, None)
    number = f"headline-{uuid.uuid4().hex}"
    return Shown(item_id, trial.headlines[variant.name], variant.name, found.name, number)


def _body(trial: Trial, chosen: str | None) -> dict[str, Any]:
    return {
        "item_id": trial.item_id,
        "experiment": trial.experiment,
        "headlines": trial.headlines,
        "chosen": chosen,
    }


def _trial(kept: Record) -> Trial:
    body = kept.body
    return Trial(body["item_id"], body["experiment"], dict(body["headlines"]), kept.state, kept.time, body["chosen"])


def _now() -> int:
    return time.time_ns() // 1000
