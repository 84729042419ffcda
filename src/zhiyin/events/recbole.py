"""Cells of RecBole atomic files by the type in their header."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zhiyin.events.cells import BadCell, to_number

Convert = Callable[[str], Any]
_READ_WHOLE = {"user", "item", "title", "description"}
"""Roles whose text stands as it is: a title of type ``token_seq`` is still a title."""


def converters(header: Sequence[str], types: Sequence[str], roles: Mapping[str, str]) -> dict[str, Convert]:
    """Conversion by column, for those that are not plain text."""
    whole = {column for role, column in roles.items() if role in _READ_WHOLE}
    known: dict[str, Convert] = {"token_seq": str.split, "float": _number, "float_seq": _numbers}
    return {
        name: known[kind]
        for name, kind in zip(header, types, strict=bool(types))
        if kind in known and name not in whole
    }


def _number(cell: str) -> float | str | None:
    """A number; text that is none stays, and whoever needs a number there rejects it."""
    try:
        return to_number(cell)
    except BadCell:
        return cell


def _numbers(cell: str) -> list[float | str | None]:
    return [_number(part) for part in cell.split()]
