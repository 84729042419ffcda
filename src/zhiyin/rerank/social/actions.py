"""What people do with an item beside taking it: several aims in one score."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.boosts import by_worth
from zhiyin.rerank.items import Items, Seen
from zhiyin.rerank.trace import Said, Why
from zhiyin.types import Ints

Values = NDArray[np.float64]
Actions = tuple[tuple[str, tuple[str, ...]], ...]
"""Names of actions, each with the types of events that are it."""
WORTH_SAYING = 0.1
"""Chance of an action from which it is given as a reason."""


class Acting(Protocol):
    """Learned from events how people act."""

    def chances(self, rows: Ints, seen: Seen | None) -> Values:
        """Float64 [m, actions]: the chance that the person who had the events ``seen`` does each action with each item
        of ``rows``, if they take it."""
        ...


class Action(StageParams):
    name: str = Field(min_length=1)
    """What it is called in reasons."""
    types: list[str] = Field(min_length=1)
    """Types of events that are it."""
    weight: float = Field(1.0, ge=0, le=1000)
    """What it is worth beside taking the item."""


class ActionParams(StageParams):
    taken: float = Field(1.0, ge=0, le=1000)
    """What taking the item is worth by itself."""
    action: list[Action] = Field(min_length=1)
    """The other aims."""
    author: str | None = Field("author", min_length=1)
    """Attribute that names who made an item: an author's items are acted upon alike."""

    @model_validator(mode="after")
    def _once(self) -> ActionParams:
        names = [one.name for one in self.action]
        if len(set(names)) != len(names):
            raise ValueError("an action is named twice")
        return self


class ActionAims(Stage):
    """Worth times (taken + sum over actions of weight * chance of the action): the chance of taking an item is what
    relevance says, that of an action with it is learned from events by type. Without such events nothing changes."""

    kind: ClassVar[str] = "actions"
    params_type: ClassVar[type[StageParams]] = ActionParams
    up: ClassVar[Why] = Why("people do more with it", "更可能引发互动")
    down: ClassVar[Why] = Why("people do less with it", "较少引发互动")
    params: ActionParams

    @property
    def asks_events(self) -> bool:
        return True

    @property
    def asks_facts(self) -> bool:
        return self.params.author is not None

    def describe(self) -> str:
        told = ", ".join(f"{one.weight:g} {one.name}" for one in self.params.action)
        return f"worth times {self.params.taken:g} + {told}, each by its chance"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        actions: Actions = tuple((one.name, tuple(one.types)) for one in own.action)
        acting = items.acting(actions, own.author)
        if acting is None or not len(given):
            note = Why("no events of these types yet", "尚无这些类型的事件")
            return Change(np.arange(len(given)), notes=[note] if len(given) else [])
        chances = acting.chances(given.rows, asked.seen)
        value = own.taken + chances @ np.array([one.weight for one in own.action])
        change = by_worth(given, given.worth * value)
        best = chances.argmax(axis=1)
        said = {
            row: [Said("action", own.action[which].name, share=round(float(chance), 4))]
            for row, which, chance in zip(
                given.rows.tolist(), best.tolist(), chances[np.arange(len(best)), best].tolist(), strict=True
            )
            if chance >= WORTH_SAYING and own.action[which].weight > 0
        }
        return Change(change.order, change.worth, said=said)
