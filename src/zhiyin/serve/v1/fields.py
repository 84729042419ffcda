"""Fields that several resources of ``/v1`` take, each stated once."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from zhiyin.events.cells import LONGEST_ID
from zhiyin.serve.texts import TEXT

LONGEST_JSON = 65_536
"""Characters of attributes."""
MOST = 10_000
"""Rows in one request."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=TEXT)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=TEXT)]
Title = Annotated[str, StringConstraints(max_length=2_000, pattern=TEXT)]
LongText = Annotated[str, StringConstraints(max_length=200_000, pattern=TEXT)]
Category = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=TEXT)]


def _number(told: Any) -> Any:
    """ValueError for what is no number in JSON: a slip must not go unnoticed."""
    if isinstance(told, bool | str | bytes):
        raise ValueError("send a number")
    return told


Number = BeforeValidator(_number)
Flag = Annotated[bool, Field(strict=True)]
Micros = Annotated[int, Field(ge=-62_135_596_800_000_000, le=253_402_300_799_000_000), Number]
"""Microseconds since 1970, UTC: the years 1 to 9999."""
Count = Annotated[int, Field(ge=1, le=1_000), Number]
K = Annotated[int, Field(ge=1, le=1_000)]
"""``Count`` where it is part of the address."""
Surface = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00/\\]*$")]

SESSION = "session:"
"""Beginning of the id under which an anonymous session's events are kept."""


def _storable(told: dict[str, Any]) -> dict[str, Any]:
    """ValueError where ``told`` cannot be kept as JSON."""
    try:
        text = json.dumps(told, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        raise ValueError("no JSON that can be kept: numbers must be finite, texts valid Unicode") from None
    if len(text) > LONGEST_JSON:
        raise ValueError(f"more than {LONGEST_JSON:,} characters of JSON")
    return told


Attributes = Annotated[dict[str, Any], AfterValidator(_storable)]
"""A JSON object of the caller's own making."""

UserId = Annotated[Id, Query(description=f"Any text; an anonymous session is {SESSION}ID")]
ItemId = Annotated[Id, Query(description="Any text")]
Language = Annotated[
    Literal["en", "zh"] | None, Query(description="Of the sentences; left out, as the person's own data say")
]
Cursor = Annotated[Id | None, Query(description="Where to go on: the cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="Rows of a page, at most")]


class In(BaseModel):
    """What is sent. Unknown fields are refused: a slip of the pen must not go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Out(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class Put(Out):
    """Rows written, durable by now."""

    new: int
    changed: int
    same: int
    """Rows that were there already, word for word."""


class Removed(Out):
    """What was removed, durably."""

    rows: dict[str, int]
    """Rows by table; tables without any are absent."""


def one_of(*names: str) -> dict[str, Any]:
    """JSON schema: exactly one of the fields ``names`` is given."""
    return {"oneOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in names]}


def at_most_one_of(*names: str) -> dict[str, Any]:
    return {"not": {"required": list(names), "properties": {name: {"type": "string"} for name in names}}}


def person(user_id: str | None, session_id: str | None) -> str | None:
    """The id under which the store knows whoever is meant."""
    return user_id if user_id is not None else None if session_id is None else SESSION + session_id
