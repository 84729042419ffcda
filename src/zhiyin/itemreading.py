"""Items of a project, read by the tier that its settings ask for: store, encoder and language model joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import polars as pl

from zhiyin.config import Settings
from zhiyin.llm import open_models
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, Progress, Silent, Store
from zhiyin.store.sql import SqlStore
from zhiyin.types import Floats, Job
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.items.asking import Asked
from zhiyin.understand.items.context import Context, Encode
from zhiyin.understand.items.reading import FeatureRows, Reader, Reading, read_catalogue, read_items
from zhiyin.understand.items.source import ItemSource, item_sources
from zhiyin.understand.items.taxonomy import load_taxonomy


def read_project(
    store: Store,
    settings: Settings,
    progress: Progress | None = None,
    models: LanguageModels | None = None,
    items: pl.DataFrame | None = None,
) -> Reading:
    """Every item of ``store``, in order of id; the taxonomy grows first. ``models`` are those of the settings where
    none are given. Raises AssetError where the text encoder cannot be had."""
    progress = progress or Silent()
    sources = item_sources(store.items() if items is None else items)
    encode = encoder_of(store, settings, sources, progress)
    return read_catalogue(
        sources,
        rows_of(store),
        vectors=None if encode is None else encode([source.encoded for source in sources]),
        encode=encode,
        models=models if models is not None else item_models(store, settings, progress),
        render=render,
        seed=settings.train.seed,
        progress=progress,
    )


def read_some(store: Store, settings: Settings, item_ids: Sequence[str], progress: Progress | None = None) -> Reading:
    """The items ``item_ids`` alone, in that order, within the taxonomy as it stands. Where there is none yet the whole
    catalogue is read. All must be in the store."""
    progress = progress or Silent()
    rows = rows_of(store)
    taxonomy = load_taxonomy(rows)
    sources = item_sources(store.items())
    places = {source.item_id: place for place, source in enumerate(sources)}
    wanted = [places[item] for item in item_ids]
    if not taxonomy.topics:
        whole = read_project(store, settings, progress)
        return Reading(
            [whole.features[place] for place in wanted],
            whole.taxonomy,
            whole.reader,
            whole.read,
            whole.kept,
            whole.asked,
            whole.proposals,
        )
    encode = encoder_of(store, settings, sources, progress)
    some = [sources[place] for place in wanted]
    vectors = None if encode is None else encode([source.encoded for source in some])
    reader = Reader(item_models(store, settings, progress), render)
    context = Context.of(taxonomy, sources, None, encode)
    return read_items(some, context, rows, vectors, encode, reader, Asked(), progress)


def item_models(store: Store, settings: Settings, progress: Progress) -> LanguageModels | None:
    """The model that reads items; None where that job is switched off."""
    return open_models(settings.llm, store, progress) if Job.ITEMS in settings.llm.jobs else None


def encoder_of(store: Store, settings: Settings, sources: Sequence[ItemSource], progress: Progress) -> Encode | None:
    """A function from texts to vectors that are kept in the store; None where the settings ask for no encoder."""
    encoder = make_encoder(settings.encoder, [source.encoded for source in sources], progress)
    if encoder is None:
        return None

    def encode(texts: Sequence[str]) -> Floats:
        return encode_catalogue(texts, encoder, store) if texts else np.zeros((0, encoder.dimension), dtype=np.float32)

    return encode


def rows_of(store: Store) -> FeatureRows:
    return cast(SqlStore, store).features
