"""Places given to items that nobody knows enough of yet, with the chance of each logged."""

from __future__ import annotations

import hashlib
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from zhiyin.rerank.arms import told
from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values
from zhiyin.rerank.items import DAY, Items
from zhiyin.rerank.trace import Why
from zhiyin.types import NO_TIME


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
    by: Literal["uniform", "thompson", "linucb"] = "uniform"
    """How it is drawn: all alike, or by what came of showing items so far (see docs/feedback.md)."""
    floor: float = Field(0.2, gt=0, le=1)
    """Not ``uniform``: share of the draws that stay even, so that nothing is out of reach."""

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

    Not ``uniform``, the m are dealt out to the slots in turn, and each slot draws among its own, item j with a chance
    q_j that whoever learned from outcomes gives, ``floor`` of it even. An item drawn into a slot, and the one it drove
    out, then have rate * q_j, and one that stayed has 1 - rate * q_j.

    What is drawn follows from the seed, the user, the list, the length of the history and the day, and nothing else:
    a list that is asked for twice is the same, and an item that found no favour does not come back for ever.
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
        how = "" if own.by == "uniform" else f", by {own.by}, {own.floor:.0%} of it even"
        return f"with a chance of {own.rate:g} each, places {places} go to one of {own.reach} ({own.draw}){how}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        slots = [slot - 1 for slot in own.slots if slot <= len(given)]
        pool, added = self._pool(given, asked, items)
        slots = slots[: len(pool)]
        count = len(given) + len(added)
        order, chance = np.arange(count), np.ones(count)
        if not slots:
            return Change(np.arange(len(given)))
        draws = generator(asked)
        given_away = draws.random(len(slots)) < own.rate
        chance[slots] = 1 - own.rate
        if own.by == "uniform":
            drawn = pool[draws.permutation(len(pool))[: len(slots)]]
            weight = np.full(len(slots), 1 / len(pool))
            chance[pool] = 1 - len(slots) * own.rate / len(pool)
        else:
            rows = np.concatenate((given.rows, np.array(added, dtype=np.int32)))[pool]
            drawn, weight, spread = self._learned(pool, rows, len(slots), draws, asked, items)
            chance[pool] = 1 - own.rate * spread
        for slot, other, away, share in zip(slots, drawn.tolist(), given_away.tolist(), weight.tolist(), strict=True):
            if away:
                order[slot], order[other] = other, slot
                chance[slot] = chance[other] = own.rate * share
        return Change(order, added=added, propensities=chance)

    def _learned(
        self,
        pool: NDArray[np.int64],
        rows: NDArray[np.int32],
        slots: int,
        draws: np.random.Generator,
        asked: Asked,
        items: Items,
    ) -> tuple[NDArray[np.int64], Values, Values]:
        """A place of ``pool`` for each slot with the chance that it was drawn, and the chances of all places."""
        own = self.params
        chooser = items.chooser(own.by)
        known = told(rows, asked.history, items) if own.by == "linucb" else np.zeros((len(rows), 0))
        drawn, weight, spread = np.empty(slots, dtype=np.int64), np.empty(slots), np.empty(len(pool))
        for slot in range(slots):
            part = np.arange(slot, len(pool), slots)
            even = np.full(len(part), 1 / len(part))
            learned = even
            if chooser is not None:
                learned = chooser.chances([items.ids.ids[row] for row in rows[part]], known[part])
            spread[part] = (1 - own.floor) * learned + own.floor * even
            # What the sum lacks to 1 by rounding falls to the last.
            pick = int(np.searchsorted(np.cumsum(spread[part]), draws.random(), side="right").clip(max=len(part) - 1))
            drawn[slot], weight[slot] = pool[part[pick]], spread[part[pick]]
        return drawn, weight, spread

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
    """Random numbers that follow from seed, user, list, length of the history and day."""
    length = 0 if asked.history is None else len(asked.history.items)
    day = None if asked.now == NO_TIME else asked.now // DAY
    named = repr((asked.seed, asked.user, asked.list_id, length, day)).encode("utf-8", "surrogatepass")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(named).digest()[:16], "little"))
