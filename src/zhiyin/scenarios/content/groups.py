"""Whom something is about or for: everybody, a segment of people by their attributes, or a circle.

A segment is a condition on what is stored of people, as pipeline files have conditions on items: ``{"city": "杭州",
"age_above": 30}``. Every key must hold; of several values one is enough:

    id, NAME                     the person's id, their attribute NAME; case does not matter
    id_not, NAME_not             none of them is
    NAME_below, NAME_above       the attribute is a number less, or more, than this
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zhiyin.errors import UsageError
from zhiyin.holding import conditions_of, described
from zhiyin.rerank.conditions import ABOVE, BELOW, NOT, number_of
from zhiyin.rerank.items import values_of

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

ID = "id"


@dataclass(frozen=True)
class Group:
    """At most one of ``where`` (a condition) and ``circle`` (an id) is given; with none it is everybody."""

    where: tuple[tuple[str, float | tuple[str, ...]], ...] = ()
    circle: str | None = None

    @classmethod
    def of(cls, where: Mapping[str, Any] | str | None = None, circle: str | None = None) -> Group:
        """``where`` as an object or as that in JSON. Raises UsageError for a condition that is wrong, or both."""
        if where is None:
            return cls((), circle)
        if circle is not None:
            raise UsageError("a segment and a circle at once", fix="give a condition or a circle")
        (read,) = conditions_of([where])
        if wrong := [key for key in read if key in ("title_has", "new_days")]:
            raise UsageError(f"'{wrong[0]}' is of items, not of people", fix="name an attribute of people, or id")
        told = sorted((key, value if isinstance(value, float) else tuple(value)) for key, value in read.items())
        return cls(tuple(told))

    @property
    def everybody(self) -> bool:
        return not self.where and self.circle is None

    @property
    def name(self) -> str:
        """For a reader, and the same for the same group."""
        if self.circle is not None:
            return f"circle {self.circle}"
        return described((self.condition,)) if self.where else "everybody"

    @property
    def condition(self) -> dict[str, float | list[str]]:
        return {key: value if isinstance(value, float) else list(value) for key, value in self.where}

    @property
    def by_id(self) -> bool:
        """Whether it names people."""
        return any(_attribute(key) == ID for key, _ in self.where)

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "where": self.condition or None, "circle": self.circle}


EVERYBODY = Group()


def members(store: SqlStore, group: Group) -> list[str] | None:
    """Ids in the group, sorted; None for everybody. Raises UsageError where there is no such circle, or nobody has an
    attribute that the condition names: a rule that silently holds for nobody is a slip of the pen."""
    if group.everybody:
        return None
    if group.circle is not None:
        found = sorted(member.user_id for member in store.circles.members(group.circle))
        if not found:
            raise UsageError(f"no circle '{group.circle}'", fix="find circles first, or see which there are")
        return found
    frame = store.users()
    people = [(key, json.loads(told)) for key, told in zip(frame["user_id"], frame["attributes"], strict=True)]
    people = [(key, told if isinstance(told, dict) else {}) for key, told in people]
    for key, _ in group.where:
        name = _attribute(key)
        if name != ID and not any(name in told for _, told in people):
            known = sorted({one for _, told in people for one in told})
            fix = f"people have: {', '.join(known[:20])}" if known else "import people with attributes: --users FILE"
            raise UsageError(f"nobody has the attribute '{name}'", fix=fix)
    return sorted(key for key, told in people if all(_holds(*one, key, told) for one in group.where))


def _attribute(key: str) -> str:
    for end in (NOT, BELOW, ABOVE):
        key = key.removesuffix(end)
    return key


def _holds(key: str, wanted: float | tuple[str, ...], user_id: str, told: Mapping[str, Any]) -> bool:
    name = _attribute(key)
    cell: Any = user_id if name == ID else told.get(name)
    if isinstance(wanted, float):
        number = number_of(cell)
        return number < wanted if key.endswith(BELOW) else number > wanted
    values = {one.casefold() for one in wanted}
    has = any(one.casefold() in values for one in values_of(cell))
    return not has if key.endswith(NOT) else has
