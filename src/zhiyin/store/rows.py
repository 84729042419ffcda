"""One person or item at a time: ``SqlStore.rows`` reads, the functions below write for ``Writer``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, delete, or_, select, update

from zhiyin.errors import StoreError
from zhiyin.store.changes import HIDDEN, ITEM, PROFILE, USER, Notes
from zhiyin.store.part import Part
from zhiyin.store.records import about_person
from zhiyin.store.schema import (
    ad_shows,
    circle_members,
    events,
    impressions,
    items,
    links,
    profile_edits,
    profiles,
    records,
    users,
)

FIELDS = ("title", "description", "categories", "time", "hidden")


class UserRow(NamedTuple):
    """``attributes`` is a JSON object as text."""

    user_id: str
    attributes: str


class ItemRow(NamedTuple):
    """``attributes`` is a JSON object as text, ``time`` in microseconds UTC."""

    item_id: str
    title: str | None
    description: str | None
    categories: list[str]
    attributes: str
    time: int | None
    hidden: bool


class Rows(Part):
    """Reads; every answer is what is stored now."""

    def user(self, user_id: str) -> UserRow | None:
        with self._guarded(), self._engine.connect() as connection:
            return read_user(connection, user_id)

    def item(self, item_id: str) -> ItemRow | None:
        with self._guarded(), self._engine.connect() as connection:
            return read_item(connection, item_id)

    def users(self, after: str | None = None, limit: int = 100) -> list[UserRow]:
        """A page in order of id: what comes after ``after`` (from the first on where None), at most ``limit``. The
        last id of a page is the cursor of the next; a page shorter than ``limit`` is the last."""
        query = select(users.c.user_id, users.c.attributes).order_by(users.c.user_id).limit(limit)
        if after is not None:
            query = query.where(users.c.user_id > after)
        return [UserRow(row[0], row[1]) for row in self._rows(query)]

    def items(self, after: str | None = None, limit: int = 100) -> list[ItemRow]:
        """A page in order of id, as ``users``; the hidden ones too."""
        query = _items().order_by(items.c.item_id).limit(limit)
        if after is not None:
            query = query.where(items.c.item_id > after)
        return [_item(row) for row in self._rows(query)]


def read_user(connection: Connection, user_id: str) -> UserRow | None:
    row = connection.execute(select(users.c.user_id, users.c.attributes).where(users.c.user_id == user_id)).first()
    return None if row is None else UserRow(row[0], row[1])


def read_item(connection: Connection, item_id: str) -> ItemRow | None:
    row = connection.execute(_items().where(items.c.item_id == item_id)).first()
    return None if row is None else _item(row)


def patch_user(connection: Connection, notes: Notes, user_id: str, attributes: Mapping[str, Any]) -> bool:
    known = read_user(connection, user_id)
    if known is None:
        return False
    text = _merged(known.attributes, attributes, f"user '{user_id}'")
    if text != known.attributes:
        connection.execute(update(users).where(users.c.user_id == user_id).values(attributes=text))
        notes.add(PROFILE, [user_id])
    return True


def patch_item(
    connection: Connection,
    notes: Notes,
    item_id: str,
    fields: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
) -> bool:
    known = read_item(connection, item_id)
    if known is None:
        return False
    if unknown := set(fields) - set(FIELDS):
        raise StoreError(f"an item has no column {sorted(unknown)[0]}", fix=f"use one of: {', '.join(FIELDS)}")
    values = {name: value for name, value in fields.items() if value != getattr(known, name)}
    if attributes is not None:
        text = _merged(known.attributes, attributes, f"item '{item_id}'")
        values |= {"attributes": text} if text != known.attributes else {}
    if "hidden" in values:
        notes.add(HIDDEN, [item_id])
    if set(values) - {"hidden"}:
        notes.add(ITEM, [item_id])
    if "categories" in values:
        values["categories"] = json.dumps(values["categories"] or [], ensure_ascii=False)
    if values:
        connection.execute(update(items).where(items.c.item_id == item_id).values(values))
    return True


def set_hidden(connection: Connection, notes: Notes, item_ids: Sequence[str], hidden: bool) -> int:
    turned = []
    for item_id in dict.fromkeys(item_ids):
        this = (items.c.item_id == item_id, items.c.hidden.is_not(hidden))
        if connection.execute(update(items).where(*this).values(hidden=hidden)).rowcount:
            turned.append(item_id)
    notes.add(HIDDEN, turned)
    return len(turned)


def delete_user(connection: Connection, notes: Notes, user_id: str) -> dict[str, int]:
    """The person's row and all that hangs on it; rows gone by table, tables without any are absent."""
    gone = {}
    for table, mine in (
        (events, events.c.user_id == user_id),
        (links, or_(links.c.user_id == user_id, links.c.other_id == user_id)),
        (impressions, impressions.c.user_id == user_id),
        (profiles, profiles.c.user_id == user_id),
        (profile_edits, profile_edits.c.user_id == user_id),
        (circle_members, circle_members.c.user_id == user_id),
        (ad_shows, ad_shows.c.user_id == user_id),
        (records, about_person(user_id)),
        (users, users.c.user_id == user_id),
    ):
        if count := connection.execute(delete(table).where(mine)).rowcount:
            gone[table.name] = count
    if gone:
        notes.add(USER, [user_id])
    return gone


def delete_item(connection: Connection, notes: Notes, item_id: str) -> dict[str, int]:
    """The item's row and its events; rows gone by table, tables without any are absent."""
    gone = {}
    if count := delete_events(connection, notes, events.c.item_id == item_id):
        gone["events"] = count
    if connection.execute(delete(items).where(items.c.item_id == item_id)).rowcount:
        gone["items"] = 1
        notes.add(HIDDEN, [item_id])
    return gone


def delete_events(connection: Connection, notes: Notes, *which: ColumnElement[bool]) -> int:
    """Delete events and what was kept of the people they belonged to."""
    people = list(connection.execute(select(events.c.user_id).where(*which).distinct()).scalars())
    if not people:
        return 0
    mine = select(events.c.user_id).where(*which)
    connection.execute(delete(profiles).where(profiles.c.user_id.in_(mine)))
    notes.add(USER, people)
    return connection.execute(delete(events).where(*which)).rowcount


def _merged(text: str, given: Mapping[str, Any], where: str) -> str:
    known = json.loads(text)
    if not isinstance(known, dict):
        raise StoreError("the attributes are no JSON object", where=where, fix="write them anew as a whole")
    kept = {name: value for name, value in (known | dict(given)).items() if value is not None}
    return text if kept == known else json.dumps(kept, ensure_ascii=False)


def _items() -> Select[Any]:
    return select(*(items.c[name] for name in ItemRow._fields))


def _item(row: Any) -> ItemRow:
    return ItemRow(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], bool(row[6]))
