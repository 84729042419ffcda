from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin import kept
from zhiyin.kept import KeptHistories, Known, together
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.types import Histories

PEOPLE = ["ann", "李/四", "x?#%"]
KINDS = {"event_id": pl.String, "value": pl.Float64, "time": pl.Int64}


class Reader:
    """Reads items as numbers, and counts how often somebody is read."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.asked, self.passing = store, 0, set[str]()

    def __call__(self, users: Sequence[str]) -> tuple[dict[str, Known], Collection[str]]:
        self.asked += len(users)
        events = self.store.events_of(users)
        rows: dict[str, list[int]] = {user: [] for user in users}
        for user, item in zip(events.user_id, events.item_id, strict=True):
            rows[user].append(int(item))
        return {user: Known(Histories.of([own]), (f"no {user}",)) for user, own in rows.items()}, self.passing


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> SqlStore:
    return open_store("sqlite:///kept.db", tmp_path_factory.mktemp("kept"))


def put(store: SqlStore, user: str, item: int) -> None:
    row = {"event_id": f"{time.perf_counter_ns()}", "user_id": user, "item_id": str(item), "event_type": "view"}
    with store.writing() as writer:
        writer.put_events(pl.DataFrame([{**row, "value": None, "time": None}], schema_overrides=KINDS))


def items(found: dict[str, Known]) -> dict[str, list[int]]:
    return {user: one.history.items.tolist() for user, one in found.items()}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "ask", "erase", "forget"]), st.sampled_from(PEOPLE)), max_size=14))
def test_what_is_kept_is_what_is_stored(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]) -> None:
    store = open_store("sqlite:///kept.db", tmp_path_factory.mktemp("kept"))
    keeping = KeptHistories(store, Reader(store))
    for number, (step, user) in enumerate(steps):
        if step == "put":
            put(store, user, number)
        elif step == "erase":
            store.erase(user, b"key", 0)
        elif step == "forget":
            keeping.forget([user])
        assert items(keeping.of(PEOPLE[number % 3 :])) == items(Reader(store)(PEOPLE[number % 3 :])[0])
    store.close()


def test_nobody_is_read_twice_without_need(store: SqlStore) -> None:
    put(store, "ann", 1)
    put(store, "李/四", 2)
    reader = Reader(store)
    keeping = KeptHistories(store, reader)
    found = keeping.of(["李/四", "ann"])
    assert list(found) == ["李/四", "ann"]
    assert found["ann"].turned_down == ("no ann",)
    keeping.of(["ann", "李/四"])
    assert reader.asked == 2
    put(store, "ann", 3)
    assert items(keeping.of(PEOPLE)) == {"ann": [1, 3], "李/四": [2], "x?#%": []}
    assert reader.asked == 4, "one who has something new, and one who has nothing"


def test_what_time_alone_changes_is_not_kept(store: SqlStore) -> None:
    put(store, "ann", 1)
    reader = Reader(store)
    reader.passing = {"ann"}
    keeping = KeptHistories(store, reader)
    keeping.of(["ann"])
    keeping.of(["ann"])
    assert reader.asked == 2


def test_it_does_not_grow(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_EVENTS", 3)
    keeping = KeptHistories(store, Reader(store))
    for number in range(4):
        put(store, "ann", number)
        put(store, f"other {number}", number)
        keeping.of(["ann", f"other {number}"])
        assert sum(len(one.history.items) for _, one in keeping._kept.values()) == keeping._events <= 3


def test_nobody_together_is_nobody() -> None:
    assert len(together([])) == 0
    assert together([Histories.of([[1, 2]]), Histories.of([[]])]).lengths.tolist() == [2, 0]
