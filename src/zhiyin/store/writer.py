"""One open transaction: rows go in by staging tables and set operations, so a million take seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from zhiyin.ports import Written
from zhiyin.store.changes import HIDDEN, ITEM, NOTED, PROFILE, Notes
from zhiyin.store.links import put_links
from zhiyin.store.schema import events, items, users

if TYPE_CHECKING:
    import polars as pl

BATCH = 50_000

Row = tuple[Any, ...]
Told = dict[str, tuple[Row | None, Row]]
"""By key: the row as it was (None for a new one) and as it is, both without the key."""


class Writer:
    """``ports.StoreWriter`` over one SQLAlchemy connection. Whoever opened the transaction writes ``notes`` at its
    end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.notes = Notes()

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the transaction: an exception undoes it and what came before stays."""
        before = self.notes.copy()
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            self.notes = before
            raise

    def put_users(self, frame: pl.DataFrame) -> Written:
        """Columns ``user_id``, ``attributes`` (JSON text, null for none). A known user's row is replaced where it
        differs."""
        import polars as pl

        rows = frame.select("user_id", pl.col("attributes").fill_null("{}")).iter_rows()
        return self._put(users, ["user_id", "attributes"], rows, self._tell_users)

    def put_items(self, frame: pl.DataFrame) -> Written:
        """Columns of ``Store.items``; null categories, attributes and flags mean none. A known item's row is replaced
        where it differs."""
        import json

        import polars as pl

        columns = ["item_id", "title", "description", "categories", "attributes", "time", "hidden"]
        filled = frame.select(columns).with_columns(
            pl.col("attributes").fill_null("{}"), pl.col("hidden").fill_null(False)
        )
        rows = ((*row[:3], json.dumps(row[3] or [], ensure_ascii=False), *row[4:]) for row in filled.iter_rows())
        return self._put(items, columns, rows, self._tell_items)

    def put_events(self, frame: pl.DataFrame) -> Written:
        """Columns ``event_id`` str|null, ``user_id``, ``item_id``, ``event_type``, ``value``, ``time``, and
        ``impression_id`` str|null where there is one.

        An event without an id gets a hash of its content. An id that is there already changes nothing. A value of NaN
        is none. Users and items met only here get a bare row.
        """
        import polars as pl

        names = ["event_id", "user_id", "item_id", "event_type", "value", "time"]
        names += ["impression_id"] if "impression_id" in frame.columns else []
        plain = frame.select(names).with_columns(
            pl.col("value").cast(pl.Float64).fill_nan(None), pl.col("time").cast(pl.Int64)
        )
        self._insert_ignoring(users, ["user_id"], ((key,) for key in frame["user_id"].unique().sort()))
        self._bare_items(frame["item_id"].unique().sort().to_list())
        before = self._count(events)
        rows = ((row[0] or content_id(row[1:6]), *row[1:]) for row in plain.iter_rows())
        self._insert_ignoring(events, names, rows)
        new = self._count(events) - before
        return Written(new=new, changed=0, same=len(frame) - new)

    def put_links(self, frame: pl.DataFrame) -> Written:
        """As ``store.links.put_links``. People met only here get a bare row."""
        import polars as pl

        people = pl.concat([frame["user_id"], frame["other_id"]]).unique().sort()
        self._insert_ignoring(users, ["user_id"], ((key,) for key in people))
        return put_links(self._connection, frame)

    def _bare_items(self, keys: Sequence[str]) -> None:
        """A row for each of ``keys`` that has none."""
        few = len(keys) <= NOTED
        before = self._known(items, ["item_id"], keys) if few else self._count(items)
        self._insert_ignoring(items, ["item_id"], ((key,) for key in keys))
        if isinstance(before, dict):
            self.notes.add(ITEM, (key for key in keys if key not in before))
        elif self._count(items) > before:
            self.notes.add(ITEM, [None])

    def _tell_users(self, told: Told) -> None:
        self.notes.add(PROFILE, told)

    def _tell_items(self, told: Told) -> None:
        # Of some only the flag changed; a new item that is hidden is both.
        self.notes.add(HIDDEN, (key for key, (old, new) in told.items() if (old is not None and old[-1]) != new[-1]))
        self.notes.add(ITEM, (key for key, (old, new) in told.items() if old is None or old[:-1] != new[:-1]))

    def _put(self, table: Table, columns: Sequence[str], rows: Iterator[Row], tell: Callable[[Told], None]) -> Written:
        """Insert new keys (the first column), update rows that differ; of rows with the same key the last counts.
        ``tell`` hears what changed."""
        key, *rest = columns
        new = changed = same = 0
        changing = (
            update(table)
            .where(table.c[key] == bindparam("_key"))
            .values({name: bindparam(f"_{name}") for name in rest})
        )
        while batch := list(islice(rows, BATCH)):
            known = self._known(table, columns, [row[0] for row in batch])
            told: Told = {}
            fresh: dict[str, tuple[Any, ...]] = {}
            differing: dict[str, tuple[Any, ...]] = {}
            for name, *values in batch:
                row = tuple(values)
                if name not in known:
                    new += 1
                    fresh[name] = row
                elif known[name] != row:
                    changed += 1
                    (fresh if name in fresh else differing)[name] = row
                else:
                    same += 1
                    continue
                told[name] = (told[name][0] if name in told else known.get(name), row)
                known[name] = row
            self._insert(table, columns, [(name, *row) for name, row in fresh.items()])
            if differing:
                values_of = [
                    {"_key": name} | {f"_{n}": v for n, v in zip(rest, row, strict=True)}
                    for name, row in differing.items()
                ]
                self._connection.execute(changing, values_of)
            tell(told)
        return Written(new, changed, same)

    def _known(self, table: Table, columns: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        known: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            query = select(*(table.c[name] for name in columns)).where(table.c[columns[0]].in_(some))
            known |= {row[0]: tuple(row[1:]) for row in self._connection.execute(query)}
        return known

    def _insert(self, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])

    def _insert_ignoring(self, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        dialect = {"sqlite": sqlite, "postgresql": postgresql}[self._connection.dialect.name]
        statement = dialect.insert(table).on_conflict_do_nothing(index_elements=[_unique(table)])
        names = ", ".join(columns)
        feed = iter(rows)
        while batch := list(islice(feed, BATCH)):
            if self._connection.dialect.name == "sqlite":  # the driver's own call spares a dictionary for every row
                marks = ", ".join("?" * len(columns))
                sql = f"INSERT INTO {table.name} ({names}) VALUES ({marks}) ON CONFLICT ({_unique(table)}) DO NOTHING"
                self._connection.exec_driver_sql(sql, batch)
            else:
                self._connection.execute(statement, [dict(zip(columns, row, strict=True)) for row in batch])

    def _count(self, table: Table) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())


def _unique(table: Table) -> str:
    return "event_id" if table is events else next(iter(table.primary_key.columns)).name


def content_id(row: Sequence[Any]) -> str:
    """128-bit name of an event by its user, item, type, value and time; parts cannot run into each other."""
    parts = "\x00".join("" if part is None else f"{len(str(part))}:{part}" for part in row)
    return blake2b(parts.encode(), digest_size=16).hexdigest()
