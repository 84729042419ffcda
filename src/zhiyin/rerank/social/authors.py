"""An author who has been heard is heard less."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, along
from zhiyin.rerank.items import Items
from zhiyin.rerank.trace import Why


class AuthorParams(StageParams):
    author: str = Field("author", min_length=1)
    """Attribute that names who made an item; ``category`` for its last category."""
    decay: float = Field(0.5, ge=0, le=1)
    """What an item is worth is multiplied by this for each item of the author that stands before it ..."""
    floor: float = Field(0.1, ge=0, le=1)
    """... and by no less than this."""
    within: int = Field(50, ge=1, le=1000)
    """Places that are given so; those behind them follow in their order."""


class Authors(Stage):
    """Place by place the item that is worth most, each counting max(floor, decay^k) where k items of its author stand
    before it. Items without an author keep their worth."""

    kind: ClassVar[str] = "authors"
    params_type: ClassVar[type[StageParams]] = AuthorParams
    up: ClassVar[Why] = Why("its author was heard less", "其作者出现较少")
    down: ClassVar[Why] = Why("its author stands before it", "其作者已在前面出现")
    params: AuthorParams

    @property
    def asks_facts(self) -> bool:
        return self.params.author != "category"

    def describe(self) -> str:
        own = self.params
        return f"times {own.decay:g} for each item of the same {own.author} before it, at least {own.floor:g}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        groups = items.groups(own.author, "last" if own.author == "category" else "every")
        codes = [items.codes_of(groups, row) for row in given.rows.tolist()]
        by_code: dict[int, list[int]] = {}
        for place, some in enumerate(codes):
            for code in some:
                by_code.setdefault(code, []).append(place)
        if all(len(some) < 2 for some in by_code.values()):
            return Change(np.arange(len(given)))
        left = given.worth.astype(np.float64).copy()
        factor = np.ones(len(given))
        order: list[int] = []
        for _ in range(min(own.within, len(given))):
            best = int(left.argmax())
            order.append(best)
            left[best] = -np.inf
            for code in codes[best]:
                for place in by_code[code]:
                    if left[place] > -np.inf:
                        factor[place] = max(own.floor, factor[place] * own.decay)
                        left[place] = given.worth[place] * factor[place]
        return Change(along(order, len(given)))
