"""Parts of the engine beside the models of the table that have parameters of their own under ``[models.NAME]``."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from zhiyin.config import Settings
from zhiyin.errors import ConfigError
from zhiyin.fused import FusedModel
from zhiyin.fusing import FusingParams
from zhiyin.rank.interests import NAME, InterestParams
from zhiyin.rank.llm_ranker import LlmRankerParams
from zhiyin.reranking import GateParams

P = TypeVar("P", bound=BaseModel)

INTERESTS, RERANK, GATE = NAME, "rerank", "rerank_gate"
PARTS: dict[str, type[BaseModel]] = {
    INTERESTS: InterestParams,
    FusedModel.name: FusingParams,
    RERANK: LlmRankerParams,
    GATE: GateParams,
}


def params_of(settings: Settings, name: str, kind: type[P]) -> P:
    """Parameters of the part ``name``. Raises ConfigError for an unknown name or a value out of bounds."""
    try:
        return kind(**settings.models.get(name, {}))
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        raise ConfigError(
            f"unknown parameter '{key}'" if unknown else f"parameter '{key}': {first['msg']}",
            where=f"models.{name}",
            fix=f"use one of: {', '.join(kind.model_fields)}" if unknown else "give a value within bounds",
        ) from invalid
