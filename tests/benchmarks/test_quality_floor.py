"""What is served must stay as good as it was: whole searches on data made by a seed, above what they gave less noise.

Two small worlds, one with an order to learn from and one without. A change that moves a figure for the better moves the
floor with it; one that falls through the floor has made lists worse beyond what other random numbers would.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.data import DataSet, make_project
from benchmarks.peer_counting import SeqRules
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import measure
from zhiyin.evaluate.run import ProtocolName, evaluate, split_by
from zhiyin.ports import Silent
from zhiyin.types import TrainingData

NDCG = "NDCG@10"
SETTINGS = """name = "world"
[encoder]
model = "none"
[train]
search_seconds = 1
[models.sequence]
epochs = 2
members = 1
"""
USERS, TOPICS, PER_TOPIC, EVENTS = 400, 12, 15, 12
NOISE = 0.035
"""Half a 95 % interval of these figures over 400 users, which other random numbers would move them by."""
FOLLOWS = 0.5
"""Share of events that follow from the one before, where there is an order."""


def world(folder: Path, *, ordered: bool) -> DataSet:
    """Everybody has two topics. An event is the next item of the last one's topic, or one of a topic of theirs, the
    first items of it most; without an order only the latter."""
    random = np.random.default_rng(11)
    shares = 1 / np.arange(1, PER_TOPIC + 1)
    shares /= shares.sum()
    rows = []
    for user in range(USERS):
        topics = random.choice(TOPICS, 2, replace=False)
        last, seen = -1, set()
        for day in range(EVENTS):
            topic = int(random.choice(topics))
            item = topic * PER_TOPIC + int(random.choice(PER_TOPIC, p=shares))
            if ordered and last >= 0 and random.random() < FOLLOWS:
                item = last - last % PER_TOPIC + (last + 1) % PER_TOPIC
            if item not in seen:
                seen.add(item)
                rows.append((f"用户/{user}", f"item {item:03}", f"2026-01-{day + 1:02}"))
            last = item
    events, items = folder / "events.csv", folder / "items.csv"
    pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row").write_csv(events)
    titles = [(f"item {item:03}", f"第 {item} 件") for item in range(TOPICS * PER_TOPIC)]
    pl.DataFrame(titles, schema=["item_id", "title"], orient="row").write_csv(items)
    return DataSet("a world", events, items, ",")


@pytest.mark.parametrize(
    ("protocol", "gave"),
    [pytest.param("leave-one-out", 0.652, id="ordered"), pytest.param("random", 0.553, id="without-order")],
)
def test_the_served_model_is_as_good_as_it_was(tmp_path: Path, protocol: ProtocolName, gave: float) -> None:
    data = world(tmp_path, ordered=protocol == "leave-one-out")
    prepared, settings = make_project(data, tmp_path / "project", True, Silent(), text=SETTINGS)
    done = evaluate(prepared, settings, tmp_path / "project", Silent(), protocol=protocol, fit="refit")
    served = done.models[done.choice.served]
    assert served.means[NDCG] > gave - NOISE
    # What validation chose is not clearly worse on test than anything it passed over, a counting peer among them.
    trial = split_by(protocol, prepared.interactions, settings.train.seed).refit()
    training = TrainingData(trial.train, prepared.catalogue, settings.train.seed, trial.now)
    peer = Filled(SeqRules().fit(training), WindowedPopularity(days=None).fit(training))
    others = done.models | {"SeqRules": measure(peer, trial, prepared.catalogue)}
    for name, other in others.items():
        gap = bootstrap_difference(served.per_user[NDCG], other.per_user[NDCG])
        assert gap.mean >= 0 or not gap.clear, name
