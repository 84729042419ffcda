"""Whether it is time to train again: so many new events, or so old a bundle."""

from __future__ import annotations

import json
import time

from zhiyin.config import Settings
from zhiyin.store.sql import SqlStore
from zhiyin.train import TRAINED_TO


def due(store: SqlStore, settings: Settings) -> str | None:
    """Why it is time, for a reader; None where it is not, and where nothing in ``[retrain]`` asks for it.

    Events are counted by their numbers, deleted ones included: it need not be exact."""
    rules = settings.retrain
    if rules.every_hours is None and rules.new_share is None:
        return None
    last = store.changes.mark().events
    bundles = store.bundles()
    served = bundles.filter(bundles["active"])
    if served.is_empty():
        return "nothing is trained yet" if last >= rules.minimum_new_events else None
    manifest = json.loads(served["manifest"][0])
    before = int(manifest["metrics"].get(TRAINED_TO, 0))
    new = last - before
    if new < rules.minimum_new_events:
        return None
    if rules.new_share is not None and new >= rules.new_share * max(1, before):
        return f"{new:,} new events, {new / max(1, before):.0%} of those before"
    hours = (time.time() - int(served["created"][0]) / 1e6) / 3600
    if rules.every_hours is not None and hours >= rules.every_hours:
        return f"the bundle is {hours:.1f} hours old"
    return None
