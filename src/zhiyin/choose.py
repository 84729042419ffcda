"""Which parameters each model gets, and which model is served: decided on validation, remembered for the same data."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.registry import CORE, FILLER, MODELS
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.config import Settings
from zhiyin.errors import ConfigError, ModelError, StoreError, ZhiyinError
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import hits
from zhiyin.parts import PARTS, params_of
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial
from zhiyin.search import OBJECTIVE, Found, Search
from zhiyin.short import choose_short
from zhiyin.types import Catalogue

FOLDER = "searches"
"""Folder of a project that keeps what was chosen."""
CURVE = 100
"""Ranks for which a probability is kept."""
FORMAT = 4
"""Raised when the search changes, so that older choices are not taken up again."""


@dataclass(frozen=True)
class Choice:
    """Chosen on validation. ``params`` and ``scores`` (NDCG@10) by model, in table order; ``served`` has the highest
    score; ``probability`` is the share of validation users whose next item stood at rank 1, 2, ... of its list."""

    served: str
    params: dict[str, Params]
    scores: dict[str, float]
    summary: dict[str, Any]
    probability: list[float]
    short: Params | None = None
    """Parameters of the core for short histories; None where the served model answers for them too."""


def choose(split: Split, prepared: Prepared, settings: Settings, project: Path, progress: Progress) -> Choice:
    """Search every model on the split's validation part, or take up what was chosen for the same data and settings.

    The test part is not looked at.
    """
    path = project / FOLDER / f"{choice_key(split, prepared, settings)}.json"
    known = _read(path)
    if known is not None:
        progress.say(f"The choice for these data and settings is taken from {FOLDER}/{path.name}")
        return known
    choice = _search(split, prepared.catalogue, settings, progress)
    _write(path, choice)
    return choice


def choice_key(split: Split, prepared: Prepared, settings: Settings) -> str:
    """Names everything that decides the outcome: data, split, settings, and what the search may try."""
    kinds: list[type[Recommender]] = [*MODELS.values(), ShortCore]
    told = {
        "train": settings.train.model_dump(exclude={"keep_bundles"}),
        "models": settings.models,
        "split": split.description,
        "space": {kind.name: [kind.params_type().model_dump(), kind.search_space] for kind in kinds},
        "version": [FORMAT, version("zhiyin")],
    }
    text = json.dumps([prepared.fingerprint, told], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


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


def _read(path: Path) -> Choice | None:
    """The choice kept at ``path``; None where there is none that can be used, so that it is made again."""
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, ZhiyinError):
        return None


def _write(path: Path, choice: Choice) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        unfinished.write_text(json.dumps(_to_json(choice), ensure_ascii=False, indent=1), encoding="utf-8")
        unfinished.replace(path)
    except OSError as failure:
        unfinished.unlink(missing_ok=True)
        raise StoreError(
            f"what was chosen cannot be kept: {failure.strerror}",
            where=str(path),
            fix="make room, or allow writing there",
        ) from failure


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
    best = fitted[served]
    long = short = Filled(best, fitted[FILLER])
    few: Params | None = None
    if isinstance(best, LinearCore) and settings.train.short_histories:
        with progress.task("Choosing the core for short histories"):
            chosen = choose_short(best, fitted[FILLER], trial, catalogue, settings.train.seed)
        summary[ShortCore.name] = chosen.to_dict()
        if chosen.params is not None and chosen.model is not None:
            few, short = chosen.params, Filled(chosen.model, fitted[FILLER])
            progress.say("short histories get a core of their own")
    return Choice(
        served,
        {name: one.params for name, one in found.items()},
        {name: one.score for name, one in found.items()},
        summary,
        rank_probability(ByLength(long, short), trial, catalogue),
        few,
    )


def rank_probability(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> list[float]:
    """Share of the users of ``trial`` with a target at each rank 1..``CURVE``, made to fall with the rank by isotonic
    regression."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    k = min(CURVE, max(1, len(catalogue.titles)))
    from scipy.optimize import isotonic_regression

    rows, _ = ranker.top_k(trial.histories, k, allowed=allowed)
    shares = hits(rows, trial.targets).mean(axis=0)
    return [round(float(value), 6) for value in isotonic_regression(shares, increasing=False).x]


def _to_json(choice: Choice) -> dict[str, Any]:
    return {
        "served": choice.served,
        "params": {name: params.model_dump() for name, params in choice.params.items()},
        "scores": choice.scores,
        "summary": choice.summary,
        "probability": choice.probability,
        "short": None if choice.short is None else choice.short.model_dump(),
    }


def _from_json(told: dict[str, Any]) -> Choice:
    params = {name: MODELS[name].make_params(values) for name, values in told["params"].items()}
    short = None if told["short"] is None else ShortCore.make_params(told["short"])
    return Choice(told["served"], params, told["scores"], told["summary"], told["probability"], short)


def untested(settings: Settings) -> Choice:
    """For data too small to split: every model with its defaults, the core served, nothing measured."""
    params = {name: kind.make_params(settings.models.get(name, {})) for name, kind in MODELS.items()}
    return Choice(CORE, params, {}, {}, [float(value) for value in np.zeros(0)])
