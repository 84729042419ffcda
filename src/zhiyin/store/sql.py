"""``ports.Store`` on SQLAlchemy Core."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, TimeoutError

from zhiyin.errors import BundleError, DataError
from zhiyin.store.ads import Ads
from zhiyin.store.appending import EventColumns, EventMark, Histories
from zhiyin.store.calls import Calls
from zhiyin.store.changes import BUNDLE, Watch, note
from zhiyin.store.circles import Circles
from zhiyin.store.dialect import IN_LIST
from zhiyin.store.erasing import Erasures, export
from zhiyin.store.experiments import Experiments, Leases
from zhiyin.store.features import Features
from zhiyin.store.feedback import Feedback
from zhiyin.store.impressions import Impressions
from zhiyin.store.keys import Audit, Keys
from zhiyin.store.linked import Linked
from zhiyin.store.migrate import WRITING
from zhiyin.store.part import frame_of
from zhiyin.store.profiles import Profiles
from zhiyin.store.recent import Recent
from zhiyin.store.records import Records
from zhiyin.store.rows import Rows
from zhiyin.store.schema import bundles, events, items, links, users, vectors
from zhiyin.store.trouble import store_error
from zhiyin.store.writer import Writer
from zhiyin.types import Floats

if TYPE_CHECKING:
    import polars as pl


class SqlStore:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{WRITING: True})
        shared = (engine, self._writer, self._guarded)
        self.features = Features(*shared)
        self.calls = Calls(*shared)
        self.profiles = Profiles(*shared)
        self.rows = Rows(*shared)
        self.feedback = Feedback(*shared)
        self.impressions = Impressions(*shared)
        self.keys = Keys(*shared)
        self.audit = Audit(*shared)
        self.experiments = Experiments(*shared)
        self.leases = Leases(*shared)
        self.erasures = Erasures(*shared)
        self.histories = Histories(*shared)
        self.records = Records(*shared)
        self.recent = Recent(*shared)
        self.circles = Circles(*shared)
        self.ads = Ads(*shared)
        self.linked = Linked(*shared)
        self.changes = Watch(engine, self._guarded)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        with self._guarded(), self._writer.begin() as connection:
            writer = Writer(connection)
            yield writer
            writer.notes.write(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees the database as it is now, whatever others write, until the block ends."""
        options = {} if self._engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with self._guarded(), self._engine.connect().execution_options(**options) as connection:
            yield connection

    def events(self, user_id: str | None = None) -> pl.DataFrame:
        import polars as pl

        names = ["seq", "user_id", "item_id", "event_type", "value", "time"]
        kinds = [pl.Int64, pl.String, pl.String, pl.String, pl.Float64, pl.Int64]
        query = select(*(events.c[name] for name in names)).order_by(events.c.seq)
        if user_id is not None:
            query = query.where(events.c.user_id == user_id)
        return self._frame(query, dict(zip(names, kinds, strict=True)))

    def events_of(self, user_ids: Sequence[str], after: int = 0) -> EventColumns:
        """Events of many people that arrived after ``seq`` ``after``, as plain aligned lists in order of id, then
        arrival."""
        return self.histories.of(user_ids, after)

    def event_marks(self, user_ids: Sequence[str]) -> dict[str, EventMark]:
        """What tells whether the events of each of ``user_ids`` are still those read before; see ``Histories.marks``.
        People without events are left out."""
        return self.histories.marks(user_ids)

    def erase(self, user_id: str, key: bytes, now: int) -> dict[str, int]:
        """``Writer.erase`` in a transaction of its own, then ``scrub``."""
        with self.writing() as writer:
            gone = writer.erase(user_id, key, now)
        self.scrub()
        return gone

    def scrub(self) -> None:
        """Empty the write-ahead log of SQLite, where deleted rows can still be read; it waits for nobody, so that a
        reader who is at work keeps the log until the next time."""
        if self._engine.dialect.name == "sqlite":
            with self._guarded(), closing(self._engine.raw_connection()) as pooled:
                pooled.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def export(self, user_id: str) -> dict[str, Any]:
        """All that is held of ``user_id``, as values that JSON can hold."""
        with self._guarded(), self._engine.connect() as connection:
            return export(connection, user_id)

    def items(self, item_ids: Sequence[str] | None = None) -> pl.DataFrame:
        import polars as pl

        schema = {
            "item_id": pl.String,
            "title": pl.String,
            "description": pl.String,
            "categories": pl.String,
            "attributes": pl.String,
            "time": pl.Int64,
            "hidden": pl.Boolean,
        }
        query = select(*(items.c[name] for name in schema)).order_by(items.c.item_id)
        if item_ids is None:
            frame = self._frame(query, schema)
        else:
            parts = [self._frame(query.where(one), schema) for one in _in(items.c.item_id, sorted(set(item_ids)))]
            frame = pl.concat(parts) if parts else pl.DataFrame(schema=schema)
        lists = pl.Series("categories", [json.loads(text) for text in frame["categories"]], dtype=pl.List(pl.String))
        return frame.with_columns(lists)

    def item_ids(self) -> list[str]:
        return self._ids(select(items.c.item_id).order_by(items.c.item_id))

    def hidden_items(self) -> list[str]:
        return self._ids(select(items.c.item_id).where(items.c.hidden).order_by(items.c.item_id))

    def users(self) -> pl.DataFrame:
        import polars as pl

        query = select(users.c.user_id, users.c.attributes).order_by(users.c.user_id)
        return self._frame(query, {"user_id": pl.String, "attributes": pl.String})

    def links(self) -> pl.DataFrame:
        import polars as pl

        schema = {"user_id": pl.String, "other_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
        query = select(*(links.c[name] for name in schema)).order_by(links.c.user_id, links.c.other_id)
        return self._frame(query, schema)

    def counts(self) -> dict[str, int]:
        with self._guarded(), self._engine.connect() as connection:
            found = {
                table.name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
                for table in (users, items, events, links)
            }
        return {name: count for name, count in found.items() if count or name != links.name}

    def vectors(self, model_id: str, text_hashes: Sequence[str]) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        with self._guarded(), self._engine.connect() as connection:
            for one in _in(vectors.c.text_hash, text_hashes):
                query = select(vectors.c.text_hash, vectors.c.vector).where(vectors.c.model_id == model_id, one)
                for key, blob in connection.execute(query):
                    found[key] = np.frombuffer(blob, dtype="<f4")
        return found

    def put_vectors(self, model_id: str, given: dict[str, Floats]) -> None:
        rows = [
            {"model_id": model_id, "text_hash": key, "vector": np.asarray(row, dtype="<f4").tobytes()}
            for key, row in given.items()
        ]
        with self._guarded(), self._writer.begin() as connection:
            for one in _in(vectors.c.text_hash, list(given)):
                connection.execute(delete(vectors).where(vectors.c.model_id == model_id, one))
            if rows:
                connection.execute(insert(vectors), rows)

    def record_bundle(self, name: str, manifest: dict[str, Any]) -> None:
        row = {"name": name, "created": manifest["created"], "manifest": json.dumps(manifest, ensure_ascii=False)}
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(insert(bundles), [row])

    def use_bundle(self, name: str) -> None:
        with self._guarded(), self._writer.begin() as connection:
            if connection.execute(select(bundles.c.name).where(bundles.c.name == name)).first() is None:
                raise BundleError(f"no bundle '{name}'", fix="see 'zhiyin bundles list'")
            connection.execute(update(bundles).values(active=bundles.c.name == name))
            note(connection, BUNDLE, name)

    def drop_bundle(self, name: str) -> None:
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(delete(bundles).where(bundles.c.name == name))

    def bundles(self) -> pl.DataFrame:
        import polars as pl

        query = select(bundles.c.name, bundles.c.created, bundles.c.active, bundles.c.manifest)
        schema = {"name": pl.String, "created": pl.Int64, "active": pl.Boolean, "manifest": pl.String}
        return self._frame(query.order_by(bundles.c.created.desc(), bundles.c.name.desc()), schema)

    def close(self) -> None:
        self.changes.close()
        self._engine.dispose()

    def _frame(self, query: Select[Any], schema: dict[str, Any]) -> pl.DataFrame:
        with self._guarded(), self._engine.connect() as connection:
            return frame_of(connection, query, schema)

    def _ids(self, query: Select[Any]) -> list[str]:
        with self._guarded(), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Driver errors as ours."""
        try:
            yield
        except (DBAPIError, TimeoutError, self._engine.dialect.loaded_dbapi.Error) as failure:
            raise store_error(failure, str(self._engine.url)) from failure
        except (UnicodeEncodeError, OverflowError) as bad:
            raise DataError(f"the database cannot hold a value: {bad}", fix="leave such values out") from bad


def _in(column: ColumnElement[str], keys: Sequence[str]) -> Iterator[ColumnElement[bool]]:
    for start in range(0, len(keys), IN_LIST):
        yield column.in_(keys[start : start + IN_LIST])
