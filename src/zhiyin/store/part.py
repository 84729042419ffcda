"""What the parts of a store share: how to read, how to write, whose errors come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Executable, Row, Select

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 100_000
"""Rows that are held as such at a time."""


class Part:
    """``guarded`` turns the driver's errors into ours; ``writer`` opens transactions that take their place in line."""

    def __init__(self, engine: Engine, writer: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._writer = writer
        self._guarded = guarded

    def _rows(self, query: Executable) -> list[Row]:  # type: ignore[type-arg]  # a row of any columns
        with self._guarded(), self._engine.connect() as connection:
            return list(connection.execute(query).all())


def frame_of(connection: Connection, query: Select[Any], schema: Mapping[str, Any]) -> pl.DataFrame:
    """All rows of ``query`` with the columns of ``schema``. They come as the driver has them: to make a row of
    SQLAlchemy's of each costs as much again, a second for a million."""
    import polars as pl

    cursor = connection.execute(query).cursor
    assert cursor is not None, "of a query there are rows"
    flags = [place for place, kind in enumerate(schema.values()) if kind == pl.Boolean]
    parts = []
    while rows := cursor.fetchmany(AT_ONCE):
        for place in flags:
            rows = [(*row[:place], bool(row[place]), *row[place + 1 :]) for row in rows]
        parts.append(pl.DataFrame(rows, schema=dict(schema), orient="row"))
    return pl.concat(parts) if parts else pl.DataFrame(schema=dict(schema))
