"""Which parameters each model gets, and what is served: decided on validation, remembered for the same data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.choice import FOLDER, Choice, Combined, choice_key, read_choice, write_choice
from zhiyin.config import Settings
from zhiyin.errors import ConfigError, ModelError
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import hits
from zhiyin.fused import FusedModel
from zhiyin.fusing import CURVE, Fusing, FusingParams, fuse
from zhiyin.itemview import level_of
from zhiyin.parts import PARTS, params_of
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial
from zhiyin.rank.probability import Probability
from zhiyin.registry import CORE, FILLER, MODELS
from zhiyin.search import OBJECTIVE, Found, Search
from zhiyin.short import choose_short
from zhiyin.types import Catalogue, Floats, Longs

CORE_SHARE, OTHERS_SHARE = 0.3, 0.4
"""Parts of the search's budget that the core may spend, and all others together, in equal parts. What is left is for
models whose first fit takes more than their part."""


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
    budget = settings.train.search_seconds
    with progress.task("Choosing models on validation", total=len(MODELS)) as advance:
        for name, kind in MODELS.items():
            seconds = budget * (CORE_SHARE if name == CORE else OTHERS_SHARE / max(1, len(MODELS) - 1))
            filler = fitted.get(FILLER)
            run = Search(
                kind,
                trial,
                catalogue,
                seed=settings.train.seed,
                budget=seconds,
                filler=filler,
                first_fit=budget / 2 if name not in (CORE, FILLER) else np.inf,
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
    tried = _combined(fitted, served, trial, catalogue, settings, progress)
    combined = None
    if tried is not None:
        summary[FusedModel.name] = tried.to_dict()
        scores[FusedModel.name] = tried.scores[tried.kind]
        combined = Combined.of(tried.model)
    if tried is not None and combined is not None:
        served = FusedModel.name
        # By the cross-fitted lists: what the combination says of those it learned from is too sure of itself.
        probability, first = probability_of(*tried.lists, settings.train.seed)
        return Choice(served, params, scores, summary, probability, first, None, combined, fitted)
    if isinstance(best, LinearCore) and settings.train.short_histories:
        with progress.task("Choosing the core for short histories"):
            chosen = choose_short(best, fitted[FILLER], trial, catalogue, settings.train.seed)
        summary[ShortCore.name] = chosen.to_dict()
        if chosen.params is not None and chosen.model is not None:
            few, short = chosen.params, Filled(chosen.model, fitted[FILLER])
            progress.say("short histories get a core of their own")
    asked = _lists(ByLength(long, short), trial, catalogue)
    probability, first = probability_of(*asked, settings.train.seed)
    return Choice(served, params, scores, summary, probability, first, few, None, fitted)


def _combined(
    fitted: dict[str, Recommender],
    single: str,
    trial: Trial,
    catalogue: Catalogue,
    settings: Settings,
    progress: Progress,
) -> Fusing | None:
    """What came of combining what was ``fitted``; None where nothing was tried."""
    how = params_of(settings, FusedModel.name, FusingParams)
    if not how.enabled or len(fitted) < 2:
        return None
    tried = fuse(fitted, single, fitted[FILLER], trial, catalogue, how, seed=settings.train.seed, progress=progress)
    gain = tried.gain
    said = f"{tried.kind}: validation {OBJECTIVE} {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}) over {single}"
    progress.say(f"the models combined ({said}) {'are' if tried.model else 'are not'} served")
    return tried


def _lists(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> tuple[Floats, NDArray[np.bool_], Longs]:
    """Scores and hits [U, at most CURVE] of the users of ``trial``, and the lengths of their histories."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, scores = ranker.top_k(trial.histories, min(CURVE, max(1, len(catalogue.titles))), allowed=allowed)
    return scores, hits(rows, trial.targets), trial.histories.lengths


def probability_of(
    scores: Floats, hit: NDArray[np.bool_], lengths: Longs, seed: int
) -> tuple[Probability, float | None]:
    """How likely a place of such lists is what comes next, and what that is at a typical first place."""
    probability = Probability.learn(scores, hit, lengths, seed)
    return probability, level_of(probability.of(scores[:, :1], lengths))


def untested(settings: Settings) -> Choice:
    """For data too small to split: every model with its defaults, the core served, nothing measured."""
    params = {name: kind.make_params(settings.models.get(name, {})) for name, kind in MODELS.items()}
    return Choice(CORE, params, {}, {}, Probability.nothing())
