"""Which parameters each model gets, and what is served: decided on validation, remembered for the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.registry import CORE, FILLER, MODELS
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.choice import FOLDER, Choice, Combined, choice_key, read_choice, write_choice
from zhiyin.config import Settings
from zhiyin.errors import ConfigError, ModelError
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import hits
from zhiyin.fused import FusedModel
from zhiyin.fusing import FusingParams, fuse
from zhiyin.parts import PARTS, params_of
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial
from zhiyin.search import OBJECTIVE, Found, Search
from zhiyin.short import choose_short
from zhiyin.types import Catalogue, TrainingData

CURVE = 100
"""Ranks for which a probability is kept."""


def choose(split: Split, prepared: Prepared, settings: Settings, project: Path, progress: Progress) -> Choice:
    """Search every model on the split's validation part, or take up what was chosen for the same data and settings.

    The test part is not looked at.
    """
    path = project / FOLDER / f"{choice_key(split, prepared, settings)}.json"
    known = read_choice(path)
    if known is not None:
        progress.say(f"The choice for these data and settings is taken from {FOLDER}/{path.name}")
        return known
    choice = _search(split, prepared.catalogue, settings, progress)
    write_choice(path, choice)
    return choice


def check_models(settings: Settings) -> None:
    """Raise ConfigError where ``[models.NAME]`` names an unknown model, or a parameter it does not take."""
    for name, values in settings.models.items():
        if name in PARTS:
            params_of(settings, name, PARTS[name])
        elif name in MODELS:
            MODELS[name].make_params(values)
        else:
            known = ", ".join((*MODELS, *PARTS))
            raise ConfigError(f"unknown model '{name}'", where=f"[models.{name}]", fix=f"use one of {known}")


def _search(split: Split, catalogue: Catalogue, settings: Settings, progress: Progress) -> Choice:
    trial = split.search().sample(settings.train.search_users, settings.train.seed)
    found: dict[str, Found] = {}
    fitted: dict[str, Recommender] = {}
    budget = settings.train.search_seconds / 2
    with progress.task("Choosing models on validation", total=len(MODELS)) as advance:
        for name, kind in MODELS.items():
            seconds = budget if name == CORE else budget / max(1, len(MODELS) - 1)
            filler = fitted.get(FILLER)
            run = Search(
                kind,
                trial,
                catalogue,
                seed=settings.train.seed,
                budget=seconds,
                filler=filler,
                optional=name not in (CORE, FILLER),
            )
            try:
                found[name] = run.run(settings.models.get(name, {}), settings.train.search)
            except ModelError as unfit:
                progress.say(f"{name} is left out: {unfit.line}")
            else:
                assert run.best is not None
                fitted[name] = run.best
                progress.say(
                    f"{name}: validation {OBJECTIVE} {found[name].score:.4f} of {len(found[name].trials)} tried"
                )
            advance(1)
    served = max(found, key=lambda name: (found[name].score, name == CORE))
    summary = {name: one.to_dict() for name, one in found.items()}
    scores = {name: one.score for name, one in found.items()}
    params = {name: one.params for name, one in found.items()}
    best = fitted[served]
    few: Params | None = None
    long = short = Filled(best, fitted[FILLER])
    combined = _combined(fitted, served, trial, catalogue, settings, summary, scores, progress)
    if combined is not None:
        served = FusedModel.name
        data = TrainingData(trial.train, catalogue, settings.train.seed, trial.now)
        long = short = Filled(combined.over(fitted, data), fitted[FILLER])
    elif isinstance(best, LinearCore) and settings.train.short_histories:
        with progress.task("Choosing the core for short histories"):
            chosen = choose_short(best, fitted[FILLER], trial, catalogue, settings.train.seed)
        summary[ShortCore.name] = chosen.to_dict()
        if chosen.params is not None and chosen.model is not None:
            few, short = chosen.params, Filled(chosen.model, fitted[FILLER])
            progress.say("short histories get a core of their own")
    probability = rank_probability(ByLength(long, short), trial, catalogue)
    return Choice(served, params, scores, summary, probability, few, combined, fitted)


def _combined(
    fitted: dict[str, Recommender],
    single: str,
    trial: Trial,
    catalogue: Catalogue,
    settings: Settings,
    summary: dict[str, Any],
    scores: dict[str, float],
    progress: Progress,
) -> Combined | None:
    """The combination of what was ``fitted``, where it is better than the ``single`` best; told in ``summary``."""
    how = params_of(settings, FusedModel.name, FusingParams)
    if not how.enabled or len(fitted) < 2:
        return None
    tried = fuse(fitted, single, fitted[FILLER], trial, catalogue, how, seed=settings.train.seed, progress=progress)
    summary[FusedModel.name] = tried.to_dict()
    scores[FusedModel.name] = tried.scores[tried.kind]
    gain = tried.gain
    said = f"{tried.kind}: validation {OBJECTIVE} {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) over {single}"
    progress.say(f"the models combined ({said}) {'are' if tried.model else 'are not'} served")
    if tried.model is None or tried.model.combiner is None:
        return None
    return Combined(tried.model.params, tried.model.combiner)


def rank_probability(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> list[float]:
    """Share of the users of ``trial`` with a target at each rank 1..``CURVE``, made to fall with the rank by isotonic
    regression."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    k = min(CURVE, max(1, len(catalogue.titles)))
    from scipy.optimize import isotonic_regression

    rows, _ = ranker.top_k(trial.histories, k, allowed=allowed)
    shares = hits(rows, trial.targets).mean(axis=0)
    return [round(float(value), 6) for value in isotonic_regression(shares, increasing=False).x]


def untested(settings: Settings) -> Choice:
    """For data too small to split: every model with its defaults, the core served, nothing measured."""
    params = {name: kind.make_params(settings.models.get(name, {})) for name, kind in MODELS.items()}
    return Choice(CORE, params, {}, {}, [float(value) for value in np.zeros(0)])
