"""Conversations: which items belong together as a first item and its replies, and one entry for each in a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.items import Items, values_of
from zhiyin.rerank.trace import Said, Why
from zhiyin.types import Ints


@dataclass(frozen=True)
class Threads:
    """``of`` int32 [n] is the number of each item's conversation, -1 for an item by itself; ``root`` int32 [threads]
    the row of each one's first item, -1 where that is no item here."""

    of: Ints
    root: Ints


def threads_of(items: Items, conversation: str, reply_to: str) -> Threads:
    """By the attribute ``conversation``, which may be the id of the first item, else by following ``reply_to`` to where
    it begins. A circle of replies is one conversation without a first item. Made once for ``items``."""
    key = ("threads", conversation, reply_to)
    if key not in items.kept:
        items.kept[key] = _threads(items, conversation, reply_to)
    found: Threads = items.kept[key]
    return found


def _threads(items: Items, conversation: str, reply_to: str) -> Threads:
    told = items.facts.attributes
    ids = items.ids

    def first(row: int, name: str) -> str | None:
        return next(iter(values_of(told[row].get(name))), None)

    names: list[str | None] = [None] * len(items)
    for row in range(len(items)):
        way = [row]
        seen = {row}
        name = None
        while name is None:
            at = way[-1]
            if names[at] is not None or (name := first(at, conversation)) is not None:
                name = names[at] or name
                break
            above = first(at, reply_to)
            if above is None:
                name = ids.ids[at] if len(way) > 1 else None
                break
            up = ids.row(above)
            if up < 0:
                name = above
            elif up in seen:
                # A circle is called by the first of its ids, wherever one enters it.
                name = min(ids.ids[one] for one in way[way.index(up) :])
            else:
                way.append(up)
                seen.add(up)
        if name is not None:
            for at in way:
                names[at] = names[at] or name
    numbers: dict[str, int] = {}
    of = np.full(len(items), -1, dtype=np.int32)
    for row, name in enumerate(names):
        if name is not None:
            of[row] = numbers.setdefault(name, len(numbers))
    root = ids.rows(list(numbers))
    inside = root >= 0
    # The first item of a conversation that is named by its id need not say so itself.
    of[root[inside]] = np.flatnonzero(inside)
    return Threads(of, root)


class ConversationParams(StageParams):
    conversation: str = Field("conversation", min_length=1)
    """Attribute that names the conversation of an item, by the id of its first item or otherwise."""
    reply_to: str = Field("reply_to", min_length=1)
    """Attribute that names the item that an item answers."""


class Conversations(Stage):
    """One entry for each conversation, at the place of its best item: its first item where that may come out, else the
    best reply; and the best reply is named with it."""

    kind: ClassVar[str] = "conversations"
    params_type: ClassVar[type[StageParams]] = ConversationParams
    params: ConversationParams

    @property
    def asks_facts(self) -> bool:
        return True

    @property
    def adds(self) -> bool:
        return True

    def describe(self) -> str:
        return "one entry for each conversation: its first item with the best reply, or the best reply"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        threads = threads_of(items, own.conversation, own.reply_to)
        rows = given.rows.tolist()
        numbers = threads.of[given.rows].tolist() if len(given) else []
        place = {row: at for at, row in enumerate(rows)}
        order: list[int] = []
        added: list[int] = []
        entry: dict[int, int] = {}
        said: dict[int, list[Said]] = {}
        whys: dict[int, Why] = {}
        for at, (row, number) in enumerate(zip(rows, numbers, strict=True)):
            if number < 0:
                order.append(at)
                continue
            if number in entry:
                whys[row] = Why("another of its conversation stands before it", "同一对话已有条目")
                head = entry[number]
                if row != head and head == threads.root[number] and head not in said:
                    said[head] = [_reply(items, row)]
                continue
            root = int(threads.root[number])
            if root == row or root < 0 or not (root in place or asked.may_show(root)):
                entry[number] = row
                order.append(at)
                if root >= 0 and root != row:
                    said[row] = [Said("thread", items.titles[root] or None, items.ids.ids[root])]
                continue
            entry[number] = root
            said[root] = [_reply(items, row)]
            whys[root] = Why("its best reply stood here", "其最佳回复原在此处")
            whys[row] = Why("stands with the first item of its conversation", "并入其对话的首条")
            if root in place:
                order.append(place[root])
            else:
                order.append(len(rows) + len(added))
                added.append(root)
        return Change(np.array(order, dtype=np.int64), None, added, whys, said=said)


def _reply(items: Items, row: int) -> Said:
    return Said("reply", items.titles[row] or None, items.ids.ids[row])
