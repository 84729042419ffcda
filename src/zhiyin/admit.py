"""Whether the configured language model re-ranks in the bundle that is being trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.choice import Choice
from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.llm.prompts import render
from zhiyin.parts import GATE, RERANK, params_of
from zhiyin.ports import LanguageModels, Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Trial, held_out
from zhiyin.rank.llm_ranker import LlmRankerParams
from zhiyin.registry import FILLER, MODELS
from zhiyin.reranking import Gate, GateParams, decide
from zhiyin.types import Job, Tier, TrainingData


@dataclass(frozen=True)
class Admission:
    """``params`` are those of the re-ranker, None where it stays out; ``gate`` is what was measured, None where the job
    is not switched on."""

    params: dict[str, Any] | None
    gate: Gate | None

    def to_dict(self) -> dict[str, Any] | None:
        return None if self.gate is None else self.gate.to_dict()


def admit(
    prepared: Prepared, choice: Choice, settings: Settings, models: LanguageModels, progress: Progress
) -> Admission:
    """Let the language model re-rank where its job is switched on and validation people are served better for sure."""
    if Job.RERANK not in settings.llm.jobs or models.tier(Job.RERANK) is Tier.NONE or not choice.scores:
        return Admission(None, None)
    params = params_of(settings, RERANK, LlmRankerParams)
    try:
        trial = held_out(prepared.interactions, settings.train.seed).search()
    except NotEnoughData:
        return Admission(None, None)
    gate = decide(
        models,
        render,
        ranker_of(prepared, choice, settings, trial),
        trial,
        prepared.catalogue,
        params=params,
        gate=params_of(settings, GATE, GateParams),
        seed=settings.train.seed,
        progress=progress,
    )
    progress.say(f"The language model {'re-ranks' if gate.open else 'does not re-rank'}: {gate.reason}")
    return Admission(params.model_dump() if gate.open else None, gate)


def ranker_of(prepared: Prepared, choice: Choice, settings: Settings, trial: Trial) -> ByLength:
    """What would be served, fitted on the training part of ``trial``."""
    data = TrainingData(trial.train, prepared.catalogue, settings.train.seed, trial.now)
    fitted = {
        name: choice.fitted.get(name) or MODELS[name](choice.params[name]).fit(data)
        for name in dict.fromkeys((FILLER, *choice.needed))
    }
    filler = fitted[FILLER]
    model = fitted[choice.served] if choice.fusion is None else choice.fusion.over(fitted, data)
    long = Filled(model, filler)
    if choice.short is None or not isinstance(model, LinearCore):
        return ByLength(long, long)
    return ByLength(long, Filled(ShortCore.beside(model, choice.short).fit(data), filler))
