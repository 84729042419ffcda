"""Parquet files: a frame whose columns become text cells for events, and whose rows are numbered from 1."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from zhiyin.errors import FileUnreadable
from zhiyin.events.cells import to_text
from zhiyin.events.delimited import Batch
from zhiyin.events.files import unpacked

ROWS = 200_000
"""Rows handled at a time."""


def open_frame(path: Path) -> pl.DataFrame:
    """The whole table. Raises FileUnreadable where it is damaged or empty."""
    try:
        frame = pl.read_parquet(io.BytesIO(unpacked(path)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as broken:
        reason = str(broken).splitlines()[0][:200] if str(broken) else type(broken).__name__
        raise FileUnreadable(
            f"not a whole Parquet file: {reason}", where=str(path), fix="copy or write the file again"
        ) from broken
    if frame.is_empty():
        raise FileUnreadable("the table has no rows", where=str(path), fix="check that it was written to the end")
    return frame


def batches(frame: pl.DataFrame, columns: Iterable[str]) -> Iterator[Batch]:
    """The given columns as text cells; rows are numbered from 1."""
    chosen = list(columns)
    for start in range(0, len(frame), ROWS):
        part = frame.slice(start, ROWS).select(chosen)
        lines = pl.Series(range(start + 1, start + 1 + len(part)), dtype=pl.Int64)
        yield Batch(pl.DataFrame([as_text(column) for column in part.get_columns()]), lines, lines)


def raw(frame: pl.DataFrame, spans: Iterable[tuple[int, int]]) -> dict[int, str]:
    """Rows by number as JSON."""
    rows = sorted({first for first, _ in spans})
    picked = frame[[row - 1 for row in rows]] if rows else frame.clear()
    return {
        number: json.dumps(row, ensure_ascii=False, default=str)
        for number, row in zip(rows, picked.iter_rows(named=True), strict=True)
    }


def as_text(column: pl.Series) -> pl.Series:
    """The column as ``cells.to_text`` would have it, times as ISO 8601 in UTC."""
    kind = column.dtype
    if kind == pl.String:
        return column
    if kind.is_integer() or kind in (pl.Boolean, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if kind.is_float():
        whole = column.is_null() | (column.is_finite() & (column == column.floor()) & (column.abs() < 2.0**53))
        if whole.all():
            return column.cast(pl.Int64).cast(pl.String)
    if isinstance(kind, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else column
        return utc.dt.cast_time_unit("us").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f")
    if kind == pl.Date:
        return column.dt.to_string("%Y-%m-%d")
    return pl.Series(column.name, [to_text(cell) for cell in column], dtype=pl.String)
