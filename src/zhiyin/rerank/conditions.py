"""Which items a rule is about: ``where = { category = "Makeup", price_below = 20 }``.

Every key must hold; of several values one is enough:

    category, id, NAME           one of the item's categories, its id, its attribute NAME; case does not matter
    category_not, id_not, ...    none of them is
    title_has                    the title holds these words
    NAME_below, NAME_above       the attribute is a number less, or more, than this; "$12.50" is one
    new_days                     made within so many days
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from zhiyin.errors import ConfigError
from zhiyin.rerank.items import CATEGORY, Items, values_of

NOT, BELOW, ABOVE = "_not", "_below", "_above"
TITLE, ID, NEW = "title_has", "id", "new_days"
KEYS = f"{CATEGORY}, {ID}, {TITLE}, {NEW} or an attribute, alone or with {NOT}, {BELOW} or {ABOVE} behind it"
NUMBER = re.compile(r"-?\d+(\.\d+)?")

Mask = NDArray[np.bool_]


def _checked(told: Any) -> Any:
    """The condition with every value as a list of texts or a number; ValueError where a key or value is no use."""
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"a condition names at least one of {KEYS}")
    return {key: _value(key, value) for key, value in told.items()}


def _value(key: str, value: Any) -> float | list[str]:
    if key == NEW or key.endswith((BELOW, ABOVE)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ValueError(f"'{key}' takes a number")
        return float(value)
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, str | int | float) for one in values) or "" in values:
        raise ValueError(f"'{key}' takes a text, a number, or several of them in brackets")
    return [text for one in values for text in values_of(one)]


Where = Annotated[dict[str, float | list[str]], BeforeValidator(_checked)]
"""A condition as a pipeline file has it."""


def attribute_of(key: str) -> str | None:
    """The attribute that ``key`` is about; None where it is about something that every item has."""
    if key in (TITLE, NEW):
        return None
    for end in (NOT, BELOW, ABOVE):
        key = key.removesuffix(end)
    return None if key in (CATEGORY, ID) else key


def asks_facts(where: Where | None) -> bool:
    return where is not None and any(key == NEW or attribute_of(key) is not None for key in where)


def check(where: Where | None, items: Items) -> None:
    """Raise ConfigError where no item has an attribute or category that ``where`` names, which is a slip of the pen."""
    for key, wanted in (where or {}).items():
        name = attribute_of(key)
        if name is not None:
            check_attribute(name, items)
        elif key.removesuffix(NOT) == CATEGORY and isinstance(wanted, list):
            known = {one.casefold() for own in items.categories for one in own}
            if missing := [one for one in wanted if one.casefold() not in known]:
                raise ConfigError(f"no item has the category '{missing[0]}'", where=key, fix="see 'zhiyin items ITEM'")


def check_attribute(name: str, items: Items) -> None:
    if name not in items.attribute_names:
        known = ", ".join(items.attribute_names[:20]) or "none"
        raise ConfigError(f"no item has the attribute '{name}'", where=name, fix=f"items have: {known}")


def mask(where: Where, items: Items, now: int) -> Mask:
    """Bool [n]: which items it holds for. Where nothing depends on the time it is computed once for ``items``."""
    key = repr(where)
    timed = NEW in where
    found = items.masks.get(key)
    if found is None or timed:
        found = np.ones(len(items), dtype=np.bool_)
        for name, wanted in where.items():
            found &= _holds(name, wanted, items, now)
        items.masks[key] = found
    return found


def _holds(key: str, wanted: float | list[str], items: Items, now: int) -> Mask:
    if key == NEW:
        assert isinstance(wanted, float)
        with np.errstate(invalid="ignore"):
            return items.ages(now) <= wanted
    if isinstance(wanted, float):
        name = key.removesuffix(BELOW).removesuffix(ABOVE)
        numbers = np.array([number_of(own.get(name)) for own in items.facts.attributes], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return numbers < wanted if key.endswith(BELOW) else numbers > wanted
    if key == TITLE:
        words = [one.casefold() for one in wanted]
        return _each(items.titles, lambda title: any(word in title.casefold() for word in words))
    values = {one.casefold() for one in wanted}
    name = key.removesuffix(NOT)
    cells: Any = items.ids.ids if name == ID else items.categories if name == CATEGORY else None
    if cells is None:
        cells = [own.get(name) for own in items.facts.attributes]
    found = _each(cells, lambda cell: any(one.casefold() in values for one in values_of(cell)))
    return ~found if key.endswith(NOT) else found


def _each(cells: Any, holds: Callable[[Any], bool]) -> Mask:
    return np.fromiter((holds(cell) for cell in cells), dtype=np.bool_, count=len(cells))


def number_of(cell: Any) -> float:
    """The number in a cell ("¥1,299.00" is 1299); NaN where there is none, or more than one."""
    if isinstance(cell, bool) or cell is None:
        return float("nan")
    if isinstance(cell, int | float):
        return float(cell)
    whole = [match.group() for match in NUMBER.finditer(str(cell).replace(",", ""))]
    return float(whole[0]) if len(whole) == 1 else float("nan")


def words(where: Where) -> str:
    """The condition as a reader would write it."""
    parts = []
    for key, wanted in where.items():
        value = f"{wanted:g}" if isinstance(wanted, float) else " | ".join(wanted)
        parts.append(f"{key} {value}")
    return ", ".join(parts)
