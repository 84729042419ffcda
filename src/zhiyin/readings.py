"""What was read in items, as a bundle keeps it: with names of topics in place of ids, so that it stands alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zhiyin.config import Settings
from zhiyin.itemreading import read_project
from zhiyin.ports import LanguageModels, Progress
from zhiyin.store.sql import SqlStore
from zhiyin.types import IdMap, ItemFeatures
from zhiyin.understand.items.asking import Read
from zhiyin.understand.items.coded import from_json, to_json
from zhiyin.understand.items.taxonomy import Taxonomy


def read_for(
    store: SqlStore, settings: Settings, order: IdMap, models: LanguageModels, progress: Progress
) -> list[str | None]:
    """Every item of ``order`` read, as JSON, in its order."""
    items = store.items()
    reading = read_project(store, settings, progress, models, items)
    progress.say(reading.line())
    told: list[str | None] = [None] * len(order)
    for item_id, features in zip(items["item_id"].to_list(), reading.features, strict=True):
        if (row := order.row(item_id)) >= 0:
            told[row] = to_json(Read(named(features, reading.taxonomy)))
    return told


def named(features: ItemFeatures, taxonomy: Taxonomy) -> ItemFeatures:
    names = {taxonomy.name(topic): weight for topic, weight in features.topics.items()}
    return replace(features, topics={name: weight for name, weight in names.items() if name})


def decoded(told: Sequence[str | None]) -> list[ItemFeatures | None]:
    """What ``read_for`` gave; None for what cannot be read."""
    return [_decoded(one) for one in told]


def _decoded(one: str | None) -> ItemFeatures | None:
    try:
        return None if one is None else from_json(one).features
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
