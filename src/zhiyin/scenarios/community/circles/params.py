"""How circles are found: ``circles.toml`` in the project's folder, where there is one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zhiyin.errors import ConfigError

FILE = "circles.toml"


class CirclesParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    friends: float = Field(1.0, ge=0, le=100)
    """Weight of links between people beside the other two; 0 leaves them out. Each kind of edge is first scaled to the
    same sum."""
    together: float = Field(1.0, ge=0, le=100)
    """Weight of having taken the same items, rare ones counting more."""
    alike: float = Field(0.5, ge=0, le=100)
    """Weight of similar interests: of what the interest model says of them, or of their items' texts."""
    neighbours: int = Field(15, ge=1, le=1000)
    """People with whom somebody shares most, and whose interests are nearest, to whom an edge is drawn."""
    rarity: float = Field(1.0, ge=0, le=8)
    """Exponent on the rarity of a shared item, log(1 + people / takers); 0 counts all alike."""
    method: Literal["leiden", "louvain"] = "leiden"
    """How the graph is parted."""
    resolution: float | None = Field(None, gt=0, le=100)
    """Above 1 more and smaller circles, below 1 fewer and larger ones. None: the first of 4, 2 and 1 at which 80 % of
    the people who have edges are in a circle, else 1."""
    tries: int = Field(4, ge=1, le=100)
    """The graph is parted so many times, from other beginnings; the parting of the highest modularity is kept."""
    smallest: int = Field(3, ge=2, le=10_000)
    """A circle of fewer people is none, and they are in no circle by it."""
    belongs: float = Field(0.2, gt=0, lt=1)
    """Somebody belongs to every circle to which so much of the weight of their edges goes."""
    same: float = Field(0.25, gt=0, le=1)
    """A circle is one of the run before where what the two have in common is this share of both together."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the beginnings."""


def circles_params(project: Path) -> CirclesParams:
    """Those of ``circles.toml`` in ``project``, else the defaults. Raises ConfigError naming file, key and fix."""
    path = project / FILE
    if not path.is_file():
        return CirclesParams()
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"not valid TOML: {broken}", where=str(path), fix="correct that line") from broken
    return read_params(told, str(path))


def read_params(told: dict[str, Any], where: str) -> CirclesParams:
    """Raises ConfigError for an unknown key or a value out of bounds."""
    try:
        return CirclesParams(**told)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        raise ConfigError(
            f"unknown key '{key}'" if unknown else f"key '{key}': {first['msg']}",
            where=where,
            fix=f"use some of {', '.join(CirclesParams.model_fields)}" if unknown else "see docs/community.md",
        ) from invalid
