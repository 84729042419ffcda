"""Bad rows are caught with their line, reason and text, and cost nothing around them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from zhiyin.events.columns import Kind
from zhiyin.events.read import FileRead, Reading, read_file
from zhiyin.events.rejects import write

YEAR_1980 = 315_532_800_000_000
BAD = """user_id,item_id,rating,timestamp
u,good,5,1700000000
,i,5,1700000000
u,,5,1700000000
u,i,5,soon
u,i,five,1700000000
u,i,5,99999999999
u,i,5,86400
u,i,5
u,i,5,1700000000,extra

u,good,5,1700000000
u,late,5,1700000000
"""
EXPECTED = [
    (3, "missing user id", ",i,5,1700000000"),
    (4, "missing item id", "u,,5,1700000000"),
    (5, "bad timestamp", "u,i,5,soon"),
    (6, "bad number", "u,i,five,1700000000"),
    (7, "future timestamp", "u,i,5,99999999999"),
    (8, "too old timestamp", "u,i,5,86400"),
    (9, "malformed row", "u,i,5"),
    (10, "malformed row", "u,i,5,1700000000,extra"),
    (12, "duplicate event", "u,good,5,1700000000"),
]


def read(path: Path, content: str | bytes, kind: Kind = Kind.EVENTS, fast: bool = True) -> FileRead:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, kind, Reading(earliest=YEAR_1980, latest=2_000_000_000_000_000, fast=fast))


def rejected(found: FileRead, folder: Path) -> list[tuple[int, str, str]]:
    write(folder / "rejects" / "x.jsonl", found.rejects, found.raw)
    lines = (folder / "rejects" / "x.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["line"], row["reason"], row["raw"]) for row in map(json.loads, lines)]


@pytest.mark.parametrize("fast", [True, False])
def test_every_bad_row_is_kept_with_its_line(tmp_path: Path, fast: bool) -> None:
    found = read(tmp_path / "e.csv", BAD, fast=fast)
    assert found.frame["item_id"].to_list() == ["good", "late"]
    assert rejected(found, tmp_path) == EXPECTED
    assert found.rows == 11
    assert found.rejects.counts()["malformed row"] == 2
    assert found.rejects.first()["malformed row"] == 9


def test_lines_count_through_quoted_newlines(tmp_path: Path) -> None:
    text = 'item_id,title\n1,"two\nlines"\n2,"three\n\nlines",extra\n3,fine\n'
    found = read(tmp_path / "i.csv", text, Kind.ITEMS)
    assert found.frame["title"].to_list() == ["two\nlines", "fine"]
    assert [(line, reason) for line, reason, _ in rejected(found, tmp_path)] == [(4, "malformed row")]
    assert found.rejects.rows[0].end == 6


def test_a_rejected_row_over_several_lines_is_kept_whole(tmp_path: Path) -> None:
    found = read(tmp_path / "i.csv", 'item_id,title\n,"two\r\nlines"\r\n1,a\r\n', Kind.ITEMS)
    assert rejected(found, tmp_path) == [(2, "missing item id", ',"two\r\nlines"')]


def test_a_stray_quote_costs_one_line_only(tmp_path: Path) -> None:
    text = 'user,item\nu1,"i1\n' + "".join(f"u{n},i{n}\n" for n in range(2, 2000))
    found = read(tmp_path / "e.csv", text)
    assert rejected(found, tmp_path) == [(2, "malformed row", 'u1,"i1')]
    assert len(found.frame) == 1998


def test_a_broken_text_leaves_no_ghost_rows(tmp_path: Path) -> None:
    text = 'item_id,title\n1,"a "bad" text\nsecond, line"\n2,fine\n3,6" nails\n'
    found = read(tmp_path / "i.csv", text, Kind.ITEMS)
    assert found.frame["item_id"].to_list() == ["2", "3"]
    assert [(line, reason) for line, reason, _ in rejected(found, tmp_path)] == [
        (2, "malformed row"),
        (3, "malformed row"),
    ]


def test_broken_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"user": "u", "item": "i"}',
        '{"user": "u", "item": "i"',
        "[1, 2]",
        "",
        '{"user": "\\ud800", "item": "i"}',
        '{"user": null, "item": "i"}',
        '{"item": "i"}',
        '{"user": "u", "item": "i2"}',
    ]
    found = read(tmp_path / "e.jsonl", "\n".join(lines))
    assert found.frame["item_id"].to_list() == ["i", "i2"]
    assert rejected(found, tmp_path) == [
        (2, "malformed row", lines[1]),
        (3, "malformed row", lines[2]),
        (5, "malformed row", lines[4]),
        (6, "missing user id", lines[5]),
        (7, "missing user id", lines[6]),
    ]


def test_bad_utf8_among_good(tmp_path: Path) -> None:
    data = "user,item\nu,音\nu,乐\n".encode() + b"u,\xff\xfe\n" + "u,声\n".encode()
    found = read(tmp_path / "e.csv", data)
    assert found.frame["item_id"].to_list() == ["音", "乐", "声"]
    assert rejected(found, tmp_path) == [(4, "bad UTF-8", "u,\\xff\\xfe")]
    assert found.notes == ["some lines are not UTF-8: if the file has another encoding, name it with --encoding"]


def test_latin1_is_guessed_for_texts_only_and_announced(tmp_path: Path) -> None:
    found = read(tmp_path / "i.csv", "item,title\n1,José\n2,i\n".encode("latin-1"), Kind.ITEMS)
    assert found.frame["title"].to_list() == ["José", "i"]
    assert "Latin-1" in found.notes[0]
    found = read(tmp_path / "e.csv", "user,item\nJosé,é\nu,i\n".encode("latin-1"))
    assert found.frame["user_id"].to_list() == ["u"]
    assert rejected(found, tmp_path) == [(2, "bad UTF-8", "Jos\\xe9,\\xe9")]


def test_rejected_parquet_rows(tmp_path: Path) -> None:
    pl.DataFrame({"user": ["u", None], "item": [1, 2]}).write_parquet(tmp_path / "e.parquet")
    found = read_file(tmp_path / "e.parquet", Kind.EVENTS, Reading())
    assert rejected(found, tmp_path) == [(2, "missing user id", '{"user": null, "item": 2}')]


def test_equal_ids_of_events_are_repeats(tmp_path: Path) -> None:
    found = read(tmp_path / "e.csv", "event_id,user,item\nx,u,i\nx,u,j\ny,u,i\n")
    assert found.frame["event_id"].to_list() == ["x", "y"]
    assert rejected(found, tmp_path) == [(3, "duplicate event", "x,u,j")]


def test_items_with_bad_cells(tmp_path: Path) -> None:
    text = "item_id,title,timestamp,hidden\n1,a,1700000000,0\n2,b,soon,0\n3,c,,perhaps\n4,d,-2000000000,1\n"
    found = read(tmp_path / "i.csv", text, Kind.ITEMS)
    assert [row[-2:] for row in found.frame.rows()] == [(1_700_000_000_000_000, False), (-2_000_000_000_000_000, True)]
    assert [row[:2] for row in rejected(found, tmp_path)] == [(3, "bad timestamp"), (4, "malformed row")]
