"""Read one file of events, items, users or links, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from zhiyin.errors import FileUnreadable
from zhiyin.events.catalogue import Entities
from zhiyin.events.columns import Kind
from zhiyin.events.interactions import FIELDS, SCHEMA, EventRule
from zhiyin.events.links import Links
from zhiyin.events.rejects import Rejects
from zhiyin.events.sources import Source, open_source

Advance = Callable[[int], None]
POINT_ZERO = r"-?[0-9]+\.0"
"""An id out of a column of floats."""


@dataclass(frozen=True)
class Reading:
    """How to read: ``columns`` by role as the user named them, the type of events without one, the times believed
    (microseconds, inclusive), and the encoding where it is known. ``fast=False`` takes every row alone."""

    columns: Mapping[str, str] = field(default_factory=dict)
    default_type: str = "view"
    earliest: int = -(2**63)
    latest: int = 2**63 - 1
    encoding: str | None = None
    fast: bool = True


@dataclass(frozen=True)
class FileRead:
    """What a file held: ``frame`` is for the store, ``superseded`` counts rows that a later one of the same id
    replaces, ``raw`` fetches the text of rejected lines, ``notes`` are for the reader's eye."""

    path: Path
    kind: Kind
    format: str
    roles: Mapping[str, str]
    frame: pl.DataFrame
    superseded: int
    rejects: Rejects
    raw: Callable[[Iterable[tuple[int, int]]], dict[int, str]]
    notes: list[str]

    @property
    def rows(self) -> int:
        """Rows met: every one was taken, superseded or rejected."""
        return len(self.frame) + self.superseded + len(self.rejects.rows)


def read_file(path: Path, kind: Kind, reading: Reading, advance: Advance = lambda done: None) -> FileRead:
    """Read ``path``, telling ``advance`` of rows done. Raises FileUnreadable where the file as a whole is of no use."""
    rejects = Rejects()
    source = open_source(path, kind, reading.columns, reading.encoding, rejects)
    notes = list(source.notes)
    superseded = 0
    if kind is Kind.EVENTS:
        frame = _events(source, reading, rejects, notes, advance)
    elif kind is Kind.LINKS:
        frame = _links(source, reading, rejects, notes, advance)
    else:
        frame, superseded = _entities(source, rejects, notes, advance)
    if any(reject.reason == "bad UTF-8" for reject in rejects.rows) and reading.encoding is None:
        notes.append("some lines are not UTF-8: if the file has another encoding, name it with --encoding")
    roles = source.roles()
    read = FileRead(path, kind, source.format, roles, frame, superseded, rejects, source.raw, notes)
    if not read.rows:
        raise FileUnreadable("there are no rows", where=str(path), fix="check that it was written to the end")
    return read


def _events(source: Source, reading: Reading, rejects: Rejects, notes: list[str], advance: Advance) -> pl.DataFrame:
    def rule(roles: Mapping[str, str]) -> EventRule:
        return EventRule(roles, reading.default_type, reading.earliest, reading.latest)

    frames = []
    for frame in source.events(rule, reading.fast):
        frames.append(frame)
        advance(len(frame))
    events = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
    if source.untyped_text:
        for column in ("user_id", "item_id"):
            if len(events) and events[column].str.contains(f"^{POINT_ZERO}$").all():
                notes.append(f"every {column} ends in .0, as numbers with gaps are printed: read without it")
                events = events.with_columns(pl.col(column).str.strip_suffix(".0"))
    used = set(source.roles().values())
    if unused := [name for name in source.columns() if name not in used]:
        notes.append(f"columns not kept with events: {', '.join(unused[:12])}{' ...' if len(unused) > 12 else ''}")
    return _without_repeats(events, rejects).select(*FIELDS)


def _links(source: Source, reading: Reading, rejects: Rejects, notes: list[str], advance: Advance) -> pl.DataFrame:
    found = Links(rejects, reading.earliest, reading.latest, source.untyped_text)
    for line, end, roles, row in source.records():
        found.add(line, end, roles, row)
        advance(1)
    frame = found.frame()
    notes += [
        f"every {column} ends in .0, as numbers with gaps are printed: read without it" for column in found.trimmed
    ]
    return frame


def _entities(source: Source, rejects: Rejects, notes: list[str], advance: Advance) -> tuple[pl.DataFrame, int]:
    found = Entities(source.kind, rejects)
    for line, end, roles, row in source.records():
        found.add(line, end, roles, row)
        advance(1)
    if source.untyped_text and found.rows and all(re.fullmatch(POINT_ZERO, key) for key in found.rows):
        notes.append("every id ends in .0, as numbers with gaps are printed: read without it")
        found.rename(lambda key: key.removesuffix(".0"))
    return found.frame(), found.superseded


def _without_repeats(events: pl.DataFrame, rejects: Rejects) -> pl.DataFrame:
    """The first of equal events, and the first of those with the same id of their own; the others are rejected."""
    first = pl.struct(*FIELDS).is_first_distinct()
    if events["event_id"].null_count() < len(events):
        first &= pl.col("event_id").is_null() | pl.col("event_id").is_first_distinct()
    marked = events.with_columns(first.alias("first"))
    for line, end in marked.filter(~pl.col("first")).select("line", "end").iter_rows():
        rejects.add(line, end, "duplicate event")
    return marked.filter("first")
