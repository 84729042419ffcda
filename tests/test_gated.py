"""A retrained bundle is served where it proves better, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from zhiyin.bundle import FOLDER, active
from zhiyin.config import FILE_NAME, Settings, load_settings
from zhiyin.gated import train_if_better
from zhiyin.retraining_due import due
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.train import train

TEXT = '[encoder]\nmodel = "none"\n[train]\nsearch = false\n[retrain]\nminimum_new_events = 50\nnew_share = 0.5\n'
TEAS = [f"茶/{number}" for number in range(8)]
BOOKS = [f"book {number}" for number in range(8)]


class Shop:
    """People take teas at first, in no order; later each goes from tea N to book N, if ``rule``."""

    def __init__(self, folder: Path) -> None:
        (folder / FILE_NAME).write_text(TEXT, encoding="utf-8")
        self.folder = folder
        self.settings: Settings = load_settings(folder)
        self.store: SqlStore = open_store(self.settings.store.url, folder)
        self._time = 1_600_000_000_000_000

    def take(self, user: str, *items: str) -> None:
        rows = []
        for item in items:
            self._time += 60_000_000
            event = {"event_id": None, "user_id": user, "item_id": item, "event_type": "view", "value": None}
            rows.append({**event, "time": self._time})
        with self.store.writing() as writer:
            writer.put_events(pl.DataFrame(rows, schema_overrides={"value": pl.Float64, "event_id": pl.String}))

    def open(self) -> None:
        for number in range(40):
            self.take(f"早 {number}", TEAS[number % 8], TEAS[(number * 3 + 1) % 8], TEAS[(number * 5 + 2) % 8])
        for number in range(8):
            self.take(f"早 {number}", BOOKS[(number * 3) % 8])

    def follow_the_rule(self, people: range) -> None:
        for number in people:
            self.take(f"新 {number}", TEAS[number % 8])
        for number in people:
            self.take(f"新 {number}", BOOKS[number % 8])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    shop.open()
    yield shop
    shop.store.close()


def served(shop: Shop) -> str:
    return active(shop.store, shop.folder / FOLDER).manifest.name


def test_the_first_bundle_is_served(shop: Shop) -> None:
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert told.promoted
    assert "nothing to compare with" in told.reason
    assert served(shop) == told.bundle


def test_a_better_one_is_served(shop: Shop) -> None:
    first = train(shop.store, shop.settings, shop.folder).manifest.name
    assert due(shop.store, shop.settings) is None
    shop.follow_the_rule(range(60))
    shop.follow_the_rule(range(100, 180))
    assert "new events are" in (due(shop.store, shop.settings) or "")
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert told.promoted, told.reason
    assert told.low is not None
    assert told.low > 0
    assert served(shop) == told.bundle != first
    assert not list((shop.folder / FOLDER).glob(".comparing-*"))
    assert due(shop.store, shop.settings) is None


def test_one_that_is_no_better_is_not(shop: Shop) -> None:
    shop.follow_the_rule(range(200))
    first = train(shop.store, shop.settings, shop.folder).manifest.name
    draw = np.random.default_rng(0)
    for number in range(300, 360):
        shop.take(f"新 {number}", *draw.choice([*TEAS, *BOOKS], 4, replace=False).tolist())
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert not told.promoted, told.reason
    assert "keep" in told.reason
    assert served(shop) == told.bundle == first
    bundles = [path.name for path in (shop.folder / FOLDER).iterdir() if path.is_dir()]
    assert bundles == [first], "the candidate is gone"


def test_too_few_new_events_train_nothing(shop: Shop) -> None:
    first = train(shop.store, shop.settings, shop.folder).manifest.name
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert (told.promoted, told.bundle) == (False, first)
    shop.follow_the_rule(range(10))
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert (told.promoted, told.bundle) == (False, first)
    assert "people have new events" in told.reason


def test_the_erased_are_forgotten_whatever_it_costs(shop: Shop) -> None:
    first = train(shop.store, shop.settings, shop.folder).manifest.name
    shop.store.erase("早 1", b"key", 1)
    assert "erased" in (due(shop.store, shop.settings) or "")
    told = train_if_better(shop.store, shop.settings, shop.folder)
    assert told.promoted
    assert told.bundle != first
    assert "早 1" not in active(shop.store, shop.folder / FOLDER).users
    assert not shop.store.erasures.all(open_only=True)
