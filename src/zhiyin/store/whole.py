"""Whole tables, row by row and in one order in every database: what a dump reads and a restore writes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, Connection, Double, LargeBinary, Table, Text, func, select

from zhiyin.store.dialect import insert_rows, is_sqlite
from zhiyin.store.schema import leases, metadata

TABLES = [table for table in metadata.sorted_tables if table is not leases]
"""All that outlives the processes, referred-to tables first."""
NUMBERED = [table for table in TABLES if next(iter(table.primary_key.columns)).autoincrement is True]
AT_ONCE = 5000
"""Rows in memory."""


def count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def read(connection: Connection, table: Table, columns: Sequence[str]) -> Iterator[list[Any]]:
    """Every row as values of JSON (bytes in base64), in order of the primary key by number or code point."""
    keys = [
        column.name if is_sqlite(connection) or not isinstance(column.type, Text) else f'{column.name} COLLATE "C"'
        for column in table.primary_key.columns
    ]
    driver: Any = connection.connection
    # The name makes the server keep the rows until they are asked for.
    cursor = driver.cursor() if is_sqlite(connection) else driver.cursor(name=f"all_{table.name}")
    plain = [_plain(table, name) for name in columns]
    try:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {', '.join(keys)}")
        while rows := cursor.fetchmany(AT_ONCE):
            for row in rows:
                yield [
                    value if turn is None or value is None else turn(value)
                    for turn, value in zip(plain, row, strict=True)
                ]
    finally:
        cursor.close()


def write(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows as ``read`` gives them; how many."""
    binary = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, LargeBinary)]
    if not binary:
        return insert_rows(connection, table, columns, rows)
    return insert_rows(connection, table, columns, (_decoded(row, binary) for row in rows))


def sequences(connection: Connection) -> dict[str, int]:
    """The last number given out by table; tables that gave none are absent."""
    if is_sqlite(connection):
        # The table is there once some table numbers its rows by itself.
        given = connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence WHERE seq > 0 ORDER BY name").all()
        return {row[0]: int(row[1]) for row in given if row[0] in {table.name for table in NUMBERED}}
    found: dict[str, int] = {}
    for table in NUMBERED:
        query = f"SELECT last_value, is_called FROM {_sequence(connection, table)}"
        value, called = connection.exec_driver_sql(query).one()
        found |= {table.name: int(value)} if called else {}
    return found


def set_sequences(connection: Connection, last: dict[str, int]) -> None:
    """Go on numbering after ``last``, so that no number is given twice."""
    for table in NUMBERED:
        if table.name not in last:
            continue
        if is_sqlite(connection):
            connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
            query = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"
            connection.exec_driver_sql(query, (table.name, last[table.name]))
        else:
            connection.exec_driver_sql(
                "SELECT setval(%s::regclass, %s)", (_sequence(connection, table), last[table.name])
            )


def _sequence(connection: Connection, table: Table) -> str:
    column = next(iter(table.primary_key.columns)).name
    found = connection.exec_driver_sql("SELECT pg_get_serial_sequence(%s, %s)", (table.name, column))
    return str(found.scalar_one())


def _plain(table: Table, name: str) -> Callable[[Any], Any] | None:
    kind = table.c[name].type
    if isinstance(kind, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    return bool if isinstance(kind, Boolean) else float if isinstance(kind, Double) else None


def _decoded(row: Sequence[Any], places: Sequence[int]) -> list[Any]:
    values = list(row)
    for place in places:
        values[place] = base64.b64decode(values[place])
    return values
