"""Where a page ended: the key of its last row, handed back for the next one. Any text is a place to go on from."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Query

from zhiyin.serve.paths import escaped
from zhiyin.serve.texts import TEXT

Cursor = Annotated[
    str,
    Query(
        max_length=20_000,
        pattern=TEXT,
        description="What the page before gave; empty for the first. An answer without a cursor is the last page",
    ),
]


def write_cursor(*key: str) -> str:
    return "/".join(escaped(part) for part in key)


def read_cursor(cursor: str, parts: int) -> tuple[str, ...] | None:
    """The key after which the page begins, in ``parts`` texts; None for the first page."""
    if not cursor:
        return None
    key = [unquote(part).replace("\x00", "") for part in cursor.split("/", parts - 1)]
    return tuple(key + [""] * (parts - len(key)))
