"""Files of texts, with or without labels: CSV with a header, JSONL, or plain lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhiyin.errors import DataError, FileUnreadable

TEXTS = ("text", "TEXT", "comment", "content", "sentence", "tweet", "body")
LABELS = ("label", "labels", "offensive", "toxic", "is_offensive", "class", "target")
IDS = ("id", "item_id", "text_id")
YES = {"1", "true", "yes", "offensive", "toxic", "hate", "违规", "冒犯", "1.0"}
NO = {"0", "false", "no", "fine", "normal", "non-offensive", "not_offensive", "neither", "正常", "0.0"}


@dataclass(frozen=True)
class Labelled:
    """``label`` is None where the file has none. ``id`` is the row's own, or its number from 1."""

    id: str
    text: str
    label: int | None


def read_texts(
    path: Path, *, text: str | None = None, label: str | None = None, labels: bool = False
) -> list[Labelled]:
    """Rows of ``path``; columns by the usual names, or as named. With ``labels`` every row must have one. Raises
    FileUnreadable, and DataError naming the line."""
    found = [_row(path, line, told, text, label, labels) for line, told in _rows(path)]
    if not found:
        raise DataError("there is no text in it", where=str(path), fix="give a file with a text in each row")
    return found


def _row(path: Path, line: int, told: dict[str, Any], text: str | None, label: str | None, labels: bool) -> Labelled:
    where = f"{path}, line {line}"
    words = _cell(told, (text,) if text else TEXTS)
    if words is None:
        what = f"no column '{text or 'text'}'; there are: {', '.join(map(str, told))}"
        raise DataError(what, where=where, fix="name it with --text COLUMN")
    marked = _cell(told, (label,) if label else LABELS)
    if marked is None and labels:
        what = f"no column '{label or 'label'}'; there are: {', '.join(map(str, told))}"
        raise DataError(what, where=where, fix="name it with --label COLUMN")
    key = _cell(told, IDS)
    return Labelled(str(line) if key is None else str(key), str(words), _label(marked, where) if labels else None)


def _cell(told: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((told[name] for name in names if told.get(name) is not None), None)


def _label(told: Any, where: str) -> int:
    words = str(int(told) if isinstance(told, bool) else told).strip().lower()
    if words in YES:
        return 1
    if words in NO:
        return 0
    raise DataError(
        f"'{words[:40]}' is no label", where=where, fix="write 1 for an offending text, 0 for one that is fine"
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    name = path.name.removesuffix(".gz")
    try:
        raw = path.read_bytes()
        content = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as refused:
        what = getattr(refused, "strerror", None) or str(refused)
        raise FileUnreadable(
            f"the file cannot be read: {what}", where=str(path), fix="give a file in UTF-8"
        ) from refused
    if name.endswith((".csv", ".tsv")):
        reader = csv.DictReader(io.StringIO(content, newline=""), delimiter="\t" if name.endswith(".tsv") else ",")
        try:
            yield from ((reader.line_num, row) for row in reader)
        except csv.Error as broken:
            raise DataError(
                f"not valid CSV: {broken}", where=f"{path}, line {reader.line_num}", fix="mend it"
            ) from broken
        return
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        if not name.endswith((".jsonl", ".ndjson")):
            yield number, {"text": line.rstrip("\r")}
            continue
        try:
            told = json.loads(line)
        except ValueError as broken:
            raise DataError(f"not valid JSON: {broken}", where=f"{path}, line {number}", fix="mend it") from broken
        if not isinstance(told, dict):
            raise DataError("not a JSON object", where=f"{path}, line {number}", fix='write {"text": ..., "label": 0}')
        yield number, told
