"""What moderation limited: its author meets it as before, others lower down or not at all."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.conditions import Mask
from zhiyin.rerank.items import Items, values_of
from zhiyin.rerank.trace import Why

MARK, LIMIT = "moderation", "limit"
"""The attribute that moderation sets, and its value."""


class LimitedParams(StageParams):
    factor: float = Field(0.0, ge=0, lt=1)
    """What is limited is worth so much of what it was; 0 takes it out."""
    author: str = Field("author", min_length=1)
    """Attribute that names who made an item: for them nothing changes."""


class Limited(Stage):
    """An item that carries no mark is left where it is; where none does the stage does nothing."""

    kind: ClassVar[str] = "limited"
    params_type: ClassVar[type[StageParams]] = LimitedParams
    params: LimitedParams

    @property
    def asks_facts(self) -> bool:
        return True

    def describe(self) -> str:
        left = "for its author alone" if self.params.factor == 0 else f"worth {self.params.factor:g} of what it was"
        return f"what moderation limited: {left}"

    def permits(self, asked: Asked, items: Items) -> Mask | None:
        if self.params.factor > 0:
            return None
        marked = self._marked(items)
        if not len(marked):
            return None
        allowed = np.ones(len(items), dtype=np.bool_)
        allowed[[row for row in marked.tolist() if not self._own(row, asked, items)]] = False
        return allowed

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        meant = np.isin(given.rows, self._marked(items))
        for place in np.flatnonzero(meant).tolist():
            meant[place] = not self._own(int(given.rows[place]), asked, items)
        if not meant.any():
            return Change(np.arange(len(given)))
        worth = np.where(meant, given.worth * self.params.factor, given.worth)
        order = np.argsort(-worth, kind="stable")
        if self.params.factor == 0:
            order = order[~meant[order]]
        why = Why("limited by moderation", "被审核限制展示")
        return Change(order, worth[order], whys=dict.fromkeys(given.rows[meant].tolist(), why))

    def _marked(self, items: Items) -> NDArray[np.int64]:
        """Rows of marked items; looked up once for ``items``."""
        key = (Limited.kind, MARK)
        if key not in items.kept:
            told = items.facts.attributes
            items.kept[key] = np.array([row for row, own in enumerate(told) if own.get(MARK) == LIMIT], dtype=np.int64)
        found: NDArray[np.int64] = items.kept[key]
        return found

    def _own(self, row: int, asked: Asked, items: Items) -> bool:
        return asked.user is not None and asked.user in values_of(items.facts.attributes[row].get(self.params.author))
