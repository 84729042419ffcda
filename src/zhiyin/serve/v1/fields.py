"""Fields that several resources of ``/v1`` take, each stated once."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from zhiyin.events.cells import LONGEST_ID

TEXT = r"^[^\x00]*$"
"""Any text that a database can hold."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ID, pattern=TEXT)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=TEXT)]
Micros = Annotated[int, Field(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
"""Microseconds since 1970, UTC: the years 1 to 9999."""
K = Annotated[int, Field(ge=1, le=1_000)]
Surface = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00/\\]*$")]

SESSION = "session:"
"""Beginning of the id under which an anonymous session's events are kept."""


class In(BaseModel):
    """What is sent. Unknown fields are refused: a slip of the pen must not go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Out(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


def person(user_id: str | None, session_id: str | None) -> str | None:
    """The id under which the store knows whoever is meant."""
    return user_id if user_id is not None else None if session_id is None else SESSION + session_id
