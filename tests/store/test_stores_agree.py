"""The same work on SQLite and on PostgreSQL: the same answers, the same rows, the same changes told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.store import open_store
from zhiyin.store.schema import metadata
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.rows import events_frame, links_frame

user = st.sampled_from(["u", "U", "张伟", "a/b ?#", "é", "e\u0301"])
thing = st.sampled_from(["i", "I", "茶/1", "%_\\"])
kind = st.sampled_from(["view", "rate"])
value = st.none() | st.sampled_from([0.0, 1.0, 0.1, -2.5])
time = st.none() | st.sampled_from([1, 2, 2**62, -(2**62)])
event = st.tuples(st.none() | st.sampled_from(["1", "2", "3"]), user, thing, kind, value, time)
title = st.none() | st.sampled_from(["", "T", "茶"])
item = st.tuples(thing, title, title, st.lists(kind, max_size=2), st.just("{}"), time, st.booleans())

step = st.one_of(
    st.tuples(st.just("add_events"), st.lists(event, max_size=6)),
    st.tuples(st.just("put_events"), st.lists(event, max_size=6)),
    st.tuples(st.just("overwrite_events"), st.lists(event, max_size=3)),
    st.tuples(st.just("set_items"), st.lists(item, max_size=4)),
    st.tuples(st.just("set_users"), st.lists(st.tuples(user, st.sampled_from(["{}", '{"k": 1}'])), max_size=4)),
    st.tuples(st.just("put_links"), st.lists(st.tuples(user, user, value, time), max_size=4)),
    st.tuples(st.just("patch_user"), user, st.dictionaries(kind, value, max_size=2)),
    st.tuples(st.just("patch_item"), thing, st.fixed_dictionaries({}, optional={"title": title, "time": time})),
    st.tuples(st.just("set_hidden"), st.lists(thing, max_size=3), st.booleans()),
    st.tuples(st.just("delete_user"), user),
    st.tuples(st.just("delete_item"), thing),
    st.tuples(st.just("delete_feedback"), user, thing, st.none() | st.lists(kind, max_size=2)),
    st.tuples(st.just("erase"), user, st.just(b"key"), st.just(5)),
    st.tuples(st.just("undone"), st.lists(event, min_size=1, max_size=3)),
)


def take(writer: Writer, name: str, *given: Any) -> Any:
    if name == "undone":
        try:
            with writer.part():
                writer.add_events(given[0])
                raise LookupError
        except LookupError:
            return None
    if name in ("put_events", "put_links"):
        return getattr(writer, name)((events_frame if name == "put_events" else links_frame)(given[0]))
    return getattr(writer, name)(*given)


def held(store: SqlStore) -> list[Any]:
    people = store.rows.users(limit=1000)
    return [
        people,
        store.rows.items(limit=1000),
        [row[1:] for row in store.events().rows()],
        store.links().rows(),
        store.feedback.page(limit=1000),
        [store.feedback.of_item(one.item_id) for one in store.rows.items(limit=1000)],
        store.events_of([one.user_id for one in people]).item_id,
        [(one.user_hash, one.time) for one in store.erasures.all()],
        store.counts(),
    ]


@pytest.fixture(scope="module")
def stores(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SqlStore]]:
    folder = tmp_path_factory.mktemp("agree")
    with (
        closing(open_store("sqlite:///zhiyin.db", folder)) as one,
        closing(open_store(postgres.fresh(), Path())) as other,
    ):
        yield [one, other]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(step, max_size=4), min_size=1, max_size=3))
def test_both_do_the_same(stores: list[SqlStore], work: list[list[tuple[Any, ...]]]) -> None:
    for store in stores:
        with store.writing() as writer:
            for table in reversed(metadata.sorted_tables):
                writer.connection.execute(table.delete())
    for transaction in work:
        marks = [store.changes.mark() for store in stores]
        answers = []
        for store in stores:
            with store.writing() as writer:
                answers.append([take(writer, *one) for one in transaction])
        assert answers[0] == answers[1]
        told = [store.changes.since(mark) for store, mark in zip(stores, marks, strict=True)]
        for name in ("users", "rewritten", "items", "hidden", "bundle", "all"):
            assert getattr(told[0], name) == getattr(told[1], name), name
        assert held(stores[0]) == held(stores[1])
