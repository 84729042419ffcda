"""What a person turned away: items, authors, topics and conversations, hidden, reported or muted, from now on."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams, Values
from zhiyin.rerank.conditions import Mask
from zhiyin.rerank.items import CATEGORY, DAY, Items, Seen
from zhiyin.rerank.social.threads import threads_of
from zhiyin.rerank.trace import Why
from zhiyin.types import NO_TIME

MOST = 5
"""So many events of one rule count at most."""


class Rule(StageParams):
    types: list[str] = Field(min_length=1)
    """Types of events that say so; case does not matter."""
    of: Literal["item", "author", "topic", "conversation"] = "item"
    """What it is said of: the item itself, or all that has its author, its last category or its conversation."""
    factor: float = Field(0.0, ge=0, lt=1)
    """What is meant is worth so much of what it was, once for each event; 0 takes it out."""
    days: float | None = Field(None, gt=0, le=36_500)
    """Forgotten after so many days; None never."""
    undone: list[str] = Field([])
    """Types of later events with the same item that take it back."""


DEFAULT = (
    Rule(types=["hide", "not_interested", "dislike"], undone=["unhide"]),
    Rule(types=["report"]),
    Rule(types=["report"], of="author", factor=0.1),
    Rule(types=["mute", "block"], of="author", undone=["unmute", "unblock"]),
    Rule(types=["mute_topic"], of="topic", undone=["unmute_topic"]),
    Rule(types=["mute_conversation"], of="conversation", undone=["unmute_conversation"]),
    Rule(types=["hide", "not_interested"], of="author", factor=0.5, days=90, undone=["unhide"]),
    Rule(types=["hide", "not_interested"], of="topic", factor=0.8, days=30, undone=["unhide"]),
)


class SilenceParams(StageParams):
    author: str = Field("author", min_length=1)
    """Attribute that names who made an item."""
    conversation: str = Field("conversation", min_length=1)
    """Attribute that names the conversation of an item, by the id of its first item or otherwise."""
    reply_to: str = Field("reply_to", min_length=1)
    """Attribute that names the item that an item answers."""
    rules: list[Rule] = Field(list(DEFAULT))
    """Several may hold of one item: their factors are multiplied."""

    @model_validator(mode="after")
    def _some(self) -> SilenceParams:
        if not self.rules:
            raise ValueError("name at least one rule, or leave them out for the usual ones")
        return self


class Silence(Stage):
    """Drops what was turned away, and lowers what is like it. An event whose item is no item here and has an author's
    name (a person who is muted as such) is about that author."""

    kind: ClassVar[str] = "silence"
    params_type: ClassVar[type[StageParams]] = SilenceParams
    up: ClassVar[Why] = Why("others were turned away", "其他结果被拒绝")
    down: ClassVar[Why] = Why("makes room", "让位")
    params: SilenceParams

    @property
    def asks_facts(self) -> bool:
        return any(rule.of in ("author", "conversation") for rule in self.params.rules)

    @property
    def asks_events(self) -> bool:
        return True

    def describe(self) -> str:
        told = [
            f"{', '.join(rule.types)}: {'no more' if rule.factor == 0 else f'{rule.factor:g} of'} {rule.of}"
            for rule in self.params.rules
        ]
        return "; ".join(told)

    def permits(self, asked: Asked, items: Items) -> Mask | None:
        factors = self._factors(asked, items)
        return None if factors is None else np.asarray(factors > 0)

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        factors = self._factors(asked, items)
        if factors is None:
            return Change(np.arange(len(given)))
        own = factors[given.rows]
        worth = given.worth * own
        order = np.argsort(-worth, kind="stable")
        order = order[own[order] > 0]
        gone = Why("turned away by the person", "被本人拒绝")
        low = Why("like what the person turned away", "与本人拒绝过的相近")
        rows = given.rows.tolist()
        whys = {row: gone if one == 0 else low for row, one in zip(rows, own.tolist(), strict=True) if one < 1}
        return Change(order, worth[order], whys=whys)

    def _factors(self, asked: Asked, items: Items) -> Values | None:
        """Float64 [n]: what is left of each item's worth, 0 for what may not come; None where nothing was said."""
        seen = asked.seen
        if seen is None or not (len(seen.rows) or seen.others):
            return None
        factors = np.ones(len(items))
        for rule in self.params.rules:
            rows, names = _said(rule, seen, asked.now)
            if len(rows) or names:
                self._apply(rule, rows, names, factors, items)
        return factors if (factors < 1).any() else None

    def _apply(self, rule: Rule, rows: list[int], names: list[str], factors: Values, items: Items) -> None:
        own = self.params
        if rule.of == "item":
            for row in rows:
                factors[row] *= rule.factor
            return
        if rule.of == "conversation":
            threads = threads_of(items, own.conversation, own.reply_to)
            for row in rows[: MOST if rule.factor else None]:
                if threads.of[row] >= 0:
                    factors[threads.of == threads.of[row]] *= rule.factor
            return
        key, which = (own.author, "every") if rule.of == "author" else (CATEGORY, "last")
        groups = items.groups(key, which)
        indptr, codes, labels = groups
        counts = np.zeros(len(labels), dtype=np.int64)
        for row in rows:
            for code in items.codes_of(groups, row):
                counts[code] += 1
        if rule.of == "author" and names:
            place = {label: code for code, label in enumerate(labels)}
            for name in names:
                if name in place:
                    counts[place[name]] += 1
        meant = counts[codes] > 0
        if meant.any():
            owners = np.repeat(np.arange(len(items)), np.diff(indptr))
            left = np.power(rule.factor, np.minimum(counts[codes[meant]], MOST).astype(np.float64))
            np.multiply.at(factors, owners[meant], left)


def _said(rule: Rule, seen: Seen, now: int) -> tuple[list[int], list[str]]:
    """Item rows and other ids of which ``rule`` was said and not taken back."""
    wanted, undone = ({_plain(one) for one in some} for some in (rule.types, rule.undone))
    told: dict[int | str, int] = {}
    events: list[tuple[int | str, str, int]] = [
        *zip(seen.rows.tolist(), seen.types, seen.times.tolist(), strict=True),
        *seen.others,
    ]
    for key, kind, time in events:
        plain = _plain(kind)
        if plain in wanted:
            told[key] = time
        elif plain in undone and key in told and (NO_TIME in (time, told[key]) or time >= told[key]):
            del told[key]
    if rule.days is not None and now != NO_TIME:
        oldest = now - rule.days * DAY
        told = {key: time for key, time in told.items() if time == NO_TIME or time >= oldest}
    return [key for key in told if isinstance(key, int)], [key for key in told if isinstance(key, str)]


def _plain(kind: str) -> str:
    return kind.strip().casefold()
