"""Items and users out of rows. There are far fewer of them than events, so each row is handled alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from zhiyin.events.cells import BadCell, storable, to_categories, to_flag, to_id, to_text, to_time
from zhiyin.events.columns import Kind
from zhiyin.events.rejects import Rejects

ITEM_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "item_id": pl.String,
    "title": pl.String,
    "description": pl.String,
    "categories": pl.List(pl.String),
    "attributes": pl.String,
    "time": pl.Int64,
    "hidden": pl.Boolean,
}
USER_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {"user_id": pl.String, "attributes": pl.String}


@dataclass
class Entities:
    """Items or users gathered from one file, by id: the last row of an id wins and ``superseded`` counts the others."""

    kind: Kind
    rejects: Rejects
    rows: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    superseded: int = 0

    def add(self, line: int, end: int, roles: Mapping[str, str], row: Mapping[str, Any]) -> None:
        """Take one row (cells by column; ``roles``: role -> column), or reject it."""
        cells = {role: row.get(column) for role, column in roles.items()}
        try:
            rest = _attributes(roles, row)
            if self.kind is Kind.ITEMS:
                key, values = to_id(cells.get("item"), "missing item id"), _item(cells)
                made: tuple[Any, ...] = (*values[:3], rest, *values[3:])
            else:
                key = to_id(cells.get("user"), "missing user id")
                made = (rest,)
        except BadCell as bad:
            self.rejects.add(line, end, bad.reason, bad.detail)
            return
        self.superseded += key in self.rows
        self.rows[key] = made

    def rename(self, rule: Callable[[str], str]) -> None:
        """Give every id a new name by ``rule`` (str -> str), which must keep them apart."""
        self.rows = {rule(key): row for key, row in self.rows.items()}

    def frame(self) -> pl.DataFrame:
        schema = ITEM_SCHEMA if self.kind is Kind.ITEMS else USER_SCHEMA
        return pl.DataFrame([(key, *row) for key, row in self.rows.items()], schema=schema, orient="row")


def _item(cells: Mapping[str, Any]) -> tuple[str | None, str | None, list[str], int | None, bool]:
    return (
        _text(cells.get("title")),
        _text(cells.get("description")),
        to_categories(cells.get("categories")),
        to_time(cells.get("time")),
        to_flag(cells.get("hidden")),
    )


def _text(cell: Any) -> str | None:
    """Text for reading; a list of paragraphs is joined."""
    if isinstance(cell, list | tuple):
        cell = "\n".join(part for one in cell if (part := to_text(one)))
    return storable((to_text(cell) or "").strip()) or None


def _attributes(roles: Mapping[str, str], row: Mapping[str, Any]) -> str:
    """The columns without a role as a JSON object with sorted keys; missing values are left out."""
    taken = set(roles.values())
    rest = {name: kept for name, cell in row.items() if name not in taken and (kept := _json(cell)) is not None}
    return storable_json(json.dumps(rest, ensure_ascii=False, sort_keys=True))


def storable_json(text: str) -> str:
    if "\\u0000" in text:
        raise BadCell("malformed row", "holds a NUL character")
    return text


def _json(cell: Any) -> Any:
    """The cell as JSON has it, or None where it is missing."""
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, list | tuple):
        return [_json(one) for one in cell]
    if isinstance(cell, dict):
        return {str(key): _json(one) for key, one in cell.items()}
    return cell.isoformat() if isinstance(cell, datetime | date) else str(cell)
