"""Retraining that must prove itself: a new bundle is served only where it is better on the newest events, of which
neither it nor the served one has seen anything.

    events:   [ the served bundle learned from these ][ new: the candidate learns from these too ][ held out ]

Both are asked for lists with everything before the held-out events as history. What is published at last is the
candidate's choice fitted on everything.
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import FOLDER, Bundle, active, load
from zhiyin.bundle.writing import write
from zhiyin.config import Settings
from zhiyin.errors import BundleError
from zhiyin.evaluate.metrics import accuracy
from zhiyin.feedback.promotion import FEWEST, decide
from zhiyin.newcomers import Shelf
from zhiyin.ports import Progress, Silent
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import histories_of
from zhiyin.serving import served
from zhiyin.store.sql import SqlStore
from zhiyin.train import TRAINED_TO, learn, publish_again, train
from zhiyin.types import Histories

if TYPE_CHECKING:
    import polars as pl

HELD_OUT = 0.5
"""Share of the new events that is held out, the latest."""
MOST_PEOPLE = 5_000
K = 10


@dataclass(frozen=True)
class Promotion:
    """What came of it. ``gain`` is the candidate's NDCG@10 less the served one's, over ``people``, with its 95 %
    interval; None where nothing was compared. ``reason`` is one line for a reader."""

    promoted: bool
    bundle: str
    reason: str
    people: int = 0
    gain: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Before:
    """A store as it was when its events ended at ``seq``. Everything else is as it is now."""

    def __init__(self, store: SqlStore, seq: int) -> None:
        self._store, self._seq = store, seq

    def events(self, user_id: str | None = None) -> pl.DataFrame:
        found = self._store.events(user_id)
        return found.filter(found["seq"] <= self._seq)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def train_if_better(store: SqlStore, settings: Settings, project: Path, progress: Progress | None = None) -> Promotion:
    """Train, and serve the result where it is better than what is served; see the module. The first bundle, and one
    that replaces a bundle which cannot be read any more, is served as it is.

    Raises NotEnoughData where there is nothing to learn from."""
    progress = progress or Silent()
    try:
        bundle = active(store, project / FOLDER)
    except BundleError as missing:
        made = train(store, settings, project, progress)
        return Promotion(True, made.manifest.name, f"nothing to compare with: {missing.what}")
    if erased := len(store.erasures.all(open_only=True)):
        made = train(store, settings, project, progress)
        who = "one person was" if erased == 1 else f"{erased} people were"
        return Promotion(True, made.manifest.name, f"served without comparing: {who} erased and must be forgotten")
    seen = int(bundle.manifest.metrics.get(TRAINED_TO, 0))
    events = store.events()
    fresh = events.filter(events["seq"] > seen)
    cut = _cut(fresh)
    if cut is None:
        reason = f"{len(fresh):,} new events are too few to hold any out: nothing was trained"
        return Promotion(False, bundle.manifest.name, reason)
    before, after = events.filter(events["seq"] <= cut), events.filter(events["seq"] > cut)
    people = _people(after, settings.train.seed)
    if len(people) < FEWEST:
        reason = f"only {len(people)} people have new events, {FEWEST} are needed: nothing was trained"
        return Promotion(False, bundle.manifest.name, reason)
    learned = learn(Before(store, cut), settings, project, progress)  # type: ignore[arg-type]  # a store all but in name
    with progress.task("Comparing the new bundle with the served one"):
        with tempfile.TemporaryDirectory(prefix=".comparing-", dir=project / FOLDER) as folder:
            name = write(Path(folder), learned.content, time.time_ns() // 1000).name
            new = values_of(store, load(Path(folder) / name), settings, before, after, people)
        old = values_of(store, bundle, settings, before, after, people)
    told = decide(old, new, metric=f"NDCG@{K}", tolerance=settings.retrain.tolerance, seed=settings.train.seed)
    name = bundle.manifest.name
    if told.promote:
        name = publish_again(store, learned, settings, project, progress).manifest.name
    figures = None if math.isnan(told.low) else (told.gain, told.low, told.high)
    return Promotion(told.promote, name, told.reason, told.people, *(figures or ()))


def values_of(
    store: SqlStore, bundle: Bundle, settings: Settings, before: pl.DataFrame, after: pl.DataFrame, people: list[str]
) -> NDArray[np.float64]:
    """NDCG@10 of each of ``people``, NaN for those who later chose nothing that they did not have before. An item that
    the bundle cannot recommend counts as missed."""
    shelf = Shelf(store, bundle, settings)
    histories, targets = (
        histories_of(
            positives(events, settings.preprocess, unit=float(bundle.manifest.config["unit"])),
            shelf.items,
            people,
            known=bundle.users,
            half_life_days=settings.preprocess.half_life_days,
            now=int(bundle.manifest.config["now"]),
        )
        for events in (before, after)
    )
    rows, _ = served(bundle, shelf).top_k(histories, K, allowed=shelf.allowed)
    return accuracy(rows, _without(targets, histories), [K])[f"NDCG@{K}"]


def _without(targets: Histories, histories: Histories) -> Histories:
    """``targets`` that are not in the history of the same person."""
    width = int(max(targets.items.max(initial=0), histories.items.max(initial=0))) + 1
    had = histories.owners().astype(np.int64) * width + histories.items
    fresh = ~np.isin(targets.owners().astype(np.int64) * width + targets.items, had)
    counts = np.bincount(targets.owners()[fresh], minlength=len(targets))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, targets.items[fresh], targets.weights[fresh], targets.times[fresh], targets.users)


def _cut(fresh: pl.DataFrame) -> int | None:
    """Number of the last event that the candidate may learn from; None where there are too few."""
    if len(fresh) < 2:
        return None
    return int(fresh["seq"].sort()[int(len(fresh) * (1 - HELD_OUT))])


def _people(after: pl.DataFrame, seed: int) -> list[str]:
    """Who is asked: at most ``MOST_PEOPLE``, drawn by ``seed``."""
    found = after["user_id"].unique().sort().to_list()
    if len(found) > MOST_PEOPLE:
        found = sorted(np.random.default_rng(seed).choice(found, MOST_PEOPLE, replace=False).tolist())
    return found
