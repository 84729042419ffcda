"""Events summed by type, person and item: ``SqlStore.feedback`` reads, the functions below write for ``Writer``.

A key (type, person, item) stands for all its events: their values summed (None where none has one), the latest time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from zhiyin.store.changes import Notes
from zhiyin.store.dialect import IN_LIST
from zhiyin.store.part import Part
from zhiyin.store.rows import delete_events
from zhiyin.store.schema import events, items, users

PEOPLE = 256
"""People whose events are summed at a time, at most."""


class FeedbackRow(NamedTuple):
    """``time`` in microseconds UTC; ``events`` is the number of events behind the row."""

    event_type: str
    user_id: str
    item_id: str
    value: float | None
    time: int | None
    events: int

    @property
    def cursor(self) -> tuple[str, str, str]:
        """Where the next page goes on: person, item, type."""
        return self.user_id, self.item_id, self.event_type


class Feedback(Part):
    """Reads; every answer is in order of person, item, type. ``until`` (microseconds) leaves out events that
    are stamped with a later time."""

    def page(
        self,
        after: tuple[str, str, str] | None = None,
        limit: int = 100,
        types: Sequence[str] | None = None,
        until: int | None = None,
    ) -> list[FeedbackRow]:
        """At most ``limit`` rows after the row with cursor ``after``, of all types or only ``types``. A page shorter
        than ``limit`` is the last."""
        found: list[FeedbackRow] = []
        query = select(users.c.user_id).order_by(users.c.user_id)
        start = query if after is None else query.where(users.c.user_id >= after[0])
        asked = 4
        with self._guarded(), self._engine.connect() as connection:
            while people := list(connection.execute(start.limit(asked)).scalars()):
                rows = _read(connection, events.c.user_id.in_(people), types, until)
                found += [row for row in rows if after is None or row.cursor > after]
                if len(found) >= limit or len(people) < asked:
                    break
                # People have few events or many: more are asked for only where the first were not enough.
                asked = min(2 * asked, PEOPLE)
                start = query.where(users.c.user_id > people[-1])
        return found[:limit]

    def of_user(self, user_id: str, types: Sequence[str] | None = None, until: int | None = None) -> list[FeedbackRow]:
        return self._read(events.c.user_id == user_id, types, until)

    def of_item(self, item_id: str, types: Sequence[str] | None = None, until: int | None = None) -> list[FeedbackRow]:
        return self._read(events.c.item_id == item_id, types, until)

    def between(
        self, user_id: str, item_id: str, types: Sequence[str] | None = None, until: int | None = None
    ) -> list[FeedbackRow]:
        return self._read((events.c.user_id == user_id) & (events.c.item_id == item_id), types, until)

    def one(self, event_type: str, user_id: str, item_id: str) -> FeedbackRow | None:
        return next(iter(self.between(user_id, item_id, [event_type])), None)

    def knows_user(self, user_id: str) -> bool:
        """Whether there is anything of somebody: a row, or an event."""
        return self._there(users.c.user_id == user_id, events.c.user_id == user_id)

    def knows_item(self, item_id: str) -> bool:
        """The same of an item."""
        return self._there(items.c.item_id == item_id, events.c.item_id == item_id)

    def _there(self, row: ColumnElement[bool], event: ColumnElement[bool]) -> bool:
        return bool(self._rows(select(or_(exists().where(row), exists().where(event))))[0][0])

    def _read(self, which: ColumnElement[bool], types: Sequence[str] | None, until: int | None) -> list[FeedbackRow]:
        with self._guarded(), self._engine.connect() as connection:
            return _read(connection, which, types, until)


def delete_feedback(
    connection: Connection, notes: Notes, user_id: str, item_id: str, types: Sequence[str] | None = None
) -> int:
    which = [events.c.user_id == user_id, events.c.item_id == item_id]
    which += [] if types is None else [events.c.event_type.in_(types)]
    return delete_events(connection, notes, *which)


def delete_each(connection: Connection, notes: Notes, keys: Collection[tuple[str, str, str]]) -> int:
    """Delete the events of each person, item and type in ``keys``; how many of these had any."""
    had: dict[tuple[str, str, str], list[int]] = {}
    columns = events.c.seq, events.c.user_id, events.c.item_id, events.c.event_type
    ordered = sorted(keys)
    for start in range(0, len(ordered), IN_LIST):
        some = set(ordered[start : start + IN_LIST])
        people, wanted = ({key[place] for key in some} for place in (0, 1))
        # Of a hundred thousand events of somebody those of these items alone are fetched. A sum has no index: that of
        # items would lead to everybody's events with what is popular.
        which = events.c.user_id.in_(people), (events.c.item_id + "").in_(wanted)
        for seq, *key in connection.execute(select(*columns).where(*which)):
            if (found := (key[0], key[1], key[2])) in some:
                had.setdefault(found, []).append(seq)
    numbers = [seq for some in had.values() for seq in some]
    for start in range(0, len(numbers), IN_LIST):
        delete_events(connection, notes, events.c.seq.in_(numbers[start : start + IN_LIST]))
    return len(had)


def _read(
    connection: Connection, which: ColumnElement[bool], types: Sequence[str] | None, until: int | None
) -> list[FeedbackRow]:
    if until is not None:
        which = which & (events.c.time.is_(None) | (events.c.time <= until))
    if types is not None:
        which = which & events.c.event_type.in_(types)
    # Sorted here: people, items and types compare by code point in Python and in both databases.
    return sorted((_row(row) for row in connection.execute(_summed().where(which))), key=lambda row: row.cursor)


def _summed() -> Select[Any]:
    keys = (events.c.event_type, events.c.user_id, events.c.item_id)
    return select(*keys, func.sum(events.c.value), func.max(events.c.time), func.count()).group_by(*keys)


def _row(row: Any) -> FeedbackRow:
    return FeedbackRow(row[0], row[1], row[2], row[3], row[4], int(row[5]))
