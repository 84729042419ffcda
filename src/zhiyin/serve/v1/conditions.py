"""Conditions on items as ``/v1`` takes them: those of pipeline files (``rerank.conditions``), held to their form before
the engine holds them against the catalogue."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from zhiyin.errors import ConfigError, Conflict, ModelError, UsageError

NUMBERS = re.compile(r"(_below|_above)$|^new_days$")
MOST = 1e15
LONGEST = 500
KEYS = 20

_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": r"^[^\x00]*$"}
_NUMBER = {"type": "number", "minimum": -MOST, "maximum": MOST}
_SEVERAL = {"type": "array", "minItems": 1, "maxItems": 100, "items": {"anyOf": [_TEXT, _NUMBER]}}
_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": KEYS,
    "patternProperties": {NUMBERS.pattern: _NUMBER},
    "additionalProperties": {"anyOf": [_TEXT, _NUMBER, _SEVERAL]},
}


def _formed(told: dict[str, Any]) -> dict[str, Any]:
    if not 1 <= len(told) <= KEYS:
        raise ValueError(f"a condition names 1 to {KEYS} things")
    for key, value in told.items():
        if NUMBERS.search(key):
            if not _is_number(value):
                raise ValueError(f"'{key}' takes a number")
            continue
        several = value if isinstance(value, list) else [value]
        if not 1 <= len(several) <= 100 or not all(_is_number(one) or _is_text(one) for one in several):
            raise ValueError(f"'{key}' takes a text, a number, or several of them")
    return told


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return whole and math.isfinite(value) and -MOST <= value <= MOST


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and "\0" not in value and _is_unicode(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


Where = Annotated[dict[str, Any], AfterValidator(_formed), WithJsonSchema(_SCHEMA)]
"""{"category": ["Books", "Music"], "price_below": 20}: every key must hold, of several values one is enough."""


@contextmanager
def fitting() -> Iterator[None]:
    """What an engine refuses although the request is as documented (no such surface, no item of that category) does not
    fit what is there."""
    try:
        yield
    except (UsageError, ConfigError, ModelError) as refused:
        raise Conflict(refused.what, where=refused.where, fix=refused.fix) from refused
