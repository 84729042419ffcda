"""Which format a file has, by extension, first bytes and header."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from zhiyin.errors import FileUnreadable
from zhiyin.events.columns import Kind, plain_name
from zhiyin.events.files import BOM, GZIP_MAGIC, TextFile, head

KNOWN = "CSV, TSV, JSONL, Parquet (each also .gz), RecBole atomic files, MovieLens .dat and u.data files"
_ATOMIC = {".inter", ".item", ".user", ".net"}
_DELIMITED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_JSONL = {".jsonl", ".ndjson", ".json", ".jl"}
_PARQUET = {".parquet", ".pq"}

MOVIELENS: dict[Kind, list[str]] = {
    Kind.EVENTS: ["user_id", "item_id", "rating", "timestamp"],
    Kind.ITEMS: ["item_id", "title", "genres"],
    Kind.USERS: ["user_id", "gender", "age", "occupation", "zip_code"],
    Kind.LINKS: ["user_id", "other_id"],
}
"""Columns of the files without a header: ``ratings.dat`` and ``u.data``, ``movies.dat``, ``users.dat``, and pairs of
users."""


@dataclass(frozen=True)
class Format:
    """``header`` is None for JSONL. ``quotes``: "always" obeys the CSV rules; "loose" obeys them where a
    row allows it; "never" takes every character as it is. ``skip`` lines hold the header. ``types`` are RecBole's."""

    name: Literal["CSV", "TSV", "delimited text", "RecBole", "MovieLens", "JSONL"]
    separator: str = ","
    quotes: Literal["always", "loose", "never"] = "never"
    header: tuple[str, ...] | None = None
    skip: int = 0
    types: tuple[str, ...] | None = None


def is_parquet(path: Path) -> bool:
    """Parquet or else text. Raises FileUnreadable for what is neither."""
    start = head(path)
    if not start:
        raise FileUnreadable("the file is empty", where=str(path), fix="check that it was written to the end")
    if start[:4] == b"PAR1":
        return True
    if _suffix(path) in _PARQUET:
        raise FileUnreadable("not a Parquet file", where=str(path), fix="write it again, or correct its extension")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileUnreadable("the text is UTF-16", where=str(path), fix="save it as UTF-8")
    if start[:2] in (b"PK", GZIP_MAGIC) or b"\x00" in start.split(b"\n", 1)[0]:
        raise FileUnreadable("not a text file", where=str(path), fix=f"use one of {KNOWN}")
    return False


def detect(text: TextFile, kind: Kind) -> Format:
    """The format of a text file. Raises FileUnreadable for one that is not read here."""
    path = text.path
    start = head(path).removeprefix(BOM)
    body = start.lstrip(b"\r\n")
    blank = start[: len(start) - len(body)].count(b"\n")
    line = body.split(b"\n", 1)[0].rstrip(b"\r").decode(text.encoding, errors="replace")
    suffix = _suffix(path)
    if suffix in _ATOMIC:
        found = _atomic(path, line)
    elif suffix in _JSONL or line.lstrip()[:1] == "{":
        found = _jsonl(path, line)
    else:
        found = _delimited(path, kind, suffix, line)
    return replace(found, skip=found.skip + blank)


def _suffix(path: Path) -> str:
    suffixes = [part.lower() for part in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _atomic(path: Path, line: str) -> Format:
    fields = line.split("\t")
    names, types = zip(*((name, kind) for name, _, kind in (field.partition(":") for field in fields)), strict=True)
    known = {"token", "token_seq", "float", "float_seq"}
    if not set(types) <= known:
        raise FileUnreadable(
            "the header is not that of a RecBole atomic file",
            where=f"{path} line 1",
            fix="write name:type for each column, tab separated, type one of " + ", ".join(sorted(known)),
        )
    return Format("RecBole", "\t", "never", _unique(names), 1, types)


def _jsonl(path: Path, line: str) -> Format:
    if line.lstrip()[:1] == "[":
        raise FileUnreadable("this is one JSON array", where=str(path), fix="write one JSON object on each line")
    return Format("JSONL")


def _delimited(path: Path, kind: Kind, suffix: str, line: str) -> Format:
    if "::" in line and suffix not in _DELIMITED:
        return Format("MovieLens", "::", "never", _headerless(path, kind, line.split("::")))
    separator = _DELIMITED.get(suffix)
    if separator is None or separator not in line:
        separator = max((mark for mark in "\t,;|"), key=line.count)
        if separator not in line and suffix not in _DELIMITED and kind is not Kind.USERS:
            raise FileUnreadable("the format is not known", where=str(path), fix=f"use one of {KNOWN}")
        separator = separator if separator in line else ","
    if separator == "\t" and re.fullmatch(r"\d+\t\d+\t[\d.]+\t\d+", line):
        return Format("MovieLens", "\t", "never", _headerless(path, kind, line.split("\t")))
    names = line.split(separator)
    if separator != "\t" and '"' in line:
        import csv

        names = next(csv.reader([line], delimiter=separator))
    name: Literal["CSV", "TSV", "delimited text"] = {",": "CSV", "\t": "TSV"}.get(separator, "delimited text")  # type: ignore[assignment]
    quotes: Literal["always", "loose"] = "loose" if separator == "\t" else "always"
    return Format(name, separator, quotes, _unique(tuple(field.strip() for field in names)), 1)


def _headerless(path: Path, kind: Kind, fields: list[str]) -> tuple[str, ...]:
    names = MOVIELENS[kind]
    if len(fields) != len(names):
        raise FileUnreadable(
            f"a MovieLens file of {kind} has {len(names)} fields and this one has {len(fields)}",
            where=f"{path} line 1",
            fix=f"pass the file under the flag it belongs to, or add a header ({', '.join(names)}) to a CSV",
        )
    return tuple(names)


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    """Column names, each once; a column without a name is called by its place."""
    found: list[str] = []
    for place, name in enumerate(names, 1):
        name = name or f"column {place}"
        found.append(name if name not in found else f"{name} {place}")
    return tuple(found)


def looks_headerless(header: Sequence[str]) -> bool:
    """Whether the "header" is all numbers, hence data."""
    return all(re.fullmatch(r"[\d.]+", plain_name(name)) for name in header)
