"""Where SQLite and PostgreSQL differ in how rows are written and read on the driver's own cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Double, LargeBinary, Table

BATCH = 20_000
"""Rows in one statement or one call of the driver."""

IN_LIST = 500
"""Ids in one query."""


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def sign(connection: Connection) -> str:
    """What stands for a value in a statement."""
    return "?" if is_sqlite(connection) else "%s"


def many(dialect: str, keys: Sequence[str]) -> tuple[str, list[Any]]:
    """``IN (...)`` and its values; at most ``IN_LIST`` keys where the database is SQLite."""
    if dialect == "sqlite":
        return f"IN ({', '.join('?' * len(keys))})", list(keys)
    return "= ANY(%s)", [list(keys)]


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction writes into this schema: then the order of ``seq`` is the order of commits."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('zhiyin'), hashtext(current_schema()))")


def insert_new(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], unique: str
) -> int:
    """Insert rows whose ``unique`` column is not there yet, in the order given; how many were new."""
    return _insert(connection, table, columns, rows, f" ON CONFLICT ({unique}) DO NOTHING")


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows, all of them new, in the order given; how many."""
    return _insert(connection, table, columns, rows, "")


def replace_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], key: Sequence[str]
) -> int:
    """Insert rows or put them in the place of those with the same ``key``, which no two of ``rows`` share."""
    given = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    return _insert(connection, table, columns, rows, f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {given}")


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], conflict: str
) -> int:
    names = ", ".join(columns)
    cursor = connection.connection.cursor()
    done = 0
    feed = iter(rows)
    while batch := list(islice(feed, BATCH)):
        if is_sqlite(connection):
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks}){conflict}", batch)
        else:
            # One array a column: one statement, whatever the number of rows. The rows are numbered as they come.
            arrays = ", ".join(f"%s::{_type(table, name)}[]" for name in columns)
            taken = ", ".join(f"given.{name}" for name in columns)
            cursor.execute(
                f"INSERT INTO {table.name} ({names}) SELECT {taken} "
                f"FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, place) ORDER BY place{conflict}",
                [list(column) for column in zip(*batch, strict=True)],
            )
        done += cursor.rowcount
    return done


def _type(table: Table, name: str) -> str:
    kind = table.c[name].type
    for one, said in (
        (Boolean, "boolean"),
        (BigInteger, "bigint"),
        (Double, "double precision"),
        (LargeBinary, "bytea"),
    ):
        if isinstance(kind, one):
            return said
    return "text"
