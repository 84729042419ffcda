"""Two names of one person made one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.store import open_store
from zhiyin.store.impressions import Impression
from zhiyin.store.profiles import KeptState
from zhiyin.testing.rows import event, put_events, put_links, put_users

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

OLD, NEW = "session:cookie/1", "张伟"


def test_everything_moves_once(tmp_path: Path) -> None:
    store, other = (open_store("sqlite:///zhiyin.db", tmp_path) for _ in range(2))
    put_users(store, [(OLD, '{"city": "杭州", "plan": "none"}'), (NEW, '{"plan": "gold"}')])
    put_events(store, [event(OLD, "a", 1), event(NEW, "b", 2), event(OLD, "c", 3)])
    put_links(store, [(OLD, "x", 2.0, 1), (NEW, "x", 1.0, None), ("y", OLD, 1.0, None), (OLD, NEW, 1.0, None)])
    store.profiles.add_edit(OLD, "少推茶", {}, 1)
    for who in (OLD, NEW):
        store.profiles.put_state(who, KeptState("bundle", 1, b"{}"))
    with store.writing() as writer:
        writer.put_impressions([Impression("list/1", OLD, "home", 1, [("a", 1, 1.0)])])
    mark = other.changes.mark()
    with store.writing() as writer:
        assert writer.merge_people(OLD, NEW) == {
            "users": 1,
            "events": 2,
            "impressions": 1,
            "profile_edits": 1,
            "links": 3,
        }
    assert store.events(NEW)["item_id"].to_list() == ["a", "b", "c"], "in order of arrival"
    assert store.events(OLD).is_empty()
    assert store.rows.user(OLD) is None
    user = store.rows.user(NEW)
    assert user is not None
    assert user.attributes == '{"city": "杭州", "plan": "gold"}'
    assert store.links().rows() == [("y", NEW, 1.0, None), (NEW, "x", 1.0, None)], "nobody follows themselves"
    assert [one.said for one in store.profiles.edits(NEW)] == ["少推茶"]
    assert store.profiles.state(NEW) is store.profiles.state(OLD) is None
    assert [one.impression_id for one in store.impressions.of_user(NEW)] == ["list/1"]
    found = other.changes.since(mark)
    assert {OLD, NEW} <= found.rewritten, "other processes hear of both"
    with store.writing() as writer:
        assert writer.merge_people(OLD, NEW) == {}
        assert writer.merge_people(NEW, NEW) == {}
    assert not other.changes.since(found.mark)


def test_undone_with_its_transaction(tmp_path: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    put_events(store, [event(OLD, "a")])

    def fail() -> None:
        with store.writing() as writer:
            writer.merge_people(OLD, NEW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert len(store.events(OLD)) == 1
    assert store.rows.user(NEW) is None


people = st.sampled_from(["a", "b", "c", "d"])


@settings(max_examples=40, deadline=None)
@given(
    links=st.lists(st.tuples(people, people), max_size=8, unique=True),
    events=st.lists(st.tuples(people, st.sampled_from(["i", "j"])), max_size=8),
    source=people,
    target=people,
)
def test_nothing_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory,
    links: list[tuple[str, str]],
    events: list[tuple[str, str]],
    source: str,
    target: str,
) -> None:
    """As if the source had been called by the target's name from the beginning."""
    store: SqlStore = open_store("sqlite:///:memory:", tmp_path_factory.getbasetemp())
    put_events(store, [event(who, item, place) for place, (who, item) in enumerate(events)])
    put_links(store, [(one, other, 1.0, None) for one, other in links if one != other])
    with store.writing() as writer:
        writer.merge_people(source, target)

    def name(who: str) -> str:
        return target if who == source else who

    assert [(row[1], row[2]) for row in store.events().rows()] == [(name(who), item) for who, item in events]
    merged = {(name(one), name(other)) for one, other in links if one != other}
    assert {row[:2] for row in store.links().rows()} == {pair for pair in merged if pair[0] != pair[1]}
    store.close()
