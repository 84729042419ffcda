"""What an item is worth, changed a little: for being new, for being little known, or by a rule of the house."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values
from zhiyin.rerank.conditions import Where, asks_facts, check, mask, words
from zhiyin.rerank.items import Items
from zhiyin.rerank.trace import Why


def by_worth(given: Listed, worth: Values, whys: dict[int, Why] | None = None) -> Change:
    """The list in the order of ``worth`` [c], equal ones as they stood."""
    order = np.argsort(-worth, kind="stable")
    return Change(order, worth[order], whys=whys or {})


def raised(given: Listed, liked: NDArray[np.floating[Any]], strength: float) -> Values:
    """Worth plus ``strength`` times what a first place is worth here, times ``liked`` in [0, 1]."""
    return given.worth + strength * float(given.worth.max(initial=0.0)) * liked


class NoveltyParams(StageParams):
    strength: float = Field(0.05, ge=0, le=0.5)
    """The least known item gains this share of what the first is worth, the best known nothing."""


class Novelty(Stage):
    """Against popularity: an item gains by log2(most / count), its rarity beside the best known item of the list, as a
    share of the largest there is. Never more than ``strength``."""

    kind: ClassVar[str] = "novelty"
    params_type: ClassVar[type[StageParams]] = NoveltyParams
    up: ClassVar[Why] = Why("less known than others here", "比同列其他结果更冷门")
    down: ClassVar[Why] = Why("better known than others here", "比同列其他结果更热门")
    params: NoveltyParams

    def describe(self) -> str:
        return f"little known items gain up to {self.params.strength:.0%} of what the first is worth"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        bits = np.log2(np.maximum(items.popularity[given.rows], 1.0))
        spread = bits.max(initial=0.0) - bits.min(initial=np.inf) if len(bits) else 0.0
        rarity = (bits.max() - bits) / spread if spread > 0 else np.zeros(len(bits))
        return by_worth(given, raised(given, rarity, self.params.strength))


class FreshnessParams(StageParams):
    strength: float = Field(0.1, ge=0, le=0.5)
    """An item made just now gains this share of what the first is worth."""
    half_life_days: float = Field(30.0, gt=0, le=36_500)
    """The gain halves in this many days; an item whose time is not known gains nothing."""


class Freshness(Stage):
    """For what is new: an item gains ``strength`` * 0.5 ** (age / half life)."""

    kind: ClassVar[str] = "freshness"
    params_type: ClassVar[type[StageParams]] = FreshnessParams
    up: ClassVar[Why] = Why("newer than others here", "比同列其他结果更新")
    down: ClassVar[Why] = Why("older than others here", "比同列其他结果更旧")
    params: FreshnessParams

    @property
    def asks_facts(self) -> bool:
        return True

    def describe(self) -> str:
        own = self.params
        gain = f"new items gain up to {own.strength:.0%} of what the first is worth"
        return f"{gain}, half of it after {own.half_life_days:g} days"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        age = items.ages(asked.now)[given.rows]
        fresh = np.where(np.isnan(age), 0.0, np.exp2(-np.nan_to_num(age) / self.params.half_life_days))
        return by_worth(given, raised(given, fresh, self.params.strength))


class BoostParams(StageParams):
    where: Where
    """Which items; see the conditions."""
    factor: float = Field(1.5, ge=1, le=100)
    """What they are worth is multiplied by this."""


class BuryParams(StageParams):
    where: Where
    """Which items; see the conditions."""
    factor: float = Field(0.5, ge=0, le=1)
    """What they are worth is multiplied by this; 0 puts them at the end."""


class Boost(Stage):
    """What the items of ``where`` are worth is multiplied by ``factor``, so that they pass whoever is worth no more."""

    kind: ClassVar[str] = "boost"
    params_type: ClassVar[type[StageParams]] = BoostParams
    down: ClassVar[Why] = Why("others are boosted", "其他结果被提升")
    params: BoostParams | BuryParams

    @property
    def asks_facts(self) -> bool:
        return asks_facts(self.params.where)

    def check(self, items: Items) -> None:
        check(self.params.where, items)

    def describe(self) -> str:
        return f"{words(self.params.where)}: worth times {self.params.factor:g}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        meant = mask(self.params.where, items, asked.now)[given.rows]
        told = words(self.params.where)
        why = Why(f"rule: {told}, times {self.params.factor:g}", f"规则：{told}，乘以 {self.params.factor:g}")
        worth = np.where(meant, given.worth * self.params.factor, given.worth)
        if self.params.factor == 0:
            # Behind those that are worth nothing by themselves, too.
            order = np.argsort(meant, kind="stable")
            return Change(order, np.sort(worth)[::-1], whys=dict.fromkeys(given.rows[meant].tolist(), why))
        return by_worth(given, worth, dict.fromkeys(given.rows[meant].tolist(), why))


class Bury(Boost):
    """What the items of ``where`` are worth is multiplied by ``factor`` below 1, so that others pass them."""

    kind: ClassVar[str] = "bury"
    params_type: ClassVar[type[StageParams]] = BuryParams
    up: ClassVar[Why] = Why("others are buried", "其他结果被降低")
    down: ClassVar[Why] = Why("makes room", "让位")
