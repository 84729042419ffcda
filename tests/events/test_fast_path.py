"""The vectorised path and the row-by-row path give the same answer, whatever the file and however it is cut."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.events import files
from zhiyin.events.columns import Kind
from zhiyin.events.read import FileRead, Reading, read_file

LIMITS: dict[str, Any] = {"earliest": 315_532_800_000_000, "latest": 2_000_000_000_000_000}
QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXTS = [
    "u",
    "i",
    "7",
    "007",
    "1.0",
    " u ",
    "",
    "\u3000",
    "\x1f",
    "商品",
    "😀",
    'a"b',
    '"',
    '""',
    "\r",
    "\x00",
    "\ufeff",
    "x" * 513,
]
TIMES = [
    "1700000000", "1700000000000", "1700000000000000", "1700000000.0", "1700000000.25", "20240131", "170000000", "0",
    "2024-01-31", "2024-01-31 12:00:00", "2024-01-31T12:00:00Z", "2024-01-31T12:00:60", "2024-01-31T24:00:00",
    "2024", "2024-01-31T12:00:00.5Z", "2024-01-31 12:00:00.000001", "2024-01-31 12:00:00.1234567",
    "2024-02-30T12:00:00", "2024-01-31T12:00:00+08:00", "1970-01-02T00:00:00Z", "2099-01-01T00:00:00", "soon", "", " ",
    "null", "99999999999999", "-5", "+1700000000", "９", "01700000000",
]  # fmt: skip
VALUES = [
    "5",
    "4.5",
    "-0",
    "-0.0",
    "0.1",
    "1e3",
    "",
    "nan",
    "inf",
    "five",
    "٣",
    "123456789012.0123456789",
    " 2 ",
    "00.5",
]
TYPES = ["view", "View ", "", "\x00", "购买"]

cell = st.sampled_from(TEXTS)
row = st.tuples(
    cell | st.sampled_from(["u1", "u2"]),
    cell | st.sampled_from(["i1", "i2"]),
    st.sampled_from(TYPES),
    st.sampled_from(VALUES),
    st.sampled_from(TIMES),
).map(list)
rows = st.lists(row, max_size=12)
HEADER = ["user_id", "item_id", "event_type", "value", "timestamp"]


def both(path: Path) -> FileRead:
    fast = read_file(path, Kind.EVENTS, Reading(**LIMITS))
    exact = read_file(path, Kind.EVENTS, Reading(**LIMITS, fast=False))
    assert fast.frame.rows() == exact.frame.rows()
    assert str(fast.frame["value"].to_list()) == str(exact.frame["value"].to_list())  # tells -0.0 from 0.0
    assert by_line(fast) == by_line(exact)
    assert fast.notes == exact.notes
    return exact


def by_line(found: FileRead) -> list[tuple[int, int, str, str]]:
    return sorted((row.line, row.end, row.reason, row.detail) for row in found.rejects.rows)


@QUICK
@given(rows=rows, separator=st.sampled_from([",", "\t"]), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_raw_lines(tmp_path: Path, rows: list[list[str]], separator: str, end: str, last: bool) -> None:
    """Cells joined without regard for quotes: some rows are sound, others are broken in every way."""
    path = tmp_path / "e.csv"
    text = end.join(separator.join(cells) for cells in [HEADER, ["u", "i", "view", "1", "1700000000"], *rows])
    path.write_text(text + end * last, encoding="utf-8", newline="")
    both(path)


@QUICK
@given(rows=rows)
def test_well_written_csv_loses_nothing(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "e.csv"
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, ["u", "i", "view", "1", "1700000000"], *rows])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    found = both(path)
    assert found.rows == len(rows) + 1
    assert "malformed row" not in {row.reason for row in found.rejects.rows if "NUL" not in row.detail}


@QUICK
@given(rows=rows)
def test_other_formats_agree_with_csv(tmp_path: Path, rows: list[list[str]]) -> None:
    rows = [["u", "i", "view", "1", "1700000000"], *rows]
    objects = [dict(zip(HEADER, cells, strict=True)) for cells in rows]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    pl.DataFrame(objects).write_parquet(tmp_path / "e.parquet")
    lines, table = both(tmp_path / "e.jsonl"), both(tmp_path / "e.parquet")
    assert lines.frame.rows() == table.frame.rows()
    assert by_line(lines) == by_line(table)


@QUICK
@given(
    rows=rows, size=st.integers(1, 80), marks=st.lists(st.sampled_from([b'"', b"\xff", b"\r", b"\n", b""]), max_size=12)
)
def test_where_a_file_is_cut_makes_no_difference(
    tmp_path: Path, rows: list[list[str]], size: int, marks: list[bytes]
) -> None:
    path = tmp_path / "e.csv"
    data = ",".join(HEADER).encode() + b"\nu,i,view,1,1700000000\n\xe4\xb8\xad,i,view,1,\n\xe4\xb8\xad,j,view,1,\n"
    for number, cells in enumerate(rows):
        data += ",".join(cells).encode() + (marks[number] if number < len(marks) else b"") + b"\n"
    path.write_bytes(data)
    whole = both(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", size)
        pieces = both(path)
    assert pieces.frame.rows() == whole.frame.rows()
    assert by_line(pieces) == by_line(whole)
    assert pieces.notes == whole.notes
    spans = [(row.line, row.end) for row in whole.rejects.rows]
    assert pieces.raw(spans) == whole.raw(spans)
