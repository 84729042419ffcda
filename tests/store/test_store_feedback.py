"""Feedback that is written over: what it reads of people with many events, and keys that share people and items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zhiyin.ports import Written
from zhiyin.store import open_store
from zhiyin.store.dialect import IN_LIST
from zhiyin.store.feedback import delete_each


class Counting:
    """A connection that counts the rows it gives."""

    def __init__(self, connection: Any) -> None:
        self._connection, self.rows = connection, 0

    def execute(self, query: Any) -> Any:
        found = self._connection.execute(query)
        if not found.returns_rows:
            return found
        rows = found.all()
        self.rows += len(rows)
        return rows


def test_of_many_events_those_of_the_items_are_read(tmp_path: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    with store.writing() as writer:
        writer.add_events([(None, "张伟", f"i{n}", "read", None, n) for n in range(3000)])
    with store.writing() as writer:
        counting = Counting(writer.connection)
        # What is deleted is another matter: nothing of theirs has this type.
        assert delete_each(counting, writer.notes, {("张伟", "i7", "star")}) == 0  # type: ignore[arg-type]
        assert counting.rows == 1
    store.close()


def test_keys_in_several_queries_that_share_people_and_items(tmp_path: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    many = [(None, f"u{n % 3}", f"i{n // 3}", "read", 1.0, 1) for n in range(3 * IN_LIST)]
    with store.writing() as writer:
        writer.add_events([*many, (None, "u1", "i1", "Read", 1.0, 1), (None, "u1", "other", "read", 1.0, 1)])
    with store.writing() as writer:
        again = [(*row[:4], 2.0, 2) for row in many]
        assert writer.overwrite_events([*again, again[0]]) == Written(new=0, changed=len(many), same=1)
    events = store.events()
    assert len(events) == len(many) + 2
    kept = events.filter(events["value"] == 1.0)
    assert sorted(kept.select("item_id", "event_type").rows()) == [("i1", "Read"), ("other", "read")]
    store.close()
