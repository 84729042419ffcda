"""Rows of delimited text. A block without quotes, stray returns or rows of the wrong length is split by polars;
any other goes row by row through the csv module. Both give the same cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from zhiyin.events.files import BOM, Block, TextFile
from zhiyin.events.formats import Format
from zhiyin.events.rejects import Rejects

OPEN_QUOTE = "unexpected end of data"
"""What the csv module says of a quote that nothing closes."""

LONGEST_FIELD = 1024 * 1024
"""Characters that the csv module may put into one field, and so the reach of a stray quote."""

csv.field_size_limit(LONGEST_FIELD)


NOTHING = Block(1, b"")


@dataclass(frozen=True)
class Batch:
    """Rows as read: cells in ``frame`` (text, or Parquet's types), their first and last lines aligned with it."""

    frame: pl.DataFrame
    lines: pl.Series
    ends: pl.Series


def batches(text: TextFile, form: Format, rejects: Rejects, fast: bool = True) -> Iterator[Batch]:
    """The rows of ``text`` as text cells under the names of ``form.header``. Blank lines are no rows.

    ``fast=False`` takes the row-by-row path throughout, for comparison.
    """
    rest = _Rest()
    for block in text.blocks():
        block = _without_header(block, form.skip)
        if block.broken:
            yield _rows(rest.take(), form, rejects, rest, final=True)
            rejects.add(block.first, block.first, "bad UTF-8", f"not {text.encoding}")
            continue
        if rest.open_row.data:
            block = Block(rest.open_row.first, rest.take().data + block.data)
        batch = _split(block, form) if fast else None
        if batch is None:
            batch = _rows(block, form, rejects, rest, final=False)
        else:
            rest.doubtful = False
        yield batch
    yield _rows(rest.take(), form, rejects, rest, final=True)


@dataclass
class _Rest:
    """What one block leaves to the next: a quoted row that is not closed yet, and whether the last line refused had a
    stray quote."""

    open_row: Block = NOTHING
    doubtful: bool = False

    def take(self) -> Block:
        row, self.open_row = self.open_row, NOTHING
        return row


def _without_header(block: Block, skip: int) -> Block:
    data = block.data
    first = block.first
    while first <= skip and data:
        data = data[data.find(b"\n") + 1 :] if b"\n" in data else b""
        first += 1
    return Block(first, data, block.broken and block.first > skip)


def _split(block: Block, form: Format) -> Batch | None:
    """The block by polars, or None where that could differ from the row path."""
    data = block.data
    width = len(form.header or ())
    if len(form.separator) > 1 or width < 2 or not data or data.startswith(BOM):
        return None
    if form.quotes != "never" and b'"' in data:
        return None
    if b"\r" in data:
        if data.count(b"\r") != data.count(b"\r\n"):
            return None
        data = data.replace(b"\r\n", b"\n")
    buffer = np.frombuffer(data, dtype=np.uint8)
    stops = np.flatnonzero(buffer == ord("\n"))
    if not data.endswith(b"\n"):
        stops = np.append(stops, len(data))
    if np.diff(stops, prepend=0).max() > LONGEST_FIELD:
        return None
    marks = np.flatnonzero(buffer == ord(form.separator))
    if not (np.diff(np.searchsorted(marks, stops), prepend=0) == width - 1).all():
        return None
    frame = pl.read_csv(
        data,
        has_header=False,
        schema=dict.fromkeys(form.header or (), pl.String),
        separator=form.separator,
        quote_char=None,
    ).fill_null("")
    if len(frame) != len(stops):
        return None
    lines = pl.Series(np.arange(block.first, block.first + len(stops), dtype=np.int64))
    return Batch(frame, lines, lines)


class _Taken:
    """Rows of the right width, gathered from one block; the others go to the rejects."""

    def __init__(self, block: Block, form: Format, rejects: Rejects, rest: _Rest) -> None:
        self._first = block.first
        self._form = form
        self._header = form.header or ()
        self._rejects = rejects
        self.lines = io.StringIO(block.data.decode(), newline="\n").readlines()
        self.rows: list[list[str]] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self._rest = rest

    def take(self, row: list[str], start: int, stop: int) -> bool:
        """Take a row of lines ``start`` to ``stop`` (exclusive, from 0) where its width is right."""
        if len(row) != len(self._header):
            return False
        self.rows.append(row)
        self.starts.append(self._first + start)
        self.ends.append(self._first + stop - 1)
        return True

    def refuse(self, problem: str, start: int, stop: int) -> None:
        self._rejects.add(self._first + start, self._first + stop - 1, "malformed row", problem)

    def take_line(self, at: int, problem: str) -> None:
        """Take a single line as it is where quotes do not bind, or refuse it for ``problem``."""
        if self._form.quotes == "always" or not self.take(self._plain(at), at, at + 1):
            self.refuse(problem, at, at + 1)

    def _plain(self, at: int) -> list[str]:
        line = self.lines[at]
        return line.removesuffix("\n").removesuffix("\r").split(self._form.separator)

    def _wrong_width(self, row: list[str]) -> str:
        return f"{len(row)} fields where the header has {len(self._header)}"

    def run_plain(self) -> None:
        """All lines, quotes being ordinary characters."""
        for at, line in enumerate(self.lines):
            if line.strip("\r\n"):
                self.take_line(at, self._wrong_width(self._plain(at)))

    def run_quoted(self, at: int, final: bool) -> tuple[int, bool]:
        """Read on from line ``at`` until the end or until a quote turns out to be stray.

        Then only the line with that quote is given up and reading starts afresh below it; what lies below may be the
        rest of a broken text, so lines with an odd quote are given up too until one without comes. Returns where to
        go on, and whether the row there may be completed by the next block.
        """
        feed = (self.lines[number] for number in range(at, len(self.lines)))
        reader = csv.reader(feed, delimiter=self._form.separator, strict=True)
        start = at
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return len(self.lines), False
            except csv.Error as error:
                if str(error) == OPEN_QUOTE and not final:
                    return start, True
                self.take_line(start, str(error))
                self._rest.doubtful = True
                return start + 1, False
            stop = at + reader.line_num
            if self._rest.doubtful and stop == start + 1 and self.lines[start].count('"') % 2:
                self.take_line(start, "follows a stray quote")
            elif row and not self.take(row, start, stop):
                if self._swallowed_rows(start, stop):
                    self.take_line(start, "a quote that is not closed")
                    return start + 1, False
                if stop == start + 1:
                    self.take_line(start, self._wrong_width(row))
                else:
                    self.refuse(self._wrong_width(row), start, stop)
            else:
                self._rest.doubtful = False
            start = stop

    def _swallowed_rows(self, start: int, stop: int) -> bool:
        """Whether most of the lines inside a row of the wrong width would have been rows themselves."""
        inner = self.lines[start + 1 : stop - 1]
        marks = len(self._header) - 1
        rows = sum(line.count(self._form.separator) == marks for line in inner) if marks else 0
        return rows * 2 > len(inner)

    def batch(self) -> Batch:
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self._header)
        named = zip(self._header, columns, strict=True)
        frame = pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in named])
        return Batch(frame, pl.Series(self.starts, dtype=pl.Int64), pl.Series(self.ends, dtype=pl.Int64))


def _rows(block: Block, form: Format, rejects: Rejects, rest: _Rest, final: bool) -> Batch:
    """The block row by row; with ``final`` no other block can close its last quote."""
    taken = _Taken(block, form, rejects, rest)
    if form.quotes == "never":
        taken.run_plain()
        return taken.batch()
    at, unfinished = 0, False
    while at < len(taken.lines) and not unfinished:
        at, unfinished = taken.run_quoted(at, final)
    if unfinished:
        rest.open_row = Block(block.first + at, "".join(taken.lines[at:]).encode())
    return taken.batch()
