"""A share of the attention for those who have little of it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, along
from zhiyin.rerank.conditions import check_attribute
from zhiyin.rerank.items import CATEGORY, Items
from zhiyin.rerank.trace import Why

TURN = Why("a small creator's turn", "给小创作者的展示份额")


class ExposureParams(StageParams):
    by: str = Field(min_length=1)
    """The attribute that names who made an item (a brand, an author, a shop), or ``category``."""
    head: float = Field(0.8, ge=0, le=1)
    """The largest creators, who together have this share of all events, are not small; all others are."""
    share: float = Field(0.2, ge=0, le=1)
    """Share of the attention that small creators should have at every place of the list, a place having 1 / log2(rank +
    1) of it."""
    least: float = Field(0.5, ge=0, le=1)
    """No item comes forward that is worth less than this share of the one it passes."""
    within: int = Field(10, ge=1, le=100)
    """Places looked at."""


class Exposure(Stage):
    """Goes down the list and, where one more place would bring small creators nearer to ``share`` of the attention
    given so far, takes the best item of one, unless it is worth too little. What they are short of is carried on.
    (Amortised attention, Biega et al., SIGIR 2018, over the places of one list.)"""

    kind: ClassVar[str] = "exposure"
    params_type: ClassVar[type[StageParams]] = ExposureParams
    down: ClassVar[Why] = Why("makes room for a small creator", "为小创作者让位")
    params: ExposureParams

    @property
    def asks_facts(self) -> bool:
        return self.params.by != CATEGORY

    def check(self, items: Items) -> None:
        if self.params.by != CATEGORY:
            check_attribute(self.params.by, items)

    def describe(self) -> str:
        own = self.params
        return (
            f"small creators by {own.by} have {own.share:.0%} of the attention in the first {own.within}, with items "
            f"worth {own.least:.0%} of those they pass"
        )

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        little = small(items, own.by, own.head)[given.rows]
        left = list(range(len(given)))
        chosen: list[int] = []
        whys: dict[int, Why] = {}
        had = total = 0.0
        for step in range(min(own.within, len(given))):
            attention = 1 / np.log2(step + 2)
            total += attention
            pick = left[0]
            if not little[pick] and had + attention / 2 <= own.share * total:
                candidate = next((place for place in left if little[place]), None)
                if candidate is not None and given.worth[candidate] >= own.least * given.worth[pick]:
                    pick = candidate
                    whys[int(given.rows[pick])] = TURN
            had += attention if little[pick] else 0.0
            chosen.append(pick)
            left.remove(pick)
        return Change(along(chosen, len(given)), whys=whys)


def small(items: Items, by: str, head: float) -> NDArray[np.bool_]:
    """Bool [n]: made by creators outside the largest that have ``head`` of all events; an item with no creator is
    not. The creator who reaches ``head`` still counts as large."""
    key = f"small {by!r} {head!r}"
    found = items.masks.get(key)
    if found is None:
        indptr, codes, names = items.groups(by)
        owners = np.repeat(np.arange(len(items)), np.diff(indptr))
        events = np.bincount(codes, weights=items.popularity[owners], minlength=len(names))
        order = np.argsort(-events, kind="stable")
        before = np.cumsum(events[order]) - events[order]
        minor = np.zeros(len(names), dtype=np.bool_)
        minor[order] = before >= head * events.sum()
        found = np.zeros(len(items), dtype=np.bool_)
        found[owners[minor[codes]]] = True
        items.masks[key] = found
    return found
