"""Training: the stages 1-5 in order, from stored events to a published bundle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from zhiyin.bundle import FOLDER, BundleContent, Manifest, publish
from zhiyin.candidates.registry import FILLER, MODELS
from zhiyin.choose import Choice, check_models, choose, untested
from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.ports import Progress, Silent, Store
from zhiyin.prepare import Prepared, prepare
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.types import NO_TIME, TrainingData


@dataclass(frozen=True)
class Trained:
    """What a training made: the bundle's manifest, the choice behind it and the data it saw."""

    manifest: Manifest
    choice: Choice
    prepared: Prepared


def train(store: Store, settings: Settings, project: Path, progress: Progress | None = None) -> Trained:
    """Learn from everything in ``store`` and publish a bundle. Raises NotEnoughData where there is nothing."""
    progress = progress or Silent()
    prepared = prepare(store, settings, progress)
    choice = decide(prepared, settings, project, progress)
    content = fit(prepared, choice, settings, progress)
    now = time.time_ns() // 1000
    manifest = publish(store, project / FOLDER, content, now, settings.train.keep_bundles)
    return Trained(manifest, choice, prepared)


def decide(prepared: Prepared, settings: Settings, project: Path, progress: Progress) -> Choice:
    """Parameters and the served model, by the last events of each person; defaults where nobody has enough.

    Raises ConfigError for ``[models.NAME]`` of an unknown model, or a parameter it does not take.
    """
    check_models(settings)
    try:
        split = leave_one_out(prepared.interactions)
    except NotEnoughData as little:
        progress.say(f"Nothing was measured: {little.line}")
        return untested(settings)
    return choose(split, prepared, settings, project, progress)


def fit(prepared: Prepared, choice: Choice, settings: Settings, progress: Progress) -> BundleContent:
    """The served model and its filler, fitted on everything."""
    times = prepared.interactions.histories.times
    now = int(times.max(initial=NO_TIME))
    data = TrainingData(prepared.interactions, prepared.catalogue, settings.train.seed, now)
    names = dict.fromkeys((choice.served, FILLER))
    with progress.task("Fitting the served model on everything", total=len(names)) as advance:
        models = {}
        for name in names:
            model = MODELS[name](choice.params[name]).fit(data)
            models[name] = (choice.params[name].model_dump(), model.arrays())
            advance(1)
    return BundleContent(
        served=choice.served,
        models=models,
        user_ids=prepared.interactions.users.ids,
        item_ids=prepared.interactions.items.ids,
        catalogue=prepared.catalogue,
        data_fingerprint=prepared.fingerprint,
        seed=settings.train.seed,
        config={"unit": prepared.cleaning.unit, "now": now, "preprocess": settings.preprocess.model_dump()},
        metrics={
            "validation_ndcg@10": choice.scores,
            "rank_probability": choice.probability,
            # How many, not who: a bundle outlives an erasure.
            "cleaning": {**prepared.cleaning.to_dict(), "bots": len(prepared.cleaning.bots)},
        },
        search=choice.summary,
        encoder=prepared.encoder,
    )
