"""What the parts of a store share: how to read, how to write, whose errors come out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Engine, Executable, Row


class Part:
    """``guarded`` turns the driver's errors into ours; ``writer`` opens transactions that take their place in line."""

    def __init__(self, engine: Engine, writer: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._writer = writer
        self._guarded = guarded

    def _rows(self, query: Executable) -> list[Row]:  # type: ignore[type-arg]  # a row of any columns
        with self._guarded(), self._engine.connect() as connection:
            return list(connection.execute(query).all())
