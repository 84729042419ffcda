"""What was chosen on validation, and how a project remembers it for the same data and settings."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.short import ShortCore
from zhiyin.config import Settings
from zhiyin.errors import StoreError, ZhiyinError
from zhiyin.fused import FusedModel, FusionParams
from zhiyin.fusing import FusingParams
from zhiyin.parts import params_of
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split
from zhiyin.rank.fusion import Combiner
from zhiyin.rank.probability import Probability
from zhiyin.registry import MODELS
from zhiyin.types import TrainingData

FOLDER = "searches"
"""Folder of a project that keeps what was chosen."""
FORMAT = 11
"""Raised when the search changes, so that older choices are not taken up again."""


@dataclass(frozen=True)
class Combined:
    """What was learned of combining: enough to do it again with other fits of the same models."""

    params: FusionParams
    combiner: Combiner

    @classmethod
    def of(cls, model: FusedModel | None) -> Combined | None:
        return None if model is None or model.combiner is None else cls(model.params, model.combiner)

    def over(self, members: Mapping[str, Recommender], data: TrainingData) -> FusedModel:
        """The combination of ``members``, all fitted on ``data``."""
        own = {name: members[name] for name in self.params.members}
        return FusedModel(self.params, own, self.combiner).over(data)


@dataclass(frozen=True)
class Choice:
    """Chosen on validation. ``params`` and ``scores`` (NDCG@10) by model, in table order; ``served`` has the highest
    score; ``probability`` says how likely the item at a place of a list is what comes next."""

    served: str
    params: dict[str, Params]
    scores: dict[str, float]
    summary: dict[str, Any]
    probability: Probability
    first_place: float | None = None
    """Chance of a typical first place, by which re-ranking tells a sure list from an unsure one; None: not known."""
    short: Params | None = None
    """Parameters of the core for short histories; None where the served model answers for them too."""
    fusion: Combined | None = None
    """How models are combined; None where no combination is served."""
    fitted: Mapping[str, Recommender] = field(default_factory=dict, compare=False)
    """Every model as fitted on the training part, if it was fitted just now."""

    @property
    def needed(self) -> list[str]:
        """Models that have to be fitted to serve."""
        return [self.served] if self.fusion is None else list(self.fusion.params.members)


def choice_key(split: Split, prepared: Prepared, settings: Settings) -> str:
    """Names everything that decides the outcome: data, split, settings, and what the search may try."""
    kinds: list[type[Recommender]] = [*MODELS.values(), ShortCore]
    told = {
        "train": settings.train.model_dump(exclude={"keep_bundles"}),
        "models": settings.models,
        "split": split.description,
        "space": {kind.name: [kind.params_type().model_dump(), kind.search_space] for kind in kinds},
        "fusion": params_of(settings, FusedModel.name, FusingParams).model_dump(),
        "version": [FORMAT, version("zhiyin")],
    }
    text = json.dumps([prepared.fingerprint, told], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def read_choice(path: Path) -> Choice | None:
    """The choice kept at ``path``; None where there is none that can be used, so that it is made again."""
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, BadZipFile, ZhiyinError):
        return None


def write_choice(path: Path, choice: Choice) -> None:
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


def _to_json(choice: Choice) -> dict[str, Any]:
    fusion = choice.fusion
    return {
        "served": choice.served,
        "params": {name: params.model_dump() for name, params in choice.params.items()},
        "scores": choice.scores,
        "summary": choice.summary,
        "probability": choice.probability.to_dict(),
        "first_place": choice.first_place,
        "short": None if choice.short is None else choice.short.model_dump(),
        "fusion": None if fusion is None else [fusion.params.model_dump(), _packed(fusion.combiner.arrays())],
    }


def _from_json(told: dict[str, Any]) -> Choice:
    params = {name: MODELS[name].make_params(values) for name, values in told["params"].items()}
    short = None if told["short"] is None else ShortCore.make_params(told["short"])
    probability = Probability.from_dict(told["probability"])
    fusion = None
    if told["fusion"] is not None:
        chosen = FusionParams(**told["fusion"][0])
        fusion = Combined(chosen, Combiner.restore(chosen.columns, chosen.kind, _unpacked(told["fusion"][1])))
    return Choice(
        told["served"], params, told["scores"], told["summary"], probability, told["first_place"], short, fusion
    )


def _packed(arrays: dict[str, NDArray[Any]]) -> str:
    held = io.BytesIO()
    np.savez_compressed(held, allow_pickle=False, **arrays)
    return base64.b64encode(held.getvalue()).decode("ascii")


def _unpacked(told: str) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(base64.b64decode(told)), allow_pickle=False) as held:
        return {name: held[name] for name in held.files}
