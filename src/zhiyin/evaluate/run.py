"""Evaluate every model on one split: parameters from validation, one look at the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.choice import Choice
from zhiyin.choose import check_models, choose
from zhiyin.config import Settings
from zhiyin.evaluate.measure import Measurement, Ranker, measure_lists
from zhiyin.evaluate.metrics import hits
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.reliability import chances_report
from zhiyin.evaluate.report import report
from zhiyin.fused import FusedModel
from zhiyin.fusing import CURVE
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial, leave_one_out, random_split, time_split
from zhiyin.registry import FILLER, MODELS
from zhiyin.types import Catalogue, Floats, Interactions, Ints, TrainingData

ProtocolName = Literal["leave-one-out", "time-split", "random"]
FitName = Literal["strict", "refit"]


@dataclass(frozen=True)
class Evaluation:
    """``models`` are measured on the test part, cold users and short lists filled with popular items."""

    protocol: Protocol
    models: dict[str, Measurement]
    choice: Choice
    chances: dict[str, Any]
    """How far the probabilities of the served model's lists can be relied on; see ``reliability.chances_report``."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``zhiyin evaluate``."""
        return {
            **report(self.models, self.protocol, self.choice.served),
            "hyper_parameters": {name: params.model_dump() for name, params in self.choice.params.items()},
            "chances": self.chances,
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
    chances: dict[str, Any] = {}
    with progress.task("Fitting and measuring on the test part", total=len(choice.scores)) as advance:
        for name in [*choice.params, *([choice.served] if choice.fusion is not None else [])]:
            if name not in choice.params and choice.fusion is not None:
                fitted[name] = choice.fusion.over(fitted, data)
            elif name not in fitted:
                fitted[name] = MODELS[name](choice.params[name]).fit(data)
            long = short = Filled(fitted[name], filler)
            if choice.short is not None and name == choice.served and isinstance(long.model, LinearCore):
                short = Filled(ShortCore.beside(long.model, choice.short).fit(data), filler)
            rows, scores = lists(ByLength(long, short), trial, prepared.catalogue, max(*ks, CURVE))
            measured[name] = measure_lists(
                rows, trial.histories, trial.targets, trial.train, prepared.catalogue, ks=ks, seed=settings.train.seed
            )
            if name == choice.served:
                told = choice.probability.of(scores, trial.histories.lengths)
                chances = chances_report(told, hits(rows, trial.targets))
            advance(1)
    hidden = int(prepared.catalogue.hidden.sum())
    return Evaluation(Protocol.of(split, trial, ks=ks, hidden_items=hidden), measured, choice, chances)


def lists(ranker: Ranker, trial: Trial, catalogue: Catalogue, k: int) -> tuple[Ints, Floats]:
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    return ranker.top_k(trial.histories, k, allowed=allowed)
