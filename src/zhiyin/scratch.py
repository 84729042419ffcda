"""A copy of a project to play with: what is stored and served, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zhiyin.bundle import FOLDER, active
from zhiyin.config import Settings
from zhiyin.pipeline import FOLDER as PIPELINES
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.understand.cache import text_hash

URL = "sqlite:///scratch.db"


@dataclass(frozen=True)
class Scratch:
    folder: Path
    store: SqlStore
    settings: Settings


def scratch_copy(
    store: SqlStore, settings: Settings, project: Path, folder: Path, pipelines: Mapping[str, str], *, past: bool
) -> Scratch:
    """Items of ``store`` (whatever database that is) in a SQLite file, with ``past`` users, events and links too, and
    the served bundle and ``pipelines`` (text by name) beside it. Without a language model, and trained in seconds: no
    search, and no interests learned, of which lists know nothing. Raises BundleError where nothing is trained."""
    import polars as pl

    served = active(store, project / FOLDER)
    brief = settings.model_copy(
        update={
            "train": settings.train.model_copy(update={"search": False}),
            "llm": settings.llm.model_copy(update={"provider": "none"}),
            "models": {**settings.models, "interests": {**settings.models.get("interests", {}), "passes": 0}},
        }
    )
    copy = open_store(URL, folder)
    with copy.writing() as writer:
        writer.put_items(store.items())
        if past:
            writer.put_users(store.users())
            writer.put_events(store.events().with_columns(pl.lit(None, dtype=pl.String).alias("event_id")))
            writer.put_links(store.links())
    if served.manifest.encoder is not None:
        hashes = [text_hash(text) for text in served.catalogue.texts]
        copy.put_vectors(served.manifest.encoder, store.vectors(served.manifest.encoder, hashes))
    name = served.manifest.name
    shutil.copytree(served.folder, folder / FOLDER / name)
    copy.record_bundle(name, served.manifest.model_dump(mode="json"))
    copy.use_bundle(name)
    (folder / PIPELINES).mkdir()
    for key, text in pipelines.items():
        (folder / PIPELINES / f"{key}.toml").write_text(text, encoding="utf-8")
    return Scratch(folder, copy, brief)
