"""Documents with versions: pages, drafts, campaigns, decisions, appeals. ``SqlStore.records`` reads and writes, the
functions write for ``Writer`` within a transaction that does more.

A document has a kind (what sort of thing it is), a key (which one) and versions from 1. A version's body never changes;
its state does, in words that the kind chooses.

A kind whose name begins with ``person.`` tells of a person: its keys are made by ``about``, and with the person its
documents are given out, erased or moved to another name. Bodies of other kinds name nobody, or whoever keeps them must
see to it that they do not outlive the person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select, update

from zhiyin.store.part import Part
from zhiyin.store.schema import records

PERSON = "person."


@dataclass(frozen=True)
class Record:
    """``version`` from 1, ``body`` a JSON object, ``time`` in microseconds UTC."""

    kind: str
    key: str
    version: int
    state: str
    body: dict[str, Any]
    time: int


def about(user_id: str, name: str | None = None) -> str:
    """The key of a document of ``user_id`` in a kind that begins with ``person.``; ``name`` tells several apart."""
    return json.dumps([user_id] if name is None else [user_id, name], ensure_ascii=False)


class Records(Part):
    def put(self, kind: str, key: str, state: str, body: Mapping[str, Any], *, now: int | None = None) -> int:
        """Add a version and give its number; ``now`` is the time of the clock where it is None."""
        with self._guarded(), self._writer.begin() as connection:
            return put_record(connection, kind, key, state, body, now)

    def set_state(self, kind: str, key: str, state: str, version: int | None = None) -> bool:
        """Of ``version``, or of the newest; False where there is none."""
        with self._guarded(), self._writer.begin() as connection:
            return set_record_state(connection, kind, key, state, version)

    def delete(self, kind: str, key: str) -> int:
        """Every version; how many are gone."""
        with self._guarded(), self._writer.begin() as connection:
            return delete_records(connection, kind, key)

    def latest(self, kind: str, key: str, state: str | None = None) -> Record | None:
        """The newest version, or the newest in ``state``."""
        found = self._rows(_versions(kind, key, state).limit(1))
        return record_of(found[0]) if found else None

    def get(self, kind: str, key: str, version: int) -> Record | None:
        found = self._rows(_versions(kind, key, None).where(records.c.version == version))
        return record_of(found[0]) if found else None

    def versions(self, kind: str, key: str) -> list[Record]:
        """The newest first."""
        return [record_of(row) for row in self._rows(_versions(kind, key, None))]

    def every(
        self, kind: str, state: str | None = None, *, after: str | None = None, limit: int | None = None
    ) -> list[Record]:
        """The newest version of every key, or the newest in ``state`` (a key without one is left out), in order of
        key; a page of at most ``limit`` after the key ``after``."""
        which = [records.c.kind == kind]
        which += [] if state is None else [records.c.state == state]
        which += [] if after is None else [records.c.key > after]
        newest = select(records.c.key, func.max(records.c.version).label("version")).where(*which)
        found = newest.group_by(records.c.key).order_by(records.c.key).limit(limit).subquery()
        same = and_(records.c.key == found.c.key, records.c.version == found.c.version)
        query = select(*_COLUMNS).join(found, same).where(records.c.kind == kind).order_by(records.c.key)
        return [record_of(row) for row in self._rows(query)]

    def arrived(self, kind: str, *, after: int = 0, limit: int | None = None) -> list[tuple[int, Record]]:
        """The newest version of every key in order of arrival, each with its number; a page of at most ``limit`` with
        numbers above ``after``. A document that gets another version moves to the end."""
        newest = select(func.max(records.c.seq)).where(records.c.kind == kind).group_by(records.c.key)
        query = select(records.c.seq, *_COLUMNS).where(records.c.seq.in_(newest), records.c.seq > after)
        return [(int(row[0]), record_of(row[1:])) for row in self._rows(query.order_by(records.c.seq).limit(limit))]


def put_record(
    connection: Connection, kind: str, key: str, state: str, body: Mapping[str, Any], now: int | None = None
) -> int:
    """Add a version after those that are there; its number. Transactions that write take turns, in every database: no
    two make the same version."""
    this = (records.c.kind == kind, records.c.key == key)
    known = connection.execute(select(func.max(records.c.version)).where(*this)).scalar_one()
    version = int(known or 0) + 1
    time_ = time.time_ns() // 1000 if now is None else now
    row = {"kind": kind, "key": key, "version": version, "state": state, "time": time_}
    connection.execute(insert(records), [row | {"body": json.dumps(dict(body), ensure_ascii=False)}])
    return version


def set_record_state(connection: Connection, kind: str, key: str, state: str, version: int | None = None) -> bool:
    """Of ``version``, or of the newest; False where there is none."""
    this = (records.c.kind == kind, records.c.key == key)
    newest = select(func.max(records.c.version)).where(*this).scalar_subquery()
    which = records.c.version == (newest if version is None else version)
    return connection.execute(update(records).where(*this, which).values(state=state)).rowcount > 0


def read_latest(connection: Connection, kind: str, key: str) -> Record | None:
    row = connection.execute(_versions(kind, key, None).limit(1)).first()
    return None if row is None else record_of(row)


def delete_records(connection: Connection, kind: str, key: str) -> int:
    return connection.execute(delete(records).where(records.c.kind == kind, records.c.key == key)).rowcount


def about_person(user_id: str) -> ColumnElement[bool]:
    """Which documents tell of ``user_id``."""
    alone = about(user_id)
    start = alone.removesuffix("]") + ", "
    # The end of the range is the character after the dot.
    kinds = and_(records.c.kind >= PERSON, records.c.kind < "person/")
    return and_(kinds, or_(records.c.key == alone, func.substr(records.c.key, 1, len(start)) == start))


def records_about(user_id: str) -> Select[Any]:
    """Rows for ``record_of``, oldest first."""
    return select(*_COLUMNS).where(about_person(user_id)).order_by(records.c.seq)


def move_records(connection: Connection, source: str, target: str) -> int:
    """Documents about ``source`` become ``target``'s; where both have one of the same kind and name, ``target``'s
    stands. How many versions there were."""
    mine = [(row.kind, row.key) for row in connection.execute(records_about(source))]
    for kind, key in dict.fromkeys(mine):
        other = about(target, *json.loads(key)[1:])
        this = and_(records.c.kind == kind, records.c.key == key)
        if read_latest(connection, kind, other) is None:
            connection.execute(update(records).where(this).values(key=other))
        else:
            connection.execute(delete(records).where(this))
    return len(mine)


def record_of(row: Any) -> Record:
    return Record(row[0], row[1], int(row[2]), row[3], json.loads(row[4]), int(row[5]))


def _versions(kind: str, key: str, state: str | None) -> Select[Any]:
    query = select(*_COLUMNS).where(records.c.kind == kind, records.c.key == key)
    query = query if state is None else query.where(records.c.state == state)
    return query.order_by(records.c.version.desc())


_COLUMNS = [records.c[name] for name in Record.__dataclass_fields__]
