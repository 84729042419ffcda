"""Write a bundle: into a temporary folder first, renamed when everything is on disk.

Whoever changes the folder of bundles holds its lock. The lock dies with its holder, so an unfinished folder that is
seen under the lock was left behind by a run that was killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle.manifest import FORMAT, FileEntry, Manifest, fingerprint
from zhiyin.errors import BundleError
from zhiyin.types import Catalogue

MANIFEST = "manifest.json"
FEATURES = "features.parquet"
"""What was read in items. It depends on what the store held before, as the taxonomy does: it is no part of the
fingerprint."""
LOCK = ".lock"
UNFINISHED = ".unfinished-"
PACKAGES = (
    "zhiyin",
    "implicit",
    "lightgbm",
    "numpy",
    "onnxruntime",
    "polars",
    "safetensors",
    "scipy",
    "sparse-dot-topn",
    "tokenizers",
)
TENSORS = "weights.safetensors"
"""The weights of a network, in the form in which networks are passed on."""
NETWORKS = frozenset({"sequence"})


@dataclass(frozen=True)
class BundleContent:
    """What training hands over. ``models``: by name, parameters and arrays."""

    served: str
    models: dict[str, tuple[dict[str, Any], dict[str, NDArray[Any]]]]
    user_ids: list[str]
    item_ids: list[str]
    catalogue: Catalogue
    data_fingerprint: str
    seed: int
    config: dict[str, Any]
    metrics: dict[str, Any]
    search: dict[str, Any]
    encoder: str | None
    interests: list[dict[str, Any]] = field(default_factory=list)
    features: list[str | None] | None = None
    """What was read in each item, as JSON; None where nothing was."""


def write(root: Path, content: BundleContent, created: int) -> Manifest:
    """Write ``root``/NAME and return its manifest. Nothing is visible under that name until it is whole.

    NAME is the UTC time of ``created`` (microseconds) and the beginning of the fingerprint. Writers wait for each
    other. Raises BundleError where the disk refuses.
    """
    from polars.exceptions import PolarsError

    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root):
            return _write(root, content, created)
    except (OSError, PolarsError) as refused:
        fix = "make room or give access there, then train again"
        raise BundleError(f"cannot write the bundle: {refused}", where=str(root), fix=fix) from refused


def _write(root: Path, content: BundleContent, created: int) -> Manifest:
    for left in root.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = unfinished(root)
    folder.mkdir()
    try:
        _write_parts(folder, content)
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        files = {path: entry_of(folder / path) for path in paths}
        parts = {
            "served": content.served,
            "models": {name: params for name, (params, _) in content.models.items()},
            "data_fingerprint": content.data_fingerprint,
            "seed": content.seed,
            "config": content.config,
            "encoder": content.encoder,
        }
        mark = fingerprint(parts, {path: entry for path, entry in files.items() if path != FEATURES})
        moment = datetime.fromtimestamp(created / 1e6, tz=UTC).strftime("%Y%m%dT%H%M%S")
        name = _free(root, f"{moment}-{mark[:8]}")
        manifest = Manifest(
            format=FORMAT,
            name=name,
            created=created,
            **parts,
            metrics=content.metrics,
            search=content.search,
            interests=content.interests,
            counts={"users": len(content.user_ids), "items": len(content.item_ids)},
            versions={package: version(package) for package in PACKAGES},
            files=files,
            fingerprint=mark,
        )
        told = manifest.model_dump_json(indent=1)
        (folder / MANIFEST).write_text(told, encoding="utf-8")
        _sync(folder)
        folder.rename(root / name)
        _sync_one(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # As a reader finds it: JSON knows no NaN and no tuples.
    return Manifest.model_validate_json(told)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of ``root``, waiting for whoever has it."""
    with (root / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def unfinished(root: Path) -> Path:
    """A free name in ``root`` for a folder on its way in or out; the next write sweeps what is left under one."""
    return root / f"{UNFINISHED}{secrets.token_hex(8)}"


def _write_parts(folder: Path, content: BundleContent) -> None:
    import polars as pl

    catalogue = content.catalogue
    items = pl.DataFrame(
        {
            "item_id": content.item_ids,
            "title": catalogue.titles,
            "categories": catalogue.categories,
            "text": catalogue.texts,
            "hidden": catalogue.hidden,
        },
        schema={
            "item_id": pl.String,
            "title": pl.String,
            "categories": pl.List(pl.String),
            "text": pl.String,
            "hidden": pl.Boolean,
        },
    )
    items.write_parquet(folder / "items.parquet")
    if content.features is not None:
        read = pl.DataFrame({"item_id": content.item_ids, "features": content.features})
        read.cast(pl.String).write_parquet(folder / FEATURES)
    pl.DataFrame({"user_id": content.user_ids}, schema={"user_id": pl.String}).write_parquet(folder / "users.parquet")
    if catalogue.vectors is not None:
        np.save(folder / "vectors.npy", catalogue.vectors, allow_pickle=False)
    for name, (_, arrays) in content.models.items():
        (folder / "models" / name).mkdir(parents=True)
        if name in NETWORKS:
            from safetensors.numpy import save_file

            whole = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
            save_file(whole, folder / "models" / name / TENSORS)
            continue
        for key, array in arrays.items():
            np.save(folder / "models" / name / f"{key}.npy", array, allow_pickle=False)


def entry_of(path: Path) -> FileEntry:
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def _free(root: Path, name: str) -> str:
    """``name``, or with a number behind it where it is taken."""
    taken, count = name, 2
    while (root / taken).exists():
        taken, count = f"{name}-{count}", count + 1
    return taken


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
