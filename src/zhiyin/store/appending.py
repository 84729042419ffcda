"""Events in small batches and for many people at once, without a data frame: what a service does all the time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import Connection

from zhiyin.ports import Written
from zhiyin.store.changes import ITEM, Notes
from zhiyin.store.dialect import IN_LIST, insert_new, many
from zhiyin.store.part import Part
from zhiyin.store.schema import events, items, users

COLUMNS = ("event_id", "user_id", "item_id", "event_type", "value", "time", "impression_id")


class EventRow(NamedTuple):
    """One event as it arrives. Without ``event_id`` a hash of its content stands for it; ``time`` in microseconds
    UTC; ``impression_id`` names the list it came from."""

    event_id: str | None
    user_id: str
    item_id: str
    event_type: str
    value: float | None = None
    time: int | None = None
    impression_id: str | None = None


@dataclass(frozen=True)
class EventColumns:
    """Aligned lists in order of person, then arrival."""

    user_id: list[str]
    seq: list[int]
    item_id: list[str]
    event_type: list[str]
    value: list[float | None]
    time: list[int | None]

    def __len__(self) -> int:
        return len(self.seq)


EventMark = tuple[int, int, int]
"""Events, the newest ``seq``, and the sum of all."""


class Histories(Part):
    """Reads on the driver's own cursor."""

    def of(self, user_ids: Sequence[str], after: int = 0) -> EventColumns:
        """Events of ``user_ids`` (each once, in order of id) that arrived after ``seq`` ``after``."""
        wanted = sorted(set(user_ids))
        found: list[tuple[Any, ...]] = []
        sign = "?" if self._engine.dialect.name == "sqlite" else "%s"
        with self._guarded(), closing(self._engine.raw_connection()) as pooled:
            cursor = pooled.cursor()
            for start in range(0, len(wanted), IN_LIST):
                some = wanted[start : start + IN_LIST]
                which, values = many(self._engine.dialect.name, some)
                cursor.execute(
                    "SELECT user_id, seq, item_id, event_type, value, time FROM events "
                    f"WHERE user_id {which} AND seq > {sign} ORDER BY user_id, seq",
                    [*values, after],
                )
                found += cursor.fetchall()
        if not found:
            return EventColumns([], [], [], [], [], [])
        return EventColumns(*map(list, zip(*found, strict=True)))

    def marks(self, user_ids: Sequence[str]) -> dict[str, EventMark]:
        """Of each of ``user_ids`` who has events, what another set of events would not have: events are added and
        deleted, never changed, and no ``seq`` is given twice. Read from the index alone."""
        wanted = sorted(set(user_ids))
        found: dict[str, EventMark] = {}
        with self._guarded(), closing(self._engine.raw_connection()) as pooled:
            cursor = pooled.cursor()
            for start in range(0, len(wanted), IN_LIST):
                which, values = many(self._engine.dialect.name, wanted[start : start + IN_LIST])
                cursor.execute(
                    f"SELECT user_id, count(*), max(seq), sum(seq) FROM events WHERE user_id {which} GROUP BY user_id",
                    values,
                )
                found |= {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in cursor.fetchall()}
        return found


def add_events(connection: Connection, notes: Notes, rows: Sequence[Sequence[Any]]) -> Written:
    if not rows:
        return Written(0, 0, 0)
    full = [_full(*row) for row in rows]
    bare_users(connection, {row[1] for row in full})
    bare_items(connection, notes, {row[2] for row in full})
    new = insert_new(connection, events, COLUMNS, full, "event_id")
    return Written(new=new, changed=0, same=len(full) - new)


def _full(
    event_id: str | None,
    user_id: str,
    item_id: str,
    event_type: str,
    value: float | None = None,
    time: int | None = None,
    impression_id: str | None = None,
) -> tuple[Any, ...]:
    # Equal numbers of another type would make another content; NaN, which differs from itself, is none.
    value = None if value is None or value != value else float(value)
    known_id = event_id or content_id((user_id, item_id, event_type, value, time))
    return known_id, user_id, item_id, event_type, value, time, impression_id


def bare_users(connection: Connection, keys: set[str]) -> None:
    """A row for each of ``keys`` that has none."""
    missing = sorted(keys - known(connection, "users", "user_id", keys))
    insert_new(connection, users, ["user_id"], ((key,) for key in missing), "user_id")


def bare_items(connection: Connection, notes: Notes, keys: set[str]) -> None:
    """A row for each of ``keys`` that has none."""
    missing = sorted(keys - known(connection, "items", "item_id", keys))
    notes.add(ITEM, missing)
    insert_new(connection, items, ["item_id"], ((key,) for key in missing), "item_id")


def known(connection: Connection, table: str, column: str, keys: set[str]) -> set[str]:
    """Those of ``keys`` that have a row."""
    found: set[str] = set()
    cursor = connection.connection.cursor()
    wanted = list(keys)
    for start in range(0, len(wanted), IN_LIST):
        which, values = many(connection.dialect.name, wanted[start : start + IN_LIST])
        cursor.execute(f"SELECT {column} FROM {table} WHERE {column} {which}", values)
        found.update(row[0] for row in cursor.fetchall())
    return found


def content_id(row: Sequence[Any]) -> str:
    """128-bit name of an event by its user, item, type, value and time; parts cannot run into each other."""
    parts = "\x00".join("" if part is None else f"{len(str(part))}:{part}" for part in row)
    return blake2b(parts.encode(), digest_size=16).hexdigest()
