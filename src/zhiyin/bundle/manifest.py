"""What a bundle says of itself, and the fingerprint that names its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

FORMAT = 1
"""Raised when the layout changes."""


class FileEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    size: int


class Stamp(BaseModel):
    """The one key that every format has, read first: a newer manifest may hold keys we do not know."""

    format: int


class Manifest(BaseModel):
    """manifest.json. ``created`` is in microseconds UTC; ``models`` holds parameters by model; ``encoder`` is the text
    encoder's id or None; ``interests`` are their names, row by row. Neither they nor what was read in items
    (features.parquet) are part of the fingerprint: both depend on what was trained before, and touch lists only where
    somebody asks in words; ``versions`` are the packages that took part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    name: str
    created: int
    served: str
    models: dict[str, dict[str, Any]]
    data_fingerprint: str
    seed: int
    config: dict[str, Any]
    metrics: dict[str, Any]
    search: dict[str, Any]
    encoder: str | None
    interests: list[dict[str, Any]] = []
    counts: dict[str, int]
    versions: dict[str, str]
    files: dict[str, FileEntry]
    fingerprint: str


def fingerprint(parts: dict[str, Any], files: dict[str, FileEntry]) -> str:
    """Hexadecimal sha256 over what was learned from what: the same data, config and seed give the same."""
    told = json.dumps(
        [parts, {name: entry.sha256 for name, entry in files.items()}], sort_keys=True, ensure_ascii=False
    )
    return hashlib.sha256(told.encode()).hexdigest()
