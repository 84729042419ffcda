"""What every store must do, as checks that take a function which makes a fresh, empty store.

@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_my_store(check, tmp_path):
    check(lambda: open_store("sqlite:///zhiyin.db", tmp_path))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from zhiyin.errors import BundleError, StoreError
from zhiyin.ports import Store, Written
from zhiyin.testing.rows import (
    GIVEN_COLUMNS,
    ITEM_COLUMNS,
    LINK_COLUMNS,
    USER_COLUMNS,
    Event,
    Item,
    event,
    events_frame,
    item,
    items_frame,
    links_frame,
    put_events,
    put_items,
    put_links,
    put_users,
    users_frame,
)

Make = Callable[[], Store]
Check = Callable[[Make], None]

IDS = ["a/b c", "anna o'neil", '"quoted"; --', "张伟", "茶壶 🫖", "A/b c", "%_\\", " ", "é", "e\u0301"]
"""Ten different ids; some differ only in case, in a space or in how an accent is written."""

EVENT_COLUMNS = {"seq": pl.Int64} | {name: kind for name, kind in GIVEN_COLUMNS.items() if name != "event_id"}
BUNDLE_COLUMNS = {"name": pl.String, "created": pl.Int64, "active": pl.Boolean, "manifest": pl.String}


def check_empty(make: Make) -> None:
    store = make()
    assert store.counts() == {"users": 0, "items": 0, "events": 0}
    for frame, columns in (
        (store.users(), USER_COLUMNS),
        (store.items(), ITEM_COLUMNS),
        (store.items([]), ITEM_COLUMNS),
        (store.items(["nobody's"]), ITEM_COLUMNS),
        (store.events(), EVENT_COLUMNS),
        (store.events("nobody"), EVENT_COLUMNS),
        (store.links(), LINK_COLUMNS),
        (store.bundles(), BUNDLE_COLUMNS),
    ):
        assert dict(frame.schema) == columns, f"columns {frame.schema} instead of {columns}"
        assert frame.is_empty()
    assert store.item_ids() == []
    assert store.hidden_items() == []
    assert store.vectors("model", ["hash"]) == {}
    assert store.vectors("model", []) == {}


def check_empty_frames_change_nothing(make: Make) -> None:
    store = make()
    for put in (put_users, put_items, put_events, put_links):
        assert put(store, []) == Written(0, 0, 0)
    store.put_vectors("model", {})
    assert store.counts() == {"users": 0, "items": 0, "events": 0}


def check_ids(make: Make) -> None:
    """Ids come back as they were given, and none is taken for another."""
    store = make()
    put_users(store, [(key, json.dumps({"name": key}, ensure_ascii=False)) for key in IDS])
    put_items(store, [item(key, f"title of {key}", hidden=key == "张伟") for key in IDS])
    put_events(store, [event(key, key, event_id=key) for key in IDS])
    assert store.counts() == {"users": 10, "items": 10, "events": 10}
    assert store.users()["user_id"].to_list() == sorted(IDS)
    assert store.items()["item_id"].to_list() == sorted(IDS)
    assert store.item_ids() == sorted(IDS)
    assert store.hidden_items() == ["张伟"]
    assert store.events()["user_id"].to_list() == IDS
    for key in IDS:
        assert store.events(key)["item_id"].to_list() == [key], f"events of {key!r}"
        assert store.items([key])["title"].to_list() == [f"title of {key}"], f"item {key!r}"


def check_columns_come_back(make: Make) -> None:
    """Every column round trips, null stays null, and a list of categories stays in order."""
    store = make()
    things: list[Item] = [
        ("full", "标题 🎬", 'a "long"\ntext', ["b/2", "茶", "a"], '{"price": 1.5, "名": "值"}', -1, True),
        ("none", None, None, [], "{}", None, False),
        ("void", "", "", [""], "{}", 2**62, False),
    ]
    put_items(store, things)
    assert store.items().rows() == things
    assert dict(store.items().schema) == ITEM_COLUMNS
    put_users(store, [("u", '{"age": 3}')])
    assert store.users().rows() == [("u", '{"age": 3}')]
    put_events(
        store,
        [
            ("e1", "u", "full", "rate", 0.1, 1),
            ("e2", "u", "none", "view", None, None),
            ("e3", "u", "x", "", -0.5, -(2**62)),
            ("e4", "u", "x", "nan", float("nan"), 0),
        ],
    )
    assert [row[1:] for row in store.events().rows()] == [
        ("u", "full", "rate", 0.1, 1),
        ("u", "none", "view", None, None),
        ("u", "x", "", -0.5, -(2**62)),
        ("u", "x", "nan", None, 0),
    ]
    assert dict(store.events().schema) == EVENT_COLUMNS


def check_nothing_given_is_the_default(make: Make) -> None:
    """A frame may leave lists, attributes and flags null."""
    store = make()
    bare = {"title": None, "description": None, "categories": None, "attributes": None, "time": None, "hidden": None}
    with store.writing() as writer:
        writer.put_items(pl.DataFrame({"item_id": ["i"]} | {name: [None] for name in bare}, schema=ITEM_COLUMNS))
        writer.put_users(pl.DataFrame({"user_id": ["u"], "attributes": [None]}, schema=USER_COLUMNS))
    assert store.items().rows() == [item("i")]
    assert store.users().rows() == [("u", "{}")]


def check_users_again(make: Make) -> None:
    store = make()
    assert put_users(store, [("a", "{}"), ("b", '{"x": 1}')]) == Written(new=2, changed=0, same=0)
    assert put_users(store, [("a", "{}"), ("b", '{"x": 1}')]) == Written(new=0, changed=0, same=2)
    assert put_users(store, [("a", '{"y": "新"}'), ("b", '{"x": 1}'), ("c", "{}")]) == Written(1, 1, 1)
    assert store.users().rows() == [("a", '{"y": "新"}'), ("b", '{"x": 1}'), ("c", "{}")]


def check_items_again(make: Make) -> None:
    store = make()
    rows: list[Item] = [("a", "A", "text", ["x", "y"], "{}", 5, False), item("b"), item("c", hidden=True)]
    assert put_items(store, rows) == Written(new=3, changed=0, same=0)
    assert put_items(store, rows) == Written(new=0, changed=0, same=3)
    # Each column alone makes a row a changed one.
    for place, value in ((1, None), (2, "other"), (3, ["y", "x"]), (4, '{"k": 1}'), (5, None), (6, True)):
        row = list(rows[0])
        row[place] = value
        rows[0] = tuple(row)  # type: ignore[assignment]
        assert put_items(store, rows) == Written(new=0, changed=1, same=2), f"column {place}"
        assert store.items().rows() == rows, f"column {place}"


def check_same_key_twice_in_one_frame(make: Make) -> None:
    """The last row of a key counts, as if the rows had come one after the other."""
    store = make()
    assert put_users(store, [("a", "1"), ("a", "2"), ("a", "2")]) == Written(new=1, changed=1, same=1)
    assert store.users().rows() == [("a", "2")]
    assert put_users(store, [("a", "3"), ("a", "2")]) == Written(new=0, changed=2, same=0)
    assert store.users().rows() == [("a", "2")]
    assert put_items(store, [item("i", "one"), item("i", "two")]) == Written(new=1, changed=1, same=0)
    assert store.items()["title"].to_list() == ["two"]
    assert put_events(store, [event("u", "i", 1, event_id="e"), event("u", "i", 2, event_id="e")]) == Written(1, 0, 1)
    assert store.events()["time"].to_list() == [1], "the first event of an id is kept"


def check_events_again(make: Make) -> None:
    """An id that is there already changes nothing; without ids, equal content is the same event."""
    store = make()
    given = [event("u", "a", 1, event_id="1"), event("u", "a", 1, event_id="2")]
    assert put_events(store, given) == Written(new=2, changed=0, same=0)
    assert put_events(store, given) == Written(new=0, changed=0, same=2)
    assert put_events(store, [event("other", "b", 9, event_id="1")]) == Written(0, 0, 1)
    derived = [event("u", "b", 1), event("u", "b", 2), event("u", "b"), event("u", "b", 1)]
    assert put_events(store, derived) == Written(new=3, changed=0, same=1)
    assert put_events(store, derived) == Written(new=0, changed=0, same=4)
    assert store.events()["time"].to_list() == [1, 1, 1, 2, None]


def check_derived_ids_tell_events_apart(make: Make) -> None:
    """No part of an event runs into its neighbour, null is not zero, and numbers are the same in any type."""
    store = make()
    rows: list[Event] = [
        (None, "a", "bc", "view", None, None),
        (None, "ab", "c", "view", None, None),
        (None, "a", "bc", "view", 0.0, None),
        (None, "a", "bc", "view", None, 0),
        (None, "a", "bc", "views", None, None),
        ("", "a", "b", "view", 1.0, 2),
        (None, "a", "b", "view", 1.0, None),
        (None, "a", "b", "view", 2.0, 1),
    ]
    assert put_events(store, rows) == Written(new=8, changed=0, same=0)
    whole = pl.DataFrame(
        {
            "event_id": [None],
            "user_id": ["a"],
            "item_id": ["b"],
            "event_type": ["view"],
            "value": pl.Series([2], dtype=pl.Int32),
            "time": pl.Series([1], dtype=pl.Int32),
        }
    )
    with store.writing() as writer:
        assert writer.put_events(whole) == Written(new=0, changed=0, same=1)


def check_order_of_arrival(make: Make) -> None:
    """Events come back in the order they came in, whatever their times, users and ids."""
    store = make()
    put_events(store, [event("b", "x", 30, event_id="z"), event("a", "y", 10, event_id="y")])
    put_events(store, [event("b", "y", 20, event_id="a"), event("b", "x", None, event_id="c")])
    assert store.events()["time"].to_list() == [30, 10, 20, None]
    sequence = store.events()["seq"].to_list()
    assert sequence == sorted(set(sequence))
    assert store.events("b")["time"].to_list() == [30, 20, None]
    assert store.events("b")["seq"].to_list() == [sequence[0], *sequence[2:]]
    assert store.events("B").is_empty()


def check_events_bring_users_and_items(make: Make) -> None:
    store = make()
    put_users(store, [("known", '{"k": 1}')])
    put_items(store, [item("known", "Title", hidden=True)])
    put_events(store, [event("known", "known"), event("new", "new/件")])
    assert store.users().rows() == [("known", '{"k": 1}'), ("new", "{}")]
    assert store.items().rows() == [item("known", "Title", hidden=True), item("new/件")]


def check_many(make: Make) -> None:
    """More rows than fit in one statement, one batch or one fetch."""
    store = make()
    names = [f"item/{row:06}" for row in range(101_000)]
    assert put_events(store, (event("u", key, row) for row, key in enumerate(names))) == Written(101_000, 0, 0)
    assert store.events()["time"].to_list() == list(range(101_000))
    assert store.item_ids() == names
    asked = [*names[1500::-1], "unknown", names[3]]
    assert store.items(asked)["item_id"].to_list() == names[:1501], "each known item once, sorted"
    titled = [item(key, key) for key in names[:2000]]
    assert put_items(store, titled) == Written(new=0, changed=2000, same=0)
    assert put_items(store, titled) == Written(new=0, changed=0, same=2000)
    assert store.items([names[1999], names[2000]])["title"].to_list() == [names[1999], None]
    assert put_users(store, ((key, "{}") for key in names[:51_000])) == Written(new=51_000, changed=0, same=0)


def check_vectors(make: Make) -> None:
    """Vectors come back bit by bit, by model, and a later one replaces an earlier one."""
    store = make()
    random = np.random.default_rng(0)
    given = {f"hash {row}": random.standard_normal(7).astype(np.float32) for row in range(1200)}
    given["odd"] = np.array([np.nan, np.inf, -0.0, 1e-45, 3.4e38, -np.inf, 0], dtype=np.float32)
    store.put_vectors("model/一", given)
    back = store.vectors("model/一", [*given, "unknown", "odd"])
    assert back.keys() == given.keys()
    for key, row in given.items():
        assert back[key].dtype == np.float32
        assert back[key].tobytes() == row.tobytes(), f"vector of {key}"
    assert store.vectors("model/二", list(given)) == {}
    store.put_vectors("model/二", {"odd": np.ones(3, dtype=np.float32)})
    store.put_vectors("model/一", {"odd": np.zeros(2, dtype=np.float32), "more": np.ones(1, dtype=np.float32)})
    assert _lists(store.vectors("model/一", ["odd", "more"])) == {"odd": [0, 0], "more": [1]}
    assert _lists(store.vectors("model/二", ["odd", "more"])) == {"odd": [1, 1, 1]}


def check_bundles(make: Make) -> None:
    store = make()
    for name, created in (("b/1", 10), ("b 2 包", 30), ("b3", 20)):
        store.record_bundle(name, {"created": created, "说明": name})
    assert store.bundles()["name"].to_list() == ["b 2 包", "b3", "b/1"], "newest first"
    assert not store.bundles()["active"].any(), "a bundle is not served before it is used"
    assert json.loads(store.bundles()["manifest"][0]) == {"created": 30, "说明": "b 2 包"}
    store.use_bundle("b/1")
    store.use_bundle("b3")
    assert _served(store) == ["b3"], "one bundle is served at a time"
    assert _raises(BundleError, store.use_bundle, "b4"), "an unknown bundle was taken up"
    assert _served(store) == ["b3"], "a failed use_bundle changes nothing"
    assert _raises(StoreError, store.record_bundle, "b3", {"created": 40}), "a bundle's name was taken twice"
    store.drop_bundle("b3")
    store.drop_bundle("b4")
    assert _served(store) == []
    assert store.bundles()["name"].to_list() == ["b 2 包", "b/1"]


def check_links(make: Make) -> None:
    """Pairs come back sorted, each direction for itself; a known pair is replaced where it differs."""
    store = make()
    put_users(store, [("张伟", '{"k": 1}')])
    rows = [("张伟", "a/b c", 1.0, None), ("a/b c", "张伟", 0.5, 7), ("A/b c", "a/b c", 1.0, None)]
    assert put_links(store, rows) == Written(new=3, changed=0, same=0)
    assert put_links(store, rows) == Written(new=0, changed=0, same=3)
    assert store.links().rows() == sorted(rows)
    assert store.users().rows() == [("A/b c", "{}"), ("a/b c", "{}"), ("张伟", '{"k": 1}')]
    assert store.counts() == {"users": 3, "items": 0, "events": 0, "links": 3}
    again = [("张伟", "a/b c", 2.0, None), ("a/b c", "张伟", 0.5, None), ("A/b c", "a/b c", 1.0, None)]
    assert put_links(store, again) == Written(new=0, changed=2, same=1)
    assert store.links().rows() == sorted(again)
    twice = [("n", "m", 1.0, 1), ("n", "m", 3.0, None), ("n", "m", 3.0, None)]
    assert put_links(store, twice) == Written(new=1, changed=1, same=1), "the last row of a pair counts"
    assert store.links().filter(pl.col("user_id") == "n").rows() == [("n", "m", 3.0, None)]
    bare = pl.DataFrame({"user_id": ["n", "n"], "other_id": ["x", "y"], "weight": [None, float("nan")], "time": [1, 2]})
    with store.writing() as writer:
        assert writer.put_links(bare) == Written(new=2, changed=0, same=0)
    assert store.links().filter(pl.col("user_id") == "n")["weight"].to_list() == [3.0, 1.0, 1.0]


def check_many_links(make: Make) -> None:
    """More rows than fit in one statement or one batch; a failed transaction leaves none of them."""
    store = make()
    names = [f"user/{row:05}" for row in range(51_000)]
    rows = [(one, other, 1.0, None) for one, other in pairwise(names)]
    assert put_links(store, rows) == Written(new=50_999, changed=0, same=0)
    assert put_links(store, rows) == Written(new=0, changed=0, same=50_999)

    def fail() -> None:
        with store.writing() as writer:
            writer.put_links(links_frame([("new", "newer", 1.0, None), (names[0], names[1], 9.0, None)]))
            raise KeyboardInterrupt

    assert _raises(KeyboardInterrupt, fail), "the exception must come out"
    assert store.links().rows() == rows
    assert store.counts()["users"] == 51_000


def check_rollback(make: Make) -> None:
    """An exception in the block undoes all of it, and the store goes on working."""
    store = make()
    put_users(store, [("before", "{}")])

    def fail() -> None:
        with store.writing() as writer:
            writer.put_users(users_frame([("before", "changed"), ("after", "{}")]))
            writer.put_items(items_frame([item("i")]))
            writer.put_events(events_frame([event("u", "i")]))
            raise KeyboardInterrupt

    assert _raises(KeyboardInterrupt, fail), "the exception must come out"
    assert store.users().rows() == [("before", "{}")]
    assert store.counts() == {"users": 1, "items": 0, "events": 0}

    def null() -> None:
        with store.writing() as writer:
            writer.put_items(items_frame([item("i")]))
            writer.put_events(events_frame([(None, None, "i", "view", None, None)]))  # type: ignore[list-item]

    assert _raises(StoreError, null), "an event without a user was taken"
    assert store.counts() == {"users": 1, "items": 0, "events": 0}
    put_events(store, [event("u", "i")])
    assert store.counts() == {"users": 2, "items": 1, "events": 1}


def check_readers_see_whole_transactions(make: Make) -> None:
    """While a transaction is open others read what was there before; afterwards all of it is there."""
    store = make()
    put_events(store, [event("u", "a")])
    with store.writing() as writer:
        writer.put_events(events_frame([event("u", "b"), event("v", "a")]))
        writer.put_users(users_frame([("u", "changed")]))
        assert len(store.events()) == 1
        assert store.users().rows() == [("u", "{}")]
    assert len(store.events()) == 3
    assert store.users().rows() == [("u", "changed"), ("v", "{}")]


def check_frames_may_have_other_columns_in_any_order(make: Make) -> None:
    store = make()
    frame = events_frame([event("u", "i", 3)]).with_columns(note=pl.lit("x"))
    with store.writing() as writer:
        writer.put_events(frame.select(sorted(frame.columns, reverse=True)))
        writer.put_users(users_frame([("u", "2")]).with_columns(age=1).select("age", "attributes", "user_id"))
    assert [row[1:] for row in store.events().rows()] == [("u", "i", "view", None, 3)]
    assert store.users().rows() == [("u", "2")]


CHECKS: list[Check] = [
    check_empty,
    check_empty_frames_change_nothing,
    check_ids,
    check_columns_come_back,
    check_nothing_given_is_the_default,
    check_users_again,
    check_items_again,
    check_same_key_twice_in_one_frame,
    check_events_again,
    check_derived_ids_tell_events_apart,
    check_order_of_arrival,
    check_events_bring_users_and_items,
    check_many,
    check_vectors,
    check_bundles,
    check_links,
    check_many_links,
    check_rollback,
    check_readers_see_whole_transactions,
    check_frames_may_have_other_columns_in_any_order,
]


def _served(store: Store) -> list[str]:
    bundles = store.bundles()
    return bundles.filter(pl.col("active"))["name"].to_list()


def _lists(vectors: dict[str, Any]) -> dict[str, Sequence[float]]:
    return {key: row.tolist() for key, row in vectors.items()}


def _raises(error: type[BaseException], call: Callable[..., Any], *arguments: Any) -> bool:
    try:
        call(*arguments)
    except error:
        return True
    return False
