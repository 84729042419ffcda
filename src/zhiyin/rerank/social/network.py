"""What people near somebody took: brought in among the candidates, and given its share of the first places."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values, along
from zhiyin.rerank.items import Items, values_of
from zhiyin.rerank.social.near import hear
from zhiyin.rerank.trace import Said, Why
from zhiyin.scripts import is_han

FRIENDS, CIRCLE, AUTHOR, ONWARD = "friends", "circle", "author", "onward"
"""Sources."""

Mask = NDArray[np.bool_]


class NetworkParams(StageParams):
    strength: float = Field(1.0, ge=0, le=1000)
    """What people near say most of gains this many times what the first is worth, other items their share of it."""
    unknown: float | None = Field(None, ge=0, le=1000)
    """The same for people without a history, for whom candidates are what is popular; None: no other."""
    onward: float = Field(1.0, ge=0, le=100)
    """Weight of people one is linked with by another, beside those one is linked with."""
    circles: float = Field(3.0, ge=0, le=100)
    """Weight of people of the same circles."""
    half_life_days: float | None = Field(None, gt=0, le=36_500)
    """What was taken so long ago counts half; None keeps all."""
    author: str | None = Field(None, min_length=1)
    """Attribute that names who made an item, by the id of a person: what the followed make comes in too. None: items
    are not asked who made them."""
    authored: float = Field(1.0, ge=0, le=100)
    """Weight of an item that somebody followed made, beside what people near say most of."""
    most: int = Field(100, ge=1, le=10_000)
    """Items brought in that were no candidates."""
    most_events: int | None = Field(None, ge=0)
    """Only for people with no more events than this; None for all."""


class Network(Stage):
    """Candidates from people one is linked with, people these are linked with, the same circles, followed authors."""

    kind: ClassVar[str] = "network"
    params_type: ClassVar[type[StageParams]] = NetworkParams
    up: ClassVar[Why] = Why("people near took it", "身边的人选了它")
    down: ClassVar[Why] = Why("makes room for what people near took", "为身边的人选过的让位")
    params: NetworkParams

    def asks_near(self, events: int) -> bool:
        return self.params.most_events is None or events <= self.params.most_events

    @property
    def asks_facts(self) -> bool:
        return self.params.author is not None

    @property
    def adds(self) -> bool:
        return True

    def describe(self) -> str:
        own = self.params
        made = f", and what the followed made (by '{own.author}')" if own.author else ""
        new = f" ({own.unknown:g} for people without a history)" if own.unknown is not None else ""
        few = f"; for people with at most {own.most_events} events" if own.most_events is not None else ""
        return f"what people near took{made} gains up to {own.strength:g} times what the first is worth{new}{few}"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        events = 0 if asked.history is None else len(asked.history.items)
        if asked.near is None or not self.asks_near(events):
            return Change(np.arange(len(given)))
        heard = hear(
            asked.near,
            len(items),
            onward=own.onward,
            circles=own.circles,
            half_life_days=own.half_life_days,
            now=asked.now,
        )
        made = made_by(items, own.author, asked.near.followed)
        # Where all is long ago, the latest of it still says most.
        score = heard.scores / (float(heard.scores.max(initial=0.0)) or 1.0)
        score[made] += own.authored * self._recent(items, made, asked.now)
        inside = np.zeros(len(items), dtype=np.bool_)
        inside[given.rows] = True
        new = np.flatnonzero((score > 0) & ~inside & (True if asked.allowed is None else asked.allowed))
        new = new[np.argsort(-score[new], kind="stable")][: own.most]
        rows = np.concatenate((given.rows, new)).astype(np.int32)
        worth = np.concatenate((given.worth, np.zeros(len(new))))
        first = float(given.worth.max(initial=0.0)) or 1.0
        strength = own.strength if events or own.unknown is None else own.unknown
        worth = worth + strength * first * score[rows] / max(1.0, float(score[rows].max(initial=0.0)))
        order = np.argsort(-worth, kind="stable")
        said: dict[int, list[Said]] = {}
        for row in rows[score[rows] > 0].tolist():
            told = []
            if heard.friends[row]:
                told.append(Said("friends", str(heard.friends[row]), source=FRIENDS))
            if made[row]:
                name = author_of(items, own.author, row, asked.near.followed)
                told.append(Said("author", name, source=AUTHOR))
            if heard.circle[row] >= 0:
                told.append(Said("circle", _called(asked.near.names[heard.circle[row]]), source=CIRCLE))
            said[row] = told or [Said("onward", source=ONWARD)]
        return Change(order, worth[order], new.tolist(), said=said)

    def _recent(self, items: Items, made: Mask, now: int) -> Values:
        half_life = self.params.half_life_days
        if half_life is None:
            return np.ones(int(made.sum()))
        age = np.nan_to_num((items.ages(now) if made.any() else np.zeros(len(items)))[made])
        return np.asarray(np.exp2(-age / half_life))


class MixParams(StageParams):
    least: float = Field(0.3, ge=0, le=1)
    """Share of the first places for items from people one is linked with, at least, as far as there are any ..."""
    most: float = Field(0.7, ge=0, le=1)
    """... and at most, as far as there is anything else; the same as ``least`` for an exact share."""
    within: int = Field(10, ge=1, le=1000)
    """Places that are shared out; those behind them follow in their order."""
    author: str | None = Field(None, min_length=1)
    """Attribute that names who made an item; what the followed make is of the network too."""

    @model_validator(mode="after")
    def _sound(self) -> MixParams:
        if self.least > self.most:
            raise ValueError(f"least is {self.least:g}, above most, {self.most:g}")
        return self


class Mix(Stage):
    """The share of the network in the first places: the order stays, but for items that come sooner or later so that
    every beginning of the list keeps within the bounds."""

    kind: ClassVar[str] = "mix"
    params_type: ClassVar[type[StageParams]] = MixParams
    up: ClassVar[Why] = Why("keeps the shares of network and others", "保持关系网内外的比例")
    down: ClassVar[Why] = Why("keeps the shares of network and others", "保持关系网内外的比例")
    params: MixParams

    def asks_near(self, events: int) -> bool:
        return True

    @property
    def asks_facts(self) -> bool:
        return self.params.author is not None

    def describe(self) -> str:
        return f"{_bounds(self.params)} of the first {self.params.within} from people one is linked with"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        if asked.near is None:
            return Change(np.arange(len(given)))
        direct = asked.near.friends[asked.near.owners] > 0
        inside = np.isin(given.rows, asked.near.rows[direct])
        inside |= made_by(items, own.author, asked.near.followed)[given.rows]
        near, far = np.flatnonzero(inside).tolist(), np.flatnonzero(~inside).tolist()
        order: list[int] = []
        taken = 0
        for place in range(min(own.within, len(given))):
            due = taken < np.floor(own.least * (place + 1) + 1e-9)
            full = taken + 1 > np.ceil(own.most * (place + 1) - 1e-9)
            first = bool(near) and (not far or near[0] < far[0])
            pick_near = bool(near) and (not far or due or (first and not full))
            taken += pick_near
            order.append((near if pick_near else far).pop(0))
        total = len(order)
        note = Why(
            f"{taken} of the first {total} are from people one is linked with (asked: {_bounds(own)})",
            f"前 {total} 个中有 {taken} 个来自关系网（要求 {_bounds(own)}）",
        )
        return Change(along(order, len(given)), notes=[note])


def _bounds(own: MixParams) -> str:
    return f"{own.least:.0%}" if own.least == own.most else f"{own.least:.0%}-{own.most:.0%}"


def made_by(items: Items, author: str | None, followed: frozenset[str]) -> Mask:
    """Bool [n]: items of which ``author`` names somebody of ``followed``."""
    found = np.zeros(len(items), dtype=np.bool_)
    if author is None or not followed:
        return found
    indptr, codes, names = items.groups(author)
    wanted = np.array([name in followed for name in names], dtype=np.bool_)
    if wanted.any():
        owners = np.repeat(np.arange(len(items)), np.diff(indptr))
        found[owners[wanted[codes]]] = True
    return found


def author_of(items: Items, author: str | None, row: int, followed: frozenset[str]) -> str | None:
    told = values_of(items.facts.attributes[row].get(author)) if author else []
    return next((name for name in told if name in followed), None)


def _called(names: tuple[str, str]) -> str:
    """A circle's name as its items are written."""
    return names[1] if any(map(is_han, names[1])) else names[0]
