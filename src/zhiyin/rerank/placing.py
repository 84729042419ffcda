"""Rules about places: an item that stands where the house wants it, and no more than so many of one kind."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from zhiyin.errors import ConfigError
from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, along
from zhiyin.rerank.conditions import check_attribute
from zhiyin.rerank.items import CATEGORY, Items
from zhiyin.rerank.trace import Why


class PinParams(StageParams):
    item: str = Field(min_length=1)
    """Id of the item."""
    position: int = Field(1, ge=1, le=1000)
    """The place it gets, from 1; the end of a shorter list."""


class Pin(Stage):
    """Puts one item at its place, also one that was no candidate. An item that may not come out (hidden, excluded,
    ruled out by the person's words, or by an earlier stage as seen or not available) stays out."""

    kind: ClassVar[str] = "pin"
    params_type: ClassVar[type[StageParams]] = PinParams
    down: ClassVar[Why] = Why("makes room for a pinned item", "为置顶结果让位")
    params: PinParams

    @property
    def adds(self) -> bool:
        return True

    def check(self, items: Items) -> None:
        if self.params.item not in items.ids:
            raise ConfigError(
                f"no item '{self.params.item}'", where="item", fix="check the id, or import the item first"
            )

    def describe(self) -> str:
        return f"'{self.params.item}' stands at place {self.params.position}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        name, position = self.params.item, self.params.position
        row = items.ids.row(name)
        if not asked.may_show(row):
            note = Why(f"'{name}' is not pinned: it may not come out", f"未置顶“{name}”：该结果不可展示")
            return Change(np.arange(len(given)), notes=[note])
        found = np.flatnonzero(given.rows == row).tolist()
        place = found[0] if found else len(given)
        order = [one for one in range(len(given)) if one != place]
        order.insert(position - 1, place)
        why = Why(f"pinned to place {position}", f"置顶到第 {position} 位")
        added = () if found else (row,)
        return Change(np.array(order, dtype=np.int64), added=added, whys={row: why})


class CapParams(StageParams):
    by: str = Field(min_length=1)
    """The attribute of which one value may come so often (a brand, an author), or ``category``."""
    most: int = Field(2, ge=1, le=100)
    """Items of one value, at most."""
    within: int = Field(10, ge=1, le=1000)
    """Places looked at."""
    categories: Literal["last", "first", "every"] = "last"
    """Which of an item's categories count: files often name them from the general to the special."""
    strict: bool = False
    """Where there is not enough else: leave places empty (the list ends there) instead of going over."""


class Cap(Stage):
    """At most ``most`` items of one value within the first places; those above it follow after them. An item without a
    value is never held back."""

    kind: ClassVar[str] = "cap"
    params_type: ClassVar[type[StageParams]] = CapParams
    params: CapParams

    @property
    def asks_facts(self) -> bool:
        return self.params.by != CATEGORY

    def check(self, items: Items) -> None:
        if self.params.by != CATEGORY:
            check_attribute(self.params.by, items)

    def describe(self) -> str:
        own = self.params
        return f"at most {own.most} of one {own.by} in the first {own.within}{', strictly' if own.strict else ''}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        groups = items.groups(own.by, own.categories if own.by == CATEGORY else "every")
        counts: dict[int, int] = {}
        chosen: list[int] = []
        whys: dict[int, Why] = {}
        for place, row in enumerate(given.rows.tolist()):
            if len(chosen) == own.within:
                break
            codes = items.codes_of(groups, row)
            full = next((code for code in codes if counts.get(code, 0) >= own.most), None)
            if full is None:
                chosen.append(place)
                for code in codes:
                    counts[code] = counts.get(code, 0) + 1
            else:
                name = groups[2][full]
                whys[row] = Why(
                    f"{own.most} of {own.by} '{name}' in the first {own.within} already",
                    f"前 {own.within} 位中 {own.by}“{name}”已有 {own.most} 个",
                )
        if own.strict and len(chosen) < own.within:
            return Change(np.array(chosen, dtype=np.int64), whys=whys)
        return Change(along(chosen, len(given)), whys=whys)
