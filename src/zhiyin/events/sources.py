"""Open files as sources of events and of rows. One class for each way in which rows lie in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from zhiyin.events import delimited, jsonl, parquet, recbole
from zhiyin.events.cells import to_text
from zhiyin.events.columns import Kind, assign
from zhiyin.events.delimited import Batch
from zhiyin.events.files import TextFile, open_text
from zhiyin.events.fit import check
from zhiyin.events.formats import Format, detect, is_parquet
from zhiyin.events.interactions import EventRule, from_batch
from zhiyin.events.rejects import Rejects

Roles = Mapping[str, str]
Record = tuple[int, int, Roles, Mapping[str, Any]]
"""First line, last line, roles, and cells by column."""
MakeRule = Callable[[Roles], EventRule]
_ROWS = 50_000


class Source(Protocol):
    """An open file. ``untyped_text``: whether its cells are bare text, so that 1.0 may stand for 1."""

    format: str
    kind: Kind
    notes: list[str]
    untyped_text: bool

    def roles(self) -> Roles:
        """Role -> column. JSONL knows them once it is read."""
        ...

    def columns(self) -> list[str]:
        """All columns. JSONL knows them once it is read."""
        ...

    def events(self, rule: MakeRule, fast: bool) -> Iterator[pl.DataFrame]:
        """Frames with the columns of ``interactions.SCHEMA``."""
        ...

    def records(self) -> Iterator[Record]: ...

    def raw(self, spans: Iterable[tuple[int, int]]) -> dict[int, str]:
        """Text of the rows on these lines."""
        ...


def open_source(path: Path, kind: Kind, columns: Roles, encoding: str | None, rejects: Rejects) -> Source:
    """Open ``path``. Raises FileUnreadable where it is damaged or does not hold ``kind``."""
    if is_parquet(path):
        return _Table(path, kind, columns, rejects)
    # Texts of a wrong encoding are a blemish; ids of events and links must be right or refused.
    text = open_text(path, encoding, guess=kind in (Kind.ITEMS, Kind.USERS))
    form = detect(text, kind)
    if form.name == "JSONL":
        return _Objects(text, kind, columns, rejects)
    return _Delimited(text, form, kind, columns, rejects)


class _Table:
    """Parquet: typed columns."""

    format = "Parquet"
    untyped_text = False

    def __init__(self, path: Path, kind: Kind, columns: Roles, rejects: Rejects) -> None:
        self.kind = kind
        self.notes: list[str] = []
        self._rejects = rejects
        self._frame = parquet.open_frame(path)
        self._roles = assign(kind, self._frame.columns, columns)
        check(path, kind, self._roles, self._frame.columns)

    def roles(self) -> Roles:
        return self._roles

    def columns(self) -> list[str]:
        return self._frame.columns

    def events(self, rule: MakeRule, fast: bool) -> Iterator[pl.DataFrame]:
        for batch in parquet.batches(self._frame, dict.fromkeys(self._roles.values())):
            yield from_batch(rule(self._roles), batch, self._rejects, fast)

    def records(self) -> Iterator[Record]:
        for number, row in enumerate(self._frame.iter_rows(named=True), 1):
            yield number, number, self._roles, row

    def raw(self, spans: Iterable[tuple[int, int]]) -> dict[int, str]:
        return parquet.raw(self._frame, spans)


class _Delimited:
    """Text with one header for all rows: CSV, TSV, RecBole, MovieLens."""

    def __init__(self, text: TextFile, form: Format, kind: Kind, columns: Roles, rejects: Rejects) -> None:
        assert form.header is not None
        self.format: str = form.name
        self.kind = kind
        self.notes = [text.note] if text.note else []
        self.untyped_text = form.types is None
        self.raw = text.raw
        self._text, self._form, self._rejects = text, form, rejects
        self._roles = assign(kind, form.header, columns)
        check(text.path, kind, self._roles, form.header)

    def roles(self) -> Roles:
        return self._roles

    def columns(self) -> list[str]:
        return list(self._form.header or ())

    def events(self, rule: MakeRule, fast: bool) -> Iterator[pl.DataFrame]:
        for batch in delimited.batches(self._text, self._form, self._rejects, fast):
            yield from_batch(rule(self._roles), batch, self._rejects, fast)

    def records(self) -> Iterator[Record]:
        convert = recbole.converters(self._form.header or (), self._form.types or (), self._roles)
        for batch in delimited.batches(self._text, self._form, self._rejects):
            rows = batch.frame.iter_rows(named=True)
            for line, end, row in zip(batch.lines, batch.ends, rows, strict=True):
                yield line, end, self._roles, row | {name: make(row[name]) for name, make in convert.items()}


class _Objects:
    """JSON lines: every object has its own keys."""

    format = "JSONL"
    untyped_text = False

    def __init__(self, text: TextFile, kind: Kind, columns: Roles, rejects: Rejects) -> None:
        self.notes = [text.note] if text.note else []
        self.raw = text.raw
        self.kind = kind
        self._text, self._columns, self._rejects = text, columns, rejects
        self._keys: dict[str, None] = {}
        self._known: dict[tuple[str, ...], Roles] = {}

    def roles(self) -> Roles:
        return assign(self.kind, list(self._keys), self._columns)

    def columns(self) -> list[str]:
        return list(self._keys)

    def events(self, rule: MakeRule, fast: bool) -> Iterator[pl.DataFrame]:
        feed = self.records()
        while part := list(islice(feed, _ROWS)):
            frames = [from_batch(rule(roles), batch, self._rejects, fast) for roles, batch in _same_roles(part)]
            yield pl.concat(frames).sort("line")

    def records(self) -> Iterator[Record]:
        for line, row in jsonl.objects(self._text, self._rejects):
            keys = tuple(row)
            roles = self._known.get(keys)
            if roles is None:
                roles = self._known[keys] = assign(self.kind, keys, self._columns)
                self._keys |= dict.fromkeys(keys)
            yield line, line, roles, row
        if self._keys:
            check(self._text.path, self.kind, self.roles(), list(self._keys))


def _same_roles(part: Iterable[Record]) -> Iterator[tuple[Roles, Batch]]:
    """Records whose columns have the same roles, as batches of text cells."""
    groups: dict[tuple[tuple[str, str], ...], tuple[Roles, list[Record]]] = {}
    for record in part:
        groups.setdefault(tuple(record[2].items()), (record[2], []))[1].append(record)
    for roles, records in groups.values():
        columns = [
            pl.Series(column, [to_text(row[column]) for _, _, _, row in records], dtype=pl.String)
            for column in dict.fromkeys(roles.values())
        ]
        lines = pl.Series([line for line, _, _, _ in records], dtype=pl.Int64)
        yield roles, Batch(pl.DataFrame(columns), lines, lines)
