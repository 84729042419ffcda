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
    names = ", ".join(columns)
    cursor = connection.connection.cursor()
    new = 0
    feed = iter(rows)
    if is_sqlite(connection):
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table.name} ({names}) VALUES ({marks}) ON CONFLICT ({unique}) DO NOTHING"
    else:
        arrays = ", ".join(f"%s::{_type(table, name)}[]" for name in columns)
        given = f"unnest({arrays}) WITH ORDINALITY AS given ({names}, place)"
        sql = (
            f"INSERT INTO {table.name} ({names}) SELECT {', '.join(f'given.{name}' for name in columns)} "
            f"FROM {given} ORDER BY place ON CONFLICT ({unique}) DO NOTHING"
        )
    while batch := list(islice(feed, BATCH)):
        if is_sqlite(connection):
            cursor.executemany(sql, batch)
        else:
            cursor.execute(sql, [list(column) for column in zip(*batch, strict=True)])
        new += cursor.rowcount
    return new


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, all of them new, in the order given."""
    names = ", ".join(columns)
    feed = iter(rows)
    cursor = connection.connection.cursor()
    while batch := list(islice(feed, BATCH)):
        if is_sqlite(connection):
            cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))})", batch)
        else:
            arrays = ", ".join(f"%s::{_type(table, name)}[]" for name in columns)
            sql = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"
            cursor.execute(sql, [list(column) for column in zip(*batch, strict=True)])


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
