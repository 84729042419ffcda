"""A store as one file, and back: between any two stores, whole or not at all.

The file is JSON by lines, compressed by gzip. First comes what is in it: format, schema, columns and number of rows of
every table. Then each table: its name, one line a row (an array, in order of the primary key), its checksum. Then
bundles, where asked for. Last, the checksum of all checksums: a file without it was cut off. Checksums are taken over
the lines, so they are the same wherever the rows were stored. Nothing is ever held as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from zhiyin.bundle import FOLDER
from zhiyin.dump import files
from zhiyin.dump.lines import Lines, Sum, line_of, opened, written
from zhiyin.errors import DataError, FileUnreadable, StoreError
from zhiyin.ports import Progress, Silent
from zhiyin.store import whole
from zhiyin.store.schema import HEAD
from zhiyin.store.sql import SqlStore

FORMAT = 1
STEP = 1000
"""Rows between two signs of progress."""


@dataclass(frozen=True)
class Dumped:
    """Rows and checksum by table; ``bundles`` by name in the file; ``checksum`` of all of it."""

    tables: dict[str, tuple[int, str]]
    bundles: list[str]
    checksum: str

    @property
    def rows(self) -> int:
        return sum(rows for rows, _ in self.tables.values())


def dump(store: SqlStore, path: Path, *, bundles: Path | None = None, progress: Progress | None = None) -> Dumped:
    """Write all that ``store`` holds at this moment to ``path``, which appears or is replaced at the end; with
    ``bundles`` (a project folder) also the files of its bundles.

    Raises StoreError for the store and DataError where the file cannot be written."""
    progress = progress or Silent()
    tables = {}
    total = Sum()
    named = files.names(bundles / FOLDER) if bundles else []
    with written(path) as out, store.snapshot() as connection:
        columns = {table.name: [column.name for column in table.columns] for table in whole.TABLES}
        count = {table.name: whole.count(connection, table) for table in whole.TABLES}
        head = {
            "zhiyin_dump": FORMAT,
            "schema": HEAD,
            "time": time.time_ns() // 1000,
            "rows": count,
            "columns": columns,
            "sequences": whole.sequences(connection),
            "bundles": named,
        }
        out.write(line_of(head))
        with progress.task("dump", sum(count.values())) as done:
            for table in whole.TABLES:
                out.write(line_of({"table": table.name}))
                own = Sum()
                for row in _counted(whole.read(connection, table, columns[table.name]), done):
                    line = line_of(row)
                    own.add(line)
                    out.write(line)
                tables[table.name] = (own.lines, own.hex)
                total.add(own.hex.encode())
                out.write(line_of({"end": table.name, "rows": own.lines, "checksum": own.hex}))
        if bundles:
            for checksum in files.write(bundles / FOLDER, named, out):
                total.add(checksum.encode())
        out.write(line_of({"checksum": total.hex}))
    return Dumped(tables, named, total.hex)


def restore(store: SqlStore, path: Path, *, bundles: Path | None = None, progress: Progress | None = None) -> Dumped:
    """Fill the empty ``store`` from ``path`` in one transaction, and with ``bundles`` (a project folder) put the
    bundles of the file there. What is in the store is read again and compared before it is final.

    Raises StoreError where the store is not empty, FileUnreadable for a damaged or foreign file, DataError where the
    store holds something else than the file afterwards; the store is then as it was."""
    progress = progress or Silent()
    with opened(path) as lines:
        head = _head(lines)
        rows = sum(head["rows"].values())
        # Read through once before anything is written: a damaged file is found out without a database.
        with progress.task("check", rows) as done:
            found = _tables(lines, head, lambda table, columns, rows: _use_up(_counted(rows, done)))
            _rest(lines, head, found, None)
    with opened(path) as lines, store.writing() as writer:
        connection = writer.connection
        for table in whole.TABLES:
            if whole.count(connection, table):
                raise StoreError(
                    f"the store is not empty: it has rows in {table.name}", fix="restore into a new database"
                )
        lines.next()
        with progress.task("restore", rows) as done:
            _tables(
                lines, head, lambda table, columns, rows: whole.write(connection, table, columns, _counted(rows, done))
            )
        with progress.task("compare", rows) as done:
            for table in whole.TABLES:
                if table.name in found:
                    again = _counted(whole.read(connection, table, head["columns"][table.name]), done)
                    _compare(table, found[table.name], again)
        whole.set_sequences(connection, head["sequences"])
        total = _rest(lines, head, found, bundles / FOLDER if bundles else None)
    return Dumped(found, head["bundles"] if bundles else [], total)


Take = Callable[[Table, list[str], Iterator[list[Any]]], object]
"""What becomes of the rows of a table: all of them must be taken."""


def _tables(lines: Lines, head: dict[str, Any], take: Take) -> dict[str, tuple[int, str]]:
    """Hand over the rows of every table; number and checksum by name."""
    found = {}
    for table in whole.TABLES:
        if (columns := head["columns"].get(table.name)) is None:
            continue
        lines.expect({"table": table.name})
        own = Sum()
        take(table, columns, lines.rows(own, len(columns)))
        lines.expect({"end": table.name, "rows": own.lines, "checksum": own.hex})
        if own.lines != head["rows"][table.name]:
            raise lines.damaged(f"{table.name} has {own.lines} rows, not {head['rows'][table.name]}")
        found[table.name] = (own.lines, own.hex)
    return found


def _rest(lines: Lines, head: dict[str, Any], found: dict[str, tuple[int, str]], folder: Path | None) -> str:
    """The bundles, into ``folder`` where there is one, and the end of the file; the checksum of all."""
    total = Sum()
    for _, checksum in found.values():
        total.add(checksum.encode())
    with files.unpacked(lines, head["bundles"], folder) as checksums:
        for checksum in checksums:
            total.add(checksum.encode())
        lines.expect({"checksum": total.hex})
        lines.end()
    return total.hex


def _head(lines: Lines) -> dict[str, Any]:
    head = lines.next()
    if not isinstance(head, dict) or "zhiyin_dump" not in head:
        raise FileUnreadable("no dump of Zhiyin", where=str(lines.path), fix="give a file that 'zhiyin dump' wrote")
    known = {table.name: {column.name for column in table.columns} for table in whole.TABLES}
    newer = head["zhiyin_dump"] > FORMAT or head["schema"] > HEAD
    if newer or any(set(columns) - known.get(name, set()) for name, columns in head["columns"].items()):
        raise FileUnreadable(
            f"the dump has schema {head['schema']} and this Zhiyin knows only {HEAD}",
            where=str(lines.path),
            fix="upgrade Zhiyin",
        )
    return head


def _counted(rows: Iterator[list[Any]], done: Callable[[int], None]) -> Iterator[list[Any]]:
    for number, row in enumerate(rows, start=1):
        if not number % STEP:
            done(STEP)
        yield row


def _use_up(rows: Iterator[list[Any]]) -> None:
    for _ in rows:
        pass


def _compare(table: Table, expected: tuple[int, str], rows: Iterator[list[Any]]) -> None:
    """Whether ``rows``, read again, are those that were written."""
    own = Sum()
    for row in rows:
        own.add(line_of(row))
    if (own.lines, own.hex) != expected:
        raise DataError(
            f"{table.name} holds something else than the file after it was restored",
            fix="nothing was changed; tell us which two databases these are",
        )
