"""What every store must tell of changes, as checks like those of ``testing.stores``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from zhiyin.store.changes import NOTED, Changes, Mark
from zhiyin.testing.rows import event, events_frame, item, items_frame, put_events, put_items, put_users, users_frame

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

Make = Callable[[], "SqlStore"]
Check = Callable[[Make], None]


def check_what_changed(make: Make) -> None:
    """Each kind of write is told to another reader by key, and only what was not seen yet."""
    store, other = make(), make()
    mark = other.changes.mark()

    def told() -> Changes:
        nonlocal mark
        found = other.changes.since(mark)
        mark = found.mark
        assert not other.changes.since(mark), "told twice"
        return found

    put_items(store, [item("茶/1"), item("b", hidden=True)])
    found = told()
    assert found.items == {"茶/1", "b"}
    assert found.hidden == {"b"}
    assert not found.users
    put_items(store, [item("茶/1"), item("b")])
    found = told()
    assert found.hidden == {"b"}
    assert not found.items, "only the flag changed"
    put_items(store, [item("茶/1", "Tea"), item("b")])
    assert told().items == {"茶/1"}
    put_items(store, [item("茶/1", "Tea"), item("b")])
    assert not told(), "nothing was written"
    put_events(store, [event("张伟", "b"), event("u", "new")])
    found = told()
    assert found.users == {"张伟", "u"}
    assert found.items == {"new"}
    assert not found.rewritten
    put_users(store, [("u", '{"age": 3}')])
    assert told().users == {"u"}
    edit = store.profiles.add_edit("张伟", "少推茶", {}, 1)
    assert told().users == {"张伟"}
    assert store.profiles.undo_edit("张伟", edit)
    assert told().users == {"张伟"}
    assert not store.profiles.undo_edit("张伟", edit)
    assert not told()
    store.record_bundle("one", {"created": 1})
    store.use_bundle("one")
    found = told()
    assert found.bundle
    assert not found.all


def check_many_changes_are_one_row(make: Make) -> None:
    store = make()
    mark = store.changes.mark()
    put_items(store, (item(f"i{number}") for number in range(NOTED + 1)))
    found = store.changes.since(mark)
    assert found.all == {"item"}
    assert found.items == frozenset()
    assert found.mark.changes == mark.changes + 1
    put_events(store, (event("u", f"j{number}") for number in range(NOTED + 1)))
    assert store.changes.since(found.mark).all == {"item"}
    put_users(store, ((f"u{number}", "1") for number in range(NOTED + 1)))
    assert store.changes.since(found.mark).all == {"item", "user"}


def check_whether_anything_changed(make: Make) -> None:
    store, other = make(), make()
    token = other.changes.token()
    assert not other.changes.stale(token)
    put_users(store, [("u", "1")])
    assert other.changes.stale(token)
    token = other.changes.token()
    assert not other.changes.stale(token)
    put_events(store, [event("u", "i")])
    assert other.changes.stale(token)


def check_changes_of_a_failed_transaction(make: Make) -> None:
    """What is undone is not told, be it the whole of a transaction or a part."""
    store = make()
    mark = store.changes.mark()
    with suppress(KeyboardInterrupt), store.writing() as writer:
        writer.put_items(items_frame([item("i")]))
        raise KeyboardInterrupt
    assert not store.changes.since(mark)
    with store.writing() as writer:
        writer.put_items(items_frame([item("kept")]))
        with suppress(ValueError), writer.part():
            writer.put_items(items_frame([item("gone")]))
            writer.put_events(events_frame([event("gone", "kept")]))
            raise ValueError("no")
        with writer.part():
            writer.put_users(users_frame([("u", "1")]))
    found = store.changes.since(mark)
    assert found.items == {"kept"}
    assert found.users == {"u"}
    assert store.counts() == {"users": 1, "items": 1, "events": 0}


def check_marks_do_not_fall(make: Make) -> None:
    store = make()
    ahead = Mark(5, 7)
    assert not store.changes.since(ahead)
    assert store.changes.since(ahead).mark == ahead


CHECKS: list[Check] = [
    check_what_changed,
    check_many_changes_are_one_row,
    check_whether_anything_changed,
    check_changes_of_a_failed_transaction,
    check_marks_do_not_fall,
]
