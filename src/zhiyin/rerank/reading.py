"""Stages out of what a pipeline file says."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zhiyin.errors import ConfigError
from zhiyin.rerank.base import Stage
from zhiyin.rerank.registry import LAST, STAGES


class PipelineFile(BaseModel):
    """What a pipeline file says beside its stages."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    candidates: int = Field(200, ge=1, le=10_000)
    """Items that enter the first stage."""
    stage: list[dict[str, Any]] = []
    """Stages in order, each with its ``kind`` and its parameters."""


def read_stages(told: dict[str, Any], where: str) -> tuple[int, list[Stage]]:
    """The number of candidates and the stages of a file that says ``told`` (as TOML has it). Raises ConfigError naming
    ``where``, the stage, the key and the fix."""
    try:
        file = PipelineFile(**told)
    except ValidationError as invalid:
        raise _refused(invalid, PipelineFile, where) from invalid
    stages = [_stage(one, f"{where}, stage {place}") for place, one in enumerate(file.stage, 1)]
    for place, stage in enumerate(stages[:-1], 1):
        if stage.kind == LAST:
            raise ConfigError(
                f"'{LAST}' stands before other stages, which would change the chances it logs",
                where=f"{where}, stage {place}",
                fix="put it last, once",
            )
    return file.candidates, stages


def _stage(told: dict[str, Any], where: str) -> Stage:
    values = dict(told)
    name = values.pop("kind", None)
    if not isinstance(name, str) or name not in STAGES:
        what = f"unknown kind '{name}'" if name is not None else "no kind"
        raise ConfigError(what, where=where, fix=f"use one of {', '.join(STAGES)}")
    kind = STAGES[name]
    try:
        return kind(kind.params_type(**values))
    except ValidationError as invalid:
        raise _refused(invalid, kind.params_type, f"{where} ({name})") from invalid


def _refused(invalid: ValidationError, kind: type[BaseModel], where: str) -> ConfigError:
    first = invalid.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = f"use some of {', '.join(kind.model_fields)}" if len(first["loc"]) == 1 else "see docs/pipelines.md"
        return ConfigError(f"unknown key '{key}'", where=where, fix=known)
    if first["type"] == "missing":
        return ConfigError(f"key '{key}' is missing", where=where, fix=f"give '{key}'")
    said = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"key '{key}': {said}", where=where, fix="see docs/pipelines.md")
