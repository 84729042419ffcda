"""Whether it is time to train again: new events, the age of the bundle, or lists that people take less from."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.config import Settings
from zhiyin.feedback.drift import Limits
from zhiyin.feedback.drift import due as decided
from zhiyin.feedback.outcomes import outcomes
from zhiyin.store.sql import SqlStore
from zhiyin.train import TRAINED_TO

LISTS = 20_000
"""Lists shown, the latest, from which the drop of the reward is told."""


def due(store: SqlStore, settings: Settings) -> str | None:
    """Why it is time, for a reader; None where it is not, and where nothing in ``[retrain]`` asks for it.

    Events are counted by their numbers, deleted ones included: it need not be exact."""
    rules = settings.retrain
    if rules.every_hours is None and rules.new_share is None and rules.drop is None:
        return None
    last = store.changes.mark().events
    bundles = store.bundles()
    served = bundles.filter(bundles["active"])
    if served.is_empty():
        return "nothing is trained yet" if last >= rules.minimum_new_events else None
    if erased := store.erasures.all(open_only=True):
        return f"{len(erased)} erased people that the bundle still knows"
    before = int(json.loads(served["manifest"][0])["metrics"].get(TRAINED_TO, 0))
    if last - before < rules.minimum_new_events:
        return None
    days = None if rules.every_hours is None else rules.every_hours / 24
    limits = Limits(share=rules.new_share, days=days, drop=rules.drop, fewest=rules.minimum_new_events)
    rewards = {} if rules.drop is None else _rewards(store, served["name"][0])
    return decided(
        limits,
        trained_on=before,
        new=last - before,
        trained_at=int(served["created"][0]),
        now=time.time_ns() // 1000,
        **rewards,
    )


def _rewards(store: SqlStore, bundle: str) -> dict[str, NDArray[np.float64]]:
    """What came of each list: of other bundles, and of this one, in order."""
    import polars as pl

    shown = store.impressions.frame()
    lists = shown["seq"].unique().sort()
    if len(lists) > LISTS:
        shown = shown.filter(pl.col("seq") > lists[-LISTS])
    joined = outcomes(shown, store.events()).frame
    taken = joined.group_by("impression_id", maintain_order=True).agg(pl.col("reward").sum(), pl.col("bundle").first())
    own = taken["bundle"] == bundle
    parts: dict[str, Any] = {"before": taken.filter(~own), "since": taken.filter(own)}
    return {name: part["reward"].to_numpy().astype(np.float64) for name, part in parts.items()}
