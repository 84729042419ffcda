"""What every store must do for the scenarios, as checks like those of ``testing.stores``."""

from __future__ import annotations

import json

from sqlalchemy import insert

from zhiyin.store.circles import Member
from zhiyin.store.records import Record, about
from zhiyin.store.schema import ad_shows
from zhiyin.testing.served_stores import IDS, Check, Make


def check_records(make: Make) -> None:
    """Versions count up, the newest in a state is found, and each key has its own."""
    store = make()
    put = store.records.put
    assert [put("page", "茶/1", state, {"数": at}, now=at) for at, state in enumerate(["live", "draft"])] == [1, 2]
    assert [put("page", key, "draft", {}, now=5) for key in IDS] == [1] * len(IDS)
    assert put("other", "茶/1", "live", {"a": [None, 0.1]}) == 1
    newest = Record("page", "茶/1", 2, "draft", {"数": 1}, 1)
    assert store.records.latest("page", "茶/1") == newest
    assert store.records.latest("page", "茶/1", "live") == Record("page", "茶/1", 1, "live", {"数": 0}, 0)
    assert store.records.latest("page", "none") is store.records.get("page", "茶/1", 3) is None
    assert store.records.versions("page", "茶/1") == [newest, store.records.get("page", "茶/1", 1)]
    assert [one.key for one in store.records.every("page")] == sorted([*IDS, "茶/1"])
    assert [(one.key, one.version) for one in store.records.every("page", "live")] == [("茶/1", 1)]
    pages: list[Record] = []
    while some := store.records.every("page", "draft", after=pages[-1].key if pages else None, limit=3):
        pages += some
    assert pages == store.records.every("page", "draft")
    arrived = store.records.arrived("page")
    assert [(one.key, one.version) for _, one in arrived] == [("茶/1", 2), *((key, 1) for key in IDS)]
    assert store.records.arrived("page", after=arrived[0][0], limit=2) == arrived[1:3]
    assert store.records.arrived("page", after=arrived[-1][0]) == store.records.arrived("none") == []
    assert store.records.set_state("page", "茶/1", "live")
    assert store.records.set_state("page", "茶/1", "old", 1)
    assert not store.records.set_state("page", "茶/1", "old", 3)
    assert not store.records.set_state("page", "none", "old")
    assert [one.state for one in store.records.versions("page", "茶/1")] == ["live", "old"]
    assert store.records.delete("page", "茶/1") == 2
    assert store.records.delete("page", "茶/1") == 0
    with store.writing() as writer:
        assert writer.put_record("page", "茶/1", "draft", {}) == 1
        assert writer.record("page", "茶/1") is not None
        assert writer.set_record_state("page", "茶/1", "live")
    with store.writing() as writer:
        assert writer.delete_records("page", "茶/1") == 1
    assert len(store.records.every("other")) == 1


def check_circles(make: Make) -> None:
    store = make()
    given = [Member("c/1", "u", 1.0), Member("c/1", "张伟", 0.5), Member("圈", "张伟", 2.0)]
    with store.writing() as writer:
        writer.set_users([("u", "{}"), ("张伟", "{}")])
        assert writer.replace_circle_members([Member("gone", "u")]) == 1
        assert writer.replace_circle_members(iter([*given, Member("c/1", "who was erased")])) == 3
    assert store.circles.all() == given
    assert store.circles.of_user("张伟") == [given[2], given[1]]
    assert store.circles.of_user("nobody") == store.circles.members("gone") == []
    assert store.circles.members("c/1") == given[:2]
    assert store.circles.members("c/1", 1) == given[:1]
    assert store.circles.sizes() == {"c/1": 2, "圈": 1}


def check_what_scenarios_keep_of_a_person(make: Make) -> None:
    """Circles, shown advertisements and documents about a person are given out, move with the name and are erased."""
    store = make()
    for name in IDS:
        store.records.put("person.appeal", about(name, "1"), "open", {"of": name}, now=1)
        store.records.put("person.note", about(name), "open", {"of": name}, now=1)
        store.records.put("page", name, "live", {})
    with store.writing() as writer:
        writer.set_users((name, "{}") for name in IDS)
        writer.replace_circle_members(Member(circle, name) for name in IDS for circle in ("a", "b"))
        show = {"campaign": "茶", "creative": "1", "surface": "home", "time": 5, "price": 7}
        show |= {"probability": 0.1, "propensity": 1.0}
        rows = [show | {"show_id": f"show {name}", "user_id": name} for name in IDS]
        writer.connection.execute(insert(ad_shows), rows)
    first, second, third, *others = IDS
    held = store.export(first)
    assert json.loads(json.dumps(held)) == held
    assert [(one["circle_id"], one["weight"]) for one in held["circles"]] == [("a", 1.0), ("b", 1.0)]
    assert [(one["show_id"], one["price"], one["withheld"]) for one in held["ads"]] == [(f"show {first}", 7, False)]
    assert [(one["kind"], one["body"]) for one in held["records"]] == [
        ("person.appeal", {"of": first}),
        ("person.note", {"of": first}),
    ]
    with store.writing() as writer:
        writer.replace_circle_members([Member("a", first), Member("b", first), Member("b", second, 3.0)])
    store.records.put("person.appeal", about(first, "2"), "open", {})
    with store.writing() as writer:
        moved = writer.merge_people(first, second)
    assert moved == {"users": 1, "circle_members": 2, "ad_shows": 1, "records": 3}
    assert store.circles.of_user(second) == [Member("b", second, 3.0), Member("a", second)]
    held = store.export(second)
    assert len(held["ads"]) == 2
    assert [(one["key"], one["body"]) for one in held["records"]] == [
        (about(second, "1"), {"of": second}),
        (about(second), {"of": second}),
        (about(second, "2"), {}),
    ]
    gone = store.erase(second, b"key", 9)
    assert {name: gone[name] for name in moved} == {"users": 1, "circle_members": 2, "ad_shows": 2, "records": 3}
    for name in (first, second):
        held = store.export(name)
        assert held["circles"] == held["ads"] == held["records"] == []
    assert len(store.records.every("page")) == len(IDS), "of what tells of no person nothing is gone"
    with store.writing() as writer:
        assert writer.delete_user(third) == {"users": 1, "ad_shows": 1, "records": 2}
    for name in others:
        held = store.export(name)
        assert len(held["records"]) == 2
        assert len(held["ads"]) == 1


def check_recent(make: Make) -> None:
    """Events of a stretch of time, half open, whoever they are of; those without a time are in none."""
    store = make()
    assert store.recent.latest(10) is None
    assert store.recent.events(0, 10).is_empty()
    with store.writing() as writer:
        given = [(None, key, "茶/1", "read", 0.5, at) for at, key in enumerate(IDS)]
        writer.add_events([*given, (None, "u", "i", "view", None, None)])
    found = store.recent.events(1, 3)
    assert found.rows() == [(key, "茶/1", "read", 0.5, at) for at, key in enumerate(IDS) if 1 <= at < 3]
    assert len(store.recent.events(0, 10**18)) == len(IDS)
    with store.writing() as writer:
        writer.add_events([(None, "u", item, kind, None, 2) for item in ("茶/1", "i'") for kind in ("buy", "Buy")])
    assert store.recent.events(2, 3, items=["i'", "?"])["event_type"].to_list() == ["buy", "Buy"]
    assert store.recent.events(2, 3, types=["Buy"])["item_id"].to_list() == ["茶/1", "i'"]
    assert len(store.recent.events(2, 3, items=["茶/1"], types=["buy", "read"])) == 2
    assert store.recent.events(0, 2, types=["Buy"]).is_empty()
    assert (store.recent.latest(2), store.recent.latest(10**18)) == (1, len(IDS) - 1)


CHECKS: list[Check] = [check_records, check_circles, check_recent, check_what_scenarios_keep_of_a_person]
