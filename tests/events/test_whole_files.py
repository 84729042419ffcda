"""Files that are of no use as a whole are refused in one line that names the fix."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest

from zhiyin.errors import FileUnreadable
from zhiyin.events.columns import Kind
from zhiyin.events.read import Reading, read_file


def refusal(path: Path, kind: Kind = Kind.EVENTS, encoding: str | None = None) -> FileUnreadable:
    with pytest.raises(FileUnreadable) as refused:
        read_file(path, kind, Reading(encoding=encoding))
    assert refused.value.fix
    assert str(path) in (refused.value.where or "")
    return refused.value


PACKED = gzip.compress(b"user,item\n" + b"".join(b"user%d,item%d\n" % (n, n * n) for n in range(20_000)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("e.csv", b"", "empty"),
        ("e.csv", b"\n \n", "empty"),
        ("e.csv", b"user,item\n", "no rows"),
        ("e.jsonl", b"\n\n", "empty"),
        ("e.csv.gz", b"", "empty"),
        ("e.csv.gz", PACKED[:-20], "cut short"),
        ("e.csv.gz", PACKED[:2000] + b"\x00" * 50 + PACKED[2050:], "damaged"),
        ("e.csv.gz", b"user,item\nu,i\n", "says gzip"),
        ("e.parquet", b"user,item\nu,i\n", "not a Parquet file"),
        ("e.parquet", b"PAR1 and no more", "not a whole Parquet file"),
        ("e.xlsx", b"PK\x03\x04 a spreadsheet", "not a text file"),
        ("e.csv", "user,item\nu,i\n".encode("utf-16"), "UTF-16"),
        ("e.json", b'[{"user": 1}]', "JSON array"),
        ("e.txt", b"what is this\n", "format is not known"),
        ("e.inter", b"user_id\titem_id\n1\t2\n", "RecBole"),
        ("e.csv", b"movieId,title\n1,a\n", "no user column among 'movieId', 'title'"),
        ("e.csv", b"user,age\n1,2\n", "no item column"),
        ("e.jsonl", b'{"user": 1, "age": 2}\n', "no item column"),
        ("e.csv", b"1,2,5,1700000000\n1,3,5,1700000000\n", "no user and no item column"),
        ("movies.dat", b"1::Toy Story::Comedy\n", "has 4 fields and this one has 3"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in refusal(path).what


def test_truncated_parquet(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    pl.DataFrame({"user": ["u"] * 100, "item": ["i"] * 100}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-30])
    assert "not a whole Parquet file" in refusal(path).what


def test_the_fix_fits_the_fault(tmp_path: Path) -> None:
    events = tmp_path / "ratings.csv"
    events.write_text("userId,movieId,rating\n1,2,3\n")
    assert refusal(events, Kind.ITEMS).fix == "pass it with --events"
    assert refusal(events, Kind.USERS).fix == "pass it with --events"
    items = tmp_path / "movies.csv"
    items.write_text("movieId,title\n1,a\n")
    assert (refusal(items).fix or "").startswith("pass it with --items")
    bare = tmp_path / "bare.csv"
    bare.write_text("1,2,3\n")
    assert "header" in (refusal(bare).fix or "")
    other = tmp_path / "other.csv"
    other.write_text("wer,was\n1,2\n")
    assert refusal(other).fix == (
        "name it with --user-column and name it with --item-column; a file without a header line needs one"
    )


def test_missing_and_folder_and_encoding(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").what == "no such file"
    assert refusal(tmp_path).what == "this is a folder"
    path = tmp_path / "e.csv"
    path.write_text("user,item\nu,i\n")
    assert "no encoding" in refusal(path, encoding="klingon").what
    assert "no encoding" in refusal(path, encoding="utf-16").what
