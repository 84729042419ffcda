"""Training: the stages 1-6 in order, from stored events to a published bundle."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from zhiyin.admit import admit
from zhiyin.bundle import FOLDER, BundleContent, Manifest, publish
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.short import ShortCore
from zhiyin.choice import Choice
from zhiyin.choose import check_models, choose, untested
from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.interests import interests_before, named_interests
from zhiyin.llm import open_models
from zhiyin.ports import LanguageModels, Progress, Silent
from zhiyin.prepare import Prepared, prepare
from zhiyin.preprocess.splits import held_out
from zhiyin.rank.interests import NAME as INTERESTS
from zhiyin.rank.interests import InterestModel, InterestParams
from zhiyin.readings import read_for
from zhiyin.registry import FILLER, MODELS
from zhiyin.store.sql import SqlStore
from zhiyin.types import NO_TIME, TrainingData

TRAINED_TO = "trained_to"
"""Metric of a bundle: number of the last event in the store when it was trained."""


@dataclass(frozen=True)
class Trained:
    """What a training made: the bundle's manifest, the choice behind it and the data it saw."""

    manifest: Manifest
    choice: Choice
    prepared: Prepared


@dataclass(frozen=True)
class Learned:
    """What a training would publish, and the choice behind it, whose fits on a part of the data are gone."""

    content: BundleContent
    choice: Choice
    prepared: Prepared
    erased_to: int = 0
    """Number of the last erasure before the events were read: the content knows nothing of those people."""


def train(store: SqlStore, settings: Settings, project: Path, progress: Progress | None = None) -> Trained:
    """Learn from everything in ``store`` and publish a bundle. Raises NotEnoughData where there is nothing.

    A language model that is configured names interests, and may re-rank where that helps on validation; whatever goes
    wrong with it, the bundle is made.
    """
    return _publish(store, learn(store, settings, project, progress), settings, project)


def learn(
    store: SqlStore,
    settings: Settings,
    project: Path,
    progress: Progress | None = None,
    choice: Choice | None = None,
) -> Learned:
    """The same without publishing. ``choice`` None decides on validation."""
    progress = progress or Silent()
    with closing(open_models(settings.llm, store, progress)) as models:
        return _learn(store, settings, project, models, progress, choice)


def publish_again(
    store: SqlStore, learned: Learned, settings: Settings, project: Path, progress: Progress | None = None
) -> Trained:
    """Fit the choice of ``learned`` on everything there is now, and serve that."""
    return _publish(store, learn(store, settings, project, progress, learned.choice), settings, project)


def _publish(store: SqlStore, learned: Learned, settings: Settings, project: Path) -> Trained:
    now = time.time_ns() // 1000
    manifest = publish(store, project / FOLDER, learned.content, now, settings.train.keep_bundles)
    if learned.erased_to:
        store.erasures.done(manifest.name, learned.erased_to)
    return Trained(manifest, learned.choice, learned.prepared)


def _learn(
    store: SqlStore,
    settings: Settings,
    project: Path,
    models: LanguageModels,
    progress: Progress,
    choice: Choice | None,
) -> Learned:
    # Asked before the events are read: what comes meanwhile is new to the next training.
    seen = store.changes.mark().events
    erased = store.erasures.all(open_only=True)
    prepared = prepare(store, settings, progress)
    if choice is None:
        choice = decide(prepared, settings, project, progress)
    gate = admit(prepared, choice, settings, models, progress)
    # What was fitted to choose by would lie beside what is fitted to serve.
    choice = replace(choice, fitted={})
    content = fit(prepared, choice, settings, progress)
    params, arrays = content.models[INTERESTS]
    model = InterestModel(InterestParams(**params)).restore(arrays)
    before = interests_before(store, project)
    content = replace(
        content,
        interests=named_interests(model, prepared, before, models, settings, progress),
        features=read_for(store, settings, prepared.interactions.items, models, progress),
        config={**content.config, "rerank": gate.params},
        search={**content.search, "rerank": gate.to_dict()},
        metrics={**content.metrics, TRAINED_TO: seen},
    )
    return Learned(content, choice, prepared, erased[-1].seq if erased else 0)


def decide(prepared: Prepared, settings: Settings, project: Path, progress: Progress) -> Choice:
    """Parameters and the served model, by the last events of each person; defaults where nobody has enough.

    Raises ConfigError for ``[models.NAME]`` of an unknown model, or a parameter it does not take.
    """
    check_models(settings)
    try:
        split = held_out(prepared.interactions, seed=settings.train.seed)
    except NotEnoughData as little:
        progress.say(f"Nothing was measured: {little.line}")
        return untested(settings)
    return choose(split, prepared, settings, project, progress)


def fit(prepared: Prepared, choice: Choice, settings: Settings, progress: Progress) -> BundleContent:
    """What serves, fitted on everything: the chosen models, the filler, the interests behind profiles, and the model
    for short histories where there is one."""
    data = everything(prepared, settings)
    models, fitted = {}, {}
    params = {INTERESTS: MODELS[INTERESTS].make_params(settings.models.get(INTERESTS, {})), **choice.params}
    needed = list(dict.fromkeys((*choice.needed, FILLER, INTERESTS)))
    with progress.task("Fitting the served models on everything", total=len(needed)) as advance:
        for name in needed:
            model = fitted[name] = MODELS[name](params[name]).fit(data)
            models[name] = (params[name].model_dump(), model.arrays())
            if choice.short is not None and isinstance(model, LinearCore):
                short = ShortCore.beside(model, choice.short).fit(data)
                models[ShortCore.name] = (choice.short.model_dump(), short.arrays())
            advance(1)
    if choice.fusion is not None:
        fused = choice.fusion.over(fitted, data)
        models[fused.name] = (fused.params.model_dump(mode="json"), fused.arrays())
    return BundleContent(
        served=choice.served,
        models=models,
        user_ids=prepared.interactions.users.ids,
        item_ids=prepared.interactions.items.ids,
        catalogue=prepared.catalogue,
        data_fingerprint=prepared.fingerprint,
        seed=settings.train.seed,
        config={"unit": prepared.cleaning.unit, "now": data.now, "preprocess": settings.preprocess.model_dump()},
        metrics={
            "validation_ndcg@10": choice.scores,
            "probability": choice.probability.to_dict(),
            "first_place": choice.first_place,
            # How many, not who: a bundle outlives an erasure.
            "cleaning": {**prepared.cleaning.to_dict(), "bots": len(prepared.cleaning.bots)},
        },
        search=choice.summary,
        encoder=prepared.encoder,
    )


def everything(prepared: Prepared, settings: Settings) -> TrainingData:
    """All that is known, as of its latest event."""
    now = int(prepared.interactions.histories.times.max(initial=NO_TIME))
    return TrainingData(prepared.interactions, prepared.catalogue, settings.train.seed, now)
