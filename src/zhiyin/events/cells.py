"""One cell at a time: what an id, number, time, flag or list of categories is. This module is the definition; the
vectorised path in ``plain`` handles only cells on which it agrees with it.

A cell is what a reader found: a string, or a typed value from JSON or Parquet, or None.
"""

from __future__ import annotations

import ast
import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any

LONGEST_ID = 512
"""Characters."""

MISSING = frozenset({"", "nan", "null", "none", "na", "n/a", "nat", "\\n"})
"""Words for "no value" in number and time columns, in lower case. Ids are never read this way."""

TRUE = frozenset({"1", "1.0", "true", "t", "yes", "y"})
FALSE = frozenset({"0", "0.0", "false", "f", "no", "n"})
NO_CATEGORY = frozenset({"(no genres listed)"})

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)(.*)", re.ASCII | re.DOTALL)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadCell(ValueError):
    """A cell that cannot be used: ``reason`` is one of those in ``rejects``."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def to_text(cell: Any) -> str | None:
    """The cell as text: whole floats without their ``.0``, lists and objects as JSON, NaN as None."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float | Decimal):
        if isinstance(cell, float) and math.isnan(cell):
            return None
        return str(int(cell)) if math.isfinite(cell) and cell == int(cell) else str(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="backslashreplace")
    return json.dumps(cell, ensure_ascii=False, default=str)


def to_id(cell: Any, missing: str) -> str:
    """The id: text without outer white space. Raises BadCell with reason ``missing`` where there is none."""
    text = (to_text(cell) or "").strip()
    if not text:
        raise BadCell(missing)
    if len(text) > LONGEST_ID:
        raise BadCell("id too long", f"{len(text)} characters, at most {LONGEST_ID}")
    return storable(text)


def storable(text: str) -> str:
    """``text`` unless no database can hold it."""
    if "\x00" in text:
        raise BadCell("malformed row", "holds a NUL character")
    return text


def to_number(cell: Any) -> float | None:
    """A finite float, or None where the cell is missing."""
    text = (to_text(cell) or "").strip()
    if text.lower() in MISSING:
        return None
    number = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(number):
        raise BadCell("bad number", text[:80])
    return number + 0.0  # -0.0 and 0.0 are one number


def to_time(cell: Any) -> int | None:
    """Microseconds since 1970, UTC, or None where the cell is missing.

    Whole and decimal numbers are seconds, milliseconds, microseconds or nanoseconds by magnitude: the next unit
    begins at 1e11, 1e14 and 1e17 (seconds up to the year 5138, milliseconds from 1973). Eight digits that make a
    date between 1900 and 2099 are that date, and four digits such a year. All else is ISO 8601, with ``/`` or ``.``
    in the date allowed; a time without a zone is UTC. Gorse writes the first moment of year 1 for "none".
    """
    text = (to_text(cell) or "").strip()
    if text.lower() in MISSING or text.startswith("0001-01-01T00:00:00"):
        return None
    if _YEAR.fullmatch(text):
        micros = _iso(text + "-01-01")
    elif _COMPACT_DATE.fullmatch(text):
        micros = _iso(text)
    elif _WHOLE.fullmatch(text) and len(text) <= 20:
        micros = scale(int(text))
    elif _NUMBER.fullmatch(text) and len(text) <= 40:
        micros = scale(Decimal(text))
    else:
        micros = _iso(text)
    if micros is None or not -(2**63) < micros < 2**63:
        raise BadCell("bad timestamp", text[:80])
    return micros


def scale(number: int | Decimal) -> int | None:
    """Microseconds of a count of seconds, milliseconds, microseconds or nanoseconds; None where it is none of them."""
    size: int | Decimal = number if number >= 0 else -number
    if size < 10**11:
        return int(number * 1_000_000)
    if size < 10**14:
        return int(number * 1000)
    if size < 10**17:
        return int(number)
    return int(number) // 1000 if size < 10**20 else None


def _iso(text: str) -> int | None:
    if text[-4:].upper() in (" UTC", " GMT"):
        text = text[:-4] + "+00:00"
    if parts := _DATE.fullmatch(text):
        year, month, day, rest = parts.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{rest}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    gap = moment - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def to_flag(cell: Any) -> bool:
    """Yes or no; missing is no."""
    text = (to_text(cell) or "").strip().lower()
    if text in TRUE:
        return True
    if text in FALSE or text in MISSING:
        return False
    raise BadCell("malformed row", f"'{text[:40]}' is neither true nor false")


def to_categories(cell: Any) -> list[str]:
    """Names in order, each once. Lists may be nested or hold objects with a ``name``; text may be a printed list, or
    is split on the first of ``|``, ``;``, ``,`` that occurs in it."""
    found = [name.strip() for name in _names(cell)]
    return list(dict.fromkeys(storable(name) for name in found if name and name not in NO_CATEGORY))


def _names(cell: Any) -> list[str]:
    if isinstance(cell, list | tuple):
        names = (_names(one) if isinstance(one, list | tuple | dict) else [_name(one)] for one in cell)
        return list(chain.from_iterable(names))
    if isinstance(cell, dict):
        return [_name(cell.get("name"))]
    text = _name(cell).strip()
    if text.startswith("[") and text.endswith("]"):
        printed = _printed_list(text)
        if printed is not None:
            return _names(printed)
    for mark in "|;,":
        if mark in text:
            return text.split(mark)
    return [text]


def _name(cell: Any) -> str:
    return to_text(cell) or ""


def _printed_list(text: str) -> list[Any] | None:
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list):
            return value
    return None
