"""Conditions of a request: items for which one does not hold do not come out, wherever they stand in the order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import UsageError
from zhiyin.rerank.conditions import KEYS, Where, mask, words

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from zhiyin.rerank import Items

MASKS = 500
"""Conditions of which it is kept which items they hold for."""

Conditions = tuple[Where, ...]
"""All must hold."""


def conditions_of(told: Sequence[Mapping[str, Any] | str], categories: Sequence[str] = ()) -> Conditions:
    """``told`` as a pipeline file has them in ``where = {...}``, or that as JSON; and one for each of ``categories``.
    Raises UsageError naming the condition, the key and the fix."""
    found = [_condition(one) for one in told]
    return tuple(found + [_condition({"category": name}) for name in categories])


def _condition(told: Mapping[str, Any] | str) -> Where:
    from pydantic import ValidationError

    given: Any = told
    if isinstance(told, str):
        try:
            given = json.loads(told)
        except ValueError as broken:
            raise UsageError(f"the condition {told!r} is not JSON: {broken}", fix=f"give {FORM}") from broken
    if not isinstance(given, Mapping):
        raise UsageError(f"the condition {told!r} is not an object", fix=f"give {FORM}")
    try:
        read: Where = _reader().validate_python(dict(given))
    except ValidationError as invalid:
        said = invalid.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"the condition {_shown(given)} is no use: {said}", fix=f"its keys are {KEYS}") from invalid
    return read


FORM = 'something like {"category": "Books", "price_below": 20}'


@cache
def _reader() -> TypeAdapter[Where]:
    from pydantic import TypeAdapter

    return TypeAdapter(Where)


def _shown(given: Mapping[str, Any]) -> str:
    return json.dumps(given, ensure_ascii=False, default=str)


def holding(conditions: Conditions, items: Items, now: int) -> NDArray[np.bool_] | None:
    """Bool [n]: the items for which all hold, nothing where none has such an attribute or category; None without any
    condition. ``now`` is in microseconds."""
    if not conditions:
        return None
    if len(items.masks) > MASKS:
        items.masks.clear()
    held = np.ones(len(items), dtype=np.bool_)
    for one in conditions:
        held &= mask(one, items, now)
    return held


def described(conditions: Conditions) -> str:
    """For a reader."""
    return " and ".join(words(one) for one in conditions)
