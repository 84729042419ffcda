"""What may not be in a list at all: what cannot be had, and what the person has seen."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.conditions import Mask, Where, asks_facts, check, mask, words
from zhiyin.rerank.items import DAY, Items
from zhiyin.rerank.trace import Why
from zhiyin.types import NO_TIME, Ints


class AvailableParams(StageParams):
    where: Where
    """What must hold of an item, for example { stock_above = 0 }."""


class Available(Stage):
    """Drops items of which ``where`` does not hold; hidden items never come this far."""

    kind: ClassVar[str] = "available"
    params_type: ClassVar[type[StageParams]] = AvailableParams
    params: AvailableParams

    @property
    def asks_facts(self) -> bool:
        return asks_facts(self.params.where)

    def check(self, items: Items) -> None:
        check(self.params.where, items)

    def describe(self) -> str:
        return f"only items with {words(self.params.where)}"

    def permits(self, asked: Asked, items: Items) -> Mask:
        return mask(self.params.where, items, asked.now)

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        holds = mask(self.params.where, items, asked.now)[given.rows]
        told = words(self.params.where)
        why = Why(f"not available: {told} does not hold", f"不可用：不满足 {told}")
        return Change(np.flatnonzero(holds), whys=dict.fromkeys(given.rows[~holds].tolist(), why))


class Again(StageParams):
    after_days: float = Field(gt=0, le=36_500)
    """Days since the person's last event with an item after which it may come back."""
    types: list[str] = Field([])
    """Types of events that are forgotten so; one of another type bars the item for good. None named: all are."""
    where: Where | None = None
    """Which items may come back; None for all."""


class SeenParams(StageParams):
    again: list[Again] = Field([])
    """Rules by which something seen may be shown once more; one is enough. Without any, nothing seen comes out."""


class SeenBefore(Stage):
    """Drops what the person has had an event with, unless a rule lets it come back: for repeat purchases."""

    kind: ClassVar[str] = "seen"
    params_type: ClassVar[type[StageParams]] = SeenParams
    params: SeenParams

    @property
    def asks_facts(self) -> bool:
        return any(asks_facts(rule.where) for rule in self.params.again)

    @property
    def asks_seen(self) -> bool:
        return True

    def check(self, items: Items) -> None:
        for rule in self.params.again:
            check(rule.where, items)

    def describe(self) -> str:
        rules = [
            f"{', '.join(rule.types) or 'everything'} after {rule.after_days:g} days"
            f"{f' where {words(rule.where)}' if rule.where else ''}"
            for rule in self.params.again
        ]
        return f"nothing seen before{f', but for {chr(59).join(rules)}' if rules else ''}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        barred = self._barred(given.rows, asked, items)
        why = Why("seen before", "已看过")
        return Change(np.flatnonzero(~barred), whys=dict.fromkeys(given.rows[barred].tolist(), why))

    def permits(self, asked: Asked, items: Items) -> Mask:
        return ~self._barred(np.arange(len(items), dtype=np.int32), asked, items)

    def _barred(self, rows: Ints, asked: Asked, items: Items) -> Mask:
        """Bool [rows]: seen, and no rule lets it come back. Without stored events the history counts, for all time."""
        seen = asked.seen
        if seen is None:
            own = asked.history.items if asked.history is not None else np.empty(0, dtype=np.int32)
            return np.isin(rows, own)
        barred = np.isin(rows, seen.rows)
        for rule in self.params.again:
            holding = np.array([self._bars(rule, kind) for kind in seen.types], dtype=np.bool_)
            recent = (seen.times == NO_TIME) | (asked.now - seen.times < rule.after_days * DAY)
            free = ~np.isin(rows, seen.rows[holding | recent])
            if rule.where is not None:
                free &= mask(rule.where, items, asked.now)[rows]
            barred &= ~free
        return barred

    @staticmethod
    def _bars(rule: Again, kind: str) -> bool:
        return bool(rule.types) and kind not in rule.types
