"""Places given to items that nobody knows enough of yet, with the chance of each logged."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.items import Items
from zhiyin.rerank.trace import Why


class ExploreParams(StageParams):
    slots: list[int] = Field([5, 10], min_length=1, max_length=100)
    """Places, from 1, that may be given away."""
    rate: float = Field(0.1, ge=0, le=1)
    """Chance that a slot is given away; each is decided by itself."""
    draw: Literal["lower", "newcomers"] = "lower"
    """Who may come in: candidates further down, or items that few have taken, candidates or not."""
    reach: int = Field(50, ge=1, le=1000)
    """Most items that may come in: the first so many of them by the list's order, then (newcomers) by fewest events."""
    most_events: int = Field(5, ge=0)
    """``newcomers``: events that an item has at most."""

    @field_validator("slots")
    @classmethod
    def _in_order(cls, slots: list[int]) -> list[int]:
        if min(slots) < 1 or len(set(slots)) < len(slots):
            raise ValueError("places count from 1 and are named once")
        return sorted(slots)


class Explore(Stage):
    """A slot that is given away takes an item drawn evenly from m that stand below every slot; the two change places.

    So every item's chance to stand where it stands is known: with S slots and a chance ``rate``, an item drawn into a
    slot, and the one it drove out in its old place, have rate / m each; the slot's own item has 1 - rate; one of the m
    that stayed has 1 - S * rate / m; all others have 1. (Marginal chances, over the seeds.) With fewer than S items to
    draw from, the last slots are not given away.

    What is drawn follows from the seed, the user and the list, and nothing else.
    """

    kind: ClassVar[str] = "explore"
    params_type: ClassVar[type[StageParams]] = ExploreParams
    up: ClassVar[Why] = Why("drawn to learn more about it", "为探索而抽取")
    down: ClassVar[Why] = Why("makes room for an item drawn at random", "为随机抽取的结果让位")
    params: ExploreParams

    @property
    def adds(self) -> bool:
        return bool(self.params.draw == "newcomers")

    def describe(self) -> str:
        own = self.params
        places = ", ".join(map(str, own.slots))
        return f"with a chance of {own.rate:g} each, places {places} go to one of {own.reach} ({own.draw})"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        slots = [slot - 1 for slot in own.slots if slot <= len(given)]
        pool, added = self._pool(given, asked, items)
        slots = slots[: len(pool)]
        count = len(given) + len(added)
        order, chance = np.arange(count), np.ones(count)
        if not slots:
            return Change(np.arange(len(given)))
        m = len(pool)
        draws = generator(asked)
        given_away = draws.random(len(slots)) < own.rate
        drawn = pool[draws.permutation(m)[: len(slots)]]
        chance[slots] = 1 - own.rate
        chance[pool] = 1 - len(slots) * own.rate / m
        for slot, other, away in zip(slots, drawn.tolist(), given_away.tolist(), strict=True):
            if away:
                order[slot], order[other] = other, slot
                chance[slot] = chance[other] = own.rate / m
        return Change(order, added=added, propensities=chance)

    def _pool(self, given: Listed, asked: Asked, items: Items) -> tuple[NDArray[np.int64], list[int]]:
        """Places that may be drawn, all below every slot, and rows to append for those that are in no place yet."""
        own = self.params
        below = np.arange(max(own.slots), len(given))
        if own.draw == "lower":
            return below[: own.reach], []
        few = items.popularity <= own.most_events
        listed = below[few[given.rows[below]]][: own.reach]
        if len(listed) == own.reach:
            return listed, []
        free = few.copy() if asked.allowed is None else few & asked.allowed[: len(few)]
        free[given.rows] = False
        if asked.history is not None:
            free[asked.history.items] = False
        if asked.seen is not None:
            free[asked.seen.rows] = False
        others = np.flatnonzero(free)
        others = others[np.argsort(items.popularity[others], kind="stable")][: own.reach - len(listed)]
        return np.concatenate((listed, len(given) + np.arange(len(others)))), others.tolist()


def generator(asked: Asked) -> np.random.Generator:
    """Random numbers that follow from seed, user and list."""
    told = repr((asked.seed, asked.user, asked.list_id)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(told).digest()[:16], "little"))
