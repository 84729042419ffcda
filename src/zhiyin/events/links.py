"""Links between people out of rows: from whom to whom, how strong, since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from zhiyin.events.cells import BadCell, to_id, to_number, to_text, to_time
from zhiyin.events.rejects import Rejects

LINK_SCHEMA = {"user_id": pl.String, "other_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
"""What the store takes. Times are microseconds UTC."""
_PLACED = LINK_SCHEMA | {"line": pl.Int64, "end": pl.Int64}
_POINT_ZERO = r"^-?[0-9]+\.0$"


@dataclass
class Links:
    """Links gathered from one file. Times from ``earliest`` to ``latest`` are believed. ``untyped``: cells are bare
    text, so that 1.0 may stand for 1; ``trimmed`` names the columns that were read that way."""

    rejects: Rejects
    earliest: int
    latest: int
    untyped: bool
    rows: list[tuple[str, str, float, int | None, int, int]] = field(default_factory=list)
    trimmed: list[str] = field(default_factory=list)

    def add(self, line: int, end: int, roles: Mapping[str, str], row: Mapping[str, Any]) -> None:
        """Take one row (cells by column; ``roles``: role -> column), or reject it."""
        cells = {role: row.get(column) for role, column in roles.items()}
        try:
            user = to_id(cells.get("user"), "missing user id")
            other = to_id(cells.get("other"), "missing other id")
            weight = to_number(cells.get("weight"))
            if weight is not None and weight <= 0:
                raise BadCell("bad number", "a link weighs more than 0")
            time = self._time(cells.get("time"))
        except BadCell as bad:
            self.rejects.add(line, end, bad.reason, bad.detail)
            return
        self.rows.append((user, other, 1.0 if weight is None else weight, time, line, end))

    def frame(self) -> pl.DataFrame:
        """The links without those that lead to oneself and without repeats of a pair, which are rejected."""
        frame = pl.DataFrame(self.rows, schema=_PLACED, orient="row")
        for column in ("user_id", "other_id"):
            if self.untyped and len(frame) and frame[column].str.contains(_POINT_ZERO).all():
                self.trimmed.append(column)
                frame = frame.with_columns(pl.col(column).str.strip_suffix(".0"))
        own = pl.col("user_id") == pl.col("other_id")
        self._reject(frame.filter(own), "link to oneself")
        frame = frame.filter(~own).with_columns(pl.struct("user_id", "other_id").is_first_distinct().alias("first"))
        self._reject(frame.filter(~pl.col("first")), "duplicate link")
        return frame.filter("first").select(*LINK_SCHEMA)

    def _reject(self, frame: pl.DataFrame, reason: str) -> None:
        for line, end in frame.select("line", "end").iter_rows():
            self.rejects.add(line, end, reason)

    def _time(self, cell: Any) -> int | None:
        time = to_time(cell)
        if time is not None and time > self.latest:
            raise BadCell("future timestamp", to_text(cell) or "")
        if time is not None and time < self.earliest:
            raise BadCell("too old timestamp", to_text(cell) or "")
        return time
