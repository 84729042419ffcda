"""What a person may write in place of a page's own texts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from zhiyin.errors import UsageError

MOST = 50
"""Bullets, sentences or questions of a page."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Asked(_Part):
    question: Line
    answer: Line


class MetaText(_Part):
    title: Line
    description: Line


class Changes(_Part):
    """What is left out stays."""

    title: Line | None = None
    bullets: list[Line] | None = Field(None, max_length=MOST)
    description: list[Line] | None = Field(None, max_length=MOST)
    """Sentences."""
    faq: list[Asked] | None = Field(None, max_length=MOST)
    meta: MetaText | None = None

    def told(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


def read_changes(told: Any, where: str) -> dict[str, Any]:
    """Raises UsageError naming ``where`` and the key."""
    try:
        return Changes.model_validate(told).told()
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        fix = f"use some of {', '.join(Changes.model_fields)}"
        raise UsageError(f"'{key}': {first['msg']}", where=where, fix=fix) from invalid
