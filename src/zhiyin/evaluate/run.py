"""Evaluate every model on one split: parameters from validation, one look at the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.registry import FILLER, MODELS
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.choice import Choice
from zhiyin.choose import check_models, choose
from zhiyin.config import Settings
from zhiyin.evaluate.measure import Measurement, measure
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.report import report
from zhiyin.fused import FusedModel
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, leave_one_out, random_split, time_split
from zhiyin.types import Interactions, TrainingData

ProtocolName = Literal["leave-one-out", "time-split", "random"]
FitName = Literal["strict", "refit"]


@dataclass(frozen=True)
class Evaluation:
    """``models`` are measured on the test part, cold users and short lists filled with popular items."""

    protocol: Protocol
    models: dict[str, Measurement]
    choice: Choice

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``zhiyin evaluate``."""
        return {
            **report(self.models, self.protocol, self.choice.served),
            "hyper_parameters": {name: params.model_dump() for name, params in self.choice.params.items()},
            "fusion": self.choice.summary.get(FusedModel.name),
            "validation": {"NDCG@10": self.choice.scores},
        }


def split_by(name: ProtocolName, interactions: Interactions, seed: int) -> Split:
    """The split that protocol ``name`` means. Raises NotEnoughData where the data do not allow it."""
    if name == "leave-one-out":
        return leave_one_out(interactions)
    if name == "time-split":
        return time_split(interactions)
    return random_split(interactions, seed=seed)


def evaluate(
    prepared: Prepared,
    settings: Settings,
    project: Path,
    progress: Progress,
    *,
    protocol: ProtocolName = "leave-one-out",
    fit: FitName = "strict",
    ks: Sequence[int] = (10,),
) -> Evaluation:
    """Choose parameters on validation, fit as ``fit`` says, and measure on the test part.

    Raises ConfigError for ``[models.NAME]`` of an unknown model, NotEnoughData where the data cannot be split so.
    """
    check_models(settings)
    split = split_by(protocol, prepared.interactions, settings.train.seed)
    choice = choose(split, prepared, settings, project, progress)
    trial = split.strict() if fit == "strict" else split.refit()
    data = TrainingData(trial.train, prepared.catalogue, settings.train.seed, trial.now)
    # The strict figure is of models fitted on the training part: those of the search, where it ran just now.
    fitted = dict(choice.fitted) if fit == "strict" else {}
    filler = fitted.setdefault(FILLER, MODELS[FILLER](choice.params[FILLER])).fit(data)
    measured: dict[str, Measurement] = {}
    with progress.task("Fitting and measuring on the test part", total=len(choice.scores)) as advance:
        for name in choice.params:
            if name not in fitted:
                fitted[name] = MODELS[name](choice.params[name]).fit(data)
            long = short = Filled(fitted[name], filler)
            if choice.short is not None and name == choice.served and isinstance(long.model, LinearCore):
                short = Filled(ShortCore.beside(long.model, choice.short).fit(data), filler)
            ranker = ByLength(long, short)
            measured[name] = measure(ranker, trial, prepared.catalogue, ks=ks, seed=settings.train.seed)
            advance(1)
        if choice.fusion is not None:
            fused = Filled(choice.fusion.over(fitted, data), filler)
            measured[choice.served] = measure(fused, trial, prepared.catalogue, ks=ks, seed=settings.train.seed)
            advance(1)
    hidden = int(prepared.catalogue.hidden.sum())
    return Evaluation(Protocol.of(split, trial, ks=ks, hidden_items=hidden), measured, choice)
