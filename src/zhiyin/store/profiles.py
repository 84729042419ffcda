"""Profiles between questions, and what people said of theirs: ``SqlStore.profiles``.

A state belongs to one bundle and to the events up to ``seq``. Whoever changes or erases events that are stored calls
``forget``; ``count`` lets a reader notice that some are gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, func, insert, select, update

from zhiyin.store.changes import PROFILE, note
from zhiyin.store.dialect import IN_LIST, many
from zhiyin.store.schema import events, profile_edits, profiles, users

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class KeptState:
    bundle: str
    seq: int
    state: bytes


@dataclass(frozen=True)
class KeptEdit:
    """``said`` in the person's own words; ``meant`` is what was made of it, a JSON object. ``time`` in microseconds."""

    edit_id: int
    time: int
    said: str
    meant: dict[str, Any]
    undone: bool


class Profiles:
    """``guarded`` turns the driver's errors into ours; ``writer`` opens transactions that take their place in line."""

    def __init__(self, engine: Engine, writer: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._writer = writer
        self._guarded = guarded

    def events_since(self, user_id: str, seq: int) -> pl.DataFrame:
        """Events of ``user_id`` that arrived after ``seq``, in the columns and order of ``Store.events``."""
        import polars as pl

        kinds = {
            "seq": pl.Int64,
            "user_id": pl.String,
            "item_id": pl.String,
            "event_type": pl.String,
            "value": pl.Float64,
            "time": pl.Int64,
        }
        query = select(*(events.c[name] for name in kinds)).order_by(events.c.seq)
        query = query.where(events.c.user_id == user_id, events.c.seq > seq)
        with self._guarded(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        columns = zip(*rows, strict=True) if rows else [[] for _ in kinds]
        named = zip(kinds.items(), columns, strict=True)
        return pl.DataFrame([pl.Series(name, list(values), dtype=kind) for (name, kind), values in named])

    def count(self, user_id: str, seq: int) -> int:
        """Events of ``user_id`` up to and with ``seq``."""
        query = select(func.count()).where(events.c.user_id == user_id, events.c.seq <= seq)
        with self._guarded(), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def attributes(self, user_id: str) -> str:
        """What is known of ``user_id``, a JSON object; "{}" for somebody unknown."""
        query = select(users.c.attributes).where(users.c.user_id == user_id)
        with self._guarded(), self._engine.connect() as connection:
            found = connection.execute(query).scalar_one_or_none()
        return "{}" if found is None else str(found)

    def state(self, user_id: str) -> KeptState | None:
        table = profiles.c
        query = select(table.bundle, table.seq, table.state).where(table.user_id == user_id)
        with self._guarded(), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else KeptState(row[0], int(row[1]), bytes(row[2]))

    def put_state(self, user_id: str, kept: KeptState) -> None:
        """Keep or replace."""
        row = {"user_id": user_id, "bundle": kept.bundle, "seq": kept.seq, "state": kept.state}
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(delete(profiles).where(profiles.c.user_id == user_id))
            connection.execute(insert(profiles), [row])

    def forget(self, user_id: str) -> None:
        """Drop the state, which the next question makes again. Edits stay."""
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(delete(profiles).where(profiles.c.user_id == user_id))

    def add_edit(self, user_id: str, said: str, meant: dict[str, Any], time: int) -> int:
        """Keep what ``user_id`` (who may be unknown otherwise) said; the edit's number."""
        row = {
            "user_id": user_id,
            "time": time,
            "said": said,
            "wishes": json.dumps(meant, ensure_ascii=False),
            "undone": False,
        }
        with self._guarded(), self._writer.begin() as connection:
            made = insert(profile_edits).values(row).returning(profile_edits.c.edit_id)
            note(connection, PROFILE, user_id)
            return int(connection.execute(made).scalar_one())

    def edits(self, user_id: str) -> list[KeptEdit]:
        """Oldest first, the undone ones too."""
        table = profile_edits.c
        query = select(table.edit_id, table.time, table.said, table.wishes, table.undone)
        query = query.where(table.user_id == user_id).order_by(table.edit_id)
        with self._guarded(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [KeptEdit(int(row[0]), int(row[1]), row[2], json.loads(row[3]), bool(row[4])) for row in rows]

    def speakers(self) -> list[str]:
        """Everybody with an edit that stands, sorted."""
        query = select(profile_edits.c.user_id).where(profile_edits.c.undone.is_(False)).distinct()
        with self._guarded(), self._engine.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def speakers_among(self, user_ids: Sequence[str]) -> set[str]:
        """Those of ``user_ids`` with an edit that stands; on the driver's own cursor, for every list asks it."""
        found: set[str] = set()
        wanted = sorted(set(user_ids))
        with self._guarded(), closing(self._engine.raw_connection()) as pooled:
            cursor = pooled.cursor()
            for start in range(0, len(wanted), IN_LIST):
                which, values = many(self._engine.dialect.name, wanted[start : start + IN_LIST])
                cursor.execute(
                    f"SELECT DISTINCT user_id FROM profile_edits WHERE user_id {which} AND NOT undone", values
                )
                found |= {row[0] for row in cursor.fetchall()}
        return found

    def undo_edit(self, user_id: str, edit_id: int) -> bool:
        """Take an edit back; False where ``user_id`` has none of that number, or it was undone before."""
        table = profile_edits.c
        mine = (table.user_id == user_id, table.edit_id == edit_id, table.undone.is_(False))
        with self._guarded(), self._writer.begin() as connection:
            undone = connection.execute(update(profile_edits).where(*mine).values(undone=True)).rowcount > 0
            if undone:
                note(connection, PROFILE, user_id)
            return undone
