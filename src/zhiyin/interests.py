"""The interest model of a training: learned from everything, its interests named, and recognised from the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.bundle import FOLDER, active
from zhiyin.config import Settings
from zhiyin.errors import BundleError
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, Progress, Store
from zhiyin.prepare import Prepared
from zhiyin.rank.interests import NAME, InterestModel, InterestParams, Previous, name_interests, read_interests


def named_interests(
    model: InterestModel,
    prepared: Prepared,
    before: Previous | None,
    models: LanguageModels,
    settings: Settings,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The interests of ``model`` by row, as a manifest keeps them. Names come from the language model in use where it
    gives any; an interest of the training before keeps its id."""
    interactions = prepared.interactions
    named = name_interests(
        model.items,
        interactions.items.ids,
        prepared.catalogue,
        np.bincount(interactions.histories.items, minlength=interactions.n_items),
        previous=before,
        models=models,
        render=render,
        seconds=settings.llm.batch_seconds,
        progress=progress,
    )
    return [one.to_dict() for one in named]


def interests_before(store: Store, project: Path) -> Previous | None:
    """Those of the served bundle; None where there is none, or it has none that can be read."""
    try:
        bundle = active(store, project / FOLDER)
        if NAME not in bundle.manifest.models:
            return None
        model = InterestModel(InterestParams(**bundle.manifest.models[NAME])).restore(bundle.arrays(NAME))
        return Previous(bundle.item_ids, model.items, read_interests(bundle.manifest.interests))
    except (BundleError, ValueError, TypeError, KeyError):
        return None
