"""Items of the store held against the policies: those that were not looked at as they are now, and those whose decision
has expired."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from zhiyin.errors import UnknownItem
from zhiyin.ports import Progress, Silent
from zhiyin.scenarios.community.moderation.cascade import Moderator
from zhiyin.scenarios.community.moderation.keeping import (
    By,
    Kept,
    every,
    hash_of,
    latest,
    now_,
    pages,
    previous_of,
    put_again,
    put_decision,
    put_expiry,
    text_of,
    undone,
)
from zhiyin.scenarios.community.moderation.policy import Action
from zhiyin.store.rows import ItemRow
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

PAGE = 256
"""Items that are decided, and written, at a time."""


@dataclass
class Reviewed:
    """``looked`` items were there; ``decided`` of them anew; ``expired`` decisions ended; ``stood`` by an override or
    because nothing changed. ``actions`` counts the new decisions, ``changed`` names items whose action is another.
    ``following``: the last item that was come to, where more are behind it."""

    looked: int = 0
    decided: int = 0
    expired: int = 0
    stood: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    fallbacks: Counter[str] = field(default_factory=Counter)
    following: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "looked": self.looked,
            "decided": self.decided,
            "expired": self.expired,
            "stood": self.stood,
            "actions": dict(self.actions),
            "changed": self.changed,
            "fallbacks": dict(self.fallbacks),
        }


def review_items(
    store: SqlStore,
    moderator: Moderator,
    item_ids: Sequence[str] | None = None,
    *,
    again: bool = False,
    now: int | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
    after: str | None = None,
    most: int | None = None,
) -> Reviewed:
    """Decide about ``item_ids``, or all items: those behind the id ``after``, at most ``most`` of them.

    What a person decided stands until it expires. What policies decided stands while text, policies and classifier are
    the same, unless ``again``; when it expires the item is shown again. What stands is done once more where an import
    undid it. Each page of items is one transaction. Raises UnknownItem."""
    at = now_() if now is None else now
    told = Reviewed()
    progress = progress or Silent()
    wanted = sorted(store.item_ids()) if item_ids is None else list(dict.fromkeys(item_ids))
    if item_ids is None:
        wanted = wanted if after is None else wanted[bisect_right(wanted, after) :]
        if most is not None and len(wanted) > most:
            wanted = wanted[:most]
            told.following = wanted[-1]
    else:
        for one in wanted:
            if store.rows.item(one) is None:
                raise UnknownItem(f"no item '{one}'", where="item_id", fix="check the id; see 'zhiyin items'")
    before = {one.item_id: one for one in every(store)} if item_ids is None and most is None else {}
    with progress.task("items", len(wanted)) as done:
        for page in pages(wanted, PAGE):
            rows = [row for row in (store.rows.item(one) for one in page) if row is not None]
            previous = {row.item_id: before.get(row.item_id) or latest(store, row.item_id) for row in rows}
            _review(store, moderator, rows, previous, told, again, at, seconds)
            done(len(page))
    return told


def _review(
    store: SqlStore,
    moderator: Moderator,
    rows: Sequence[ItemRow],
    previous: dict[str, Kept | None],
    told: Reviewed,
    again: bool,
    now: int,
    seconds: float | None,
) -> None:
    asked: list[ItemRow] = []
    over: list[ItemRow] = []
    redo: list[ItemRow] = []
    told.looked += len(rows)
    for row in rows:
        kept = previous[row.item_id]
        if kept is None:
            asked.append(row)
        elif kept.by is By.PERSON and kept.stands(now):
            told.stood += 1
            redo += [row] if undone(row, kept) else []
        elif kept.by is By.PERSON or again or not _same(kept, row, moderator):
            asked.append(row)
        elif not kept.stands(now):
            over.append(row)
        else:
            told.stood += 1
            redo += [row] if undone(row, kept) else []
    decisions = moderator.decide_many([text_of(row) for row in asked], seconds)
    if not (asked or over or redo):
        return
    with store.writing() as writer:
        for row, decision in zip(asked, decisions, strict=True):
            # Somebody may have changed, deleted or decided it meanwhile.
            item = writer.item(row.item_id)
            kept = previous[row.item_id]
            if item is None or text_of(item) != text_of(row) or _overtaken(writer, kept, row.item_id):
                continue
            put_decision(writer, item, decision, now, kept)
            told.decided += 1
            told.actions[decision.action] += 1
            if decision.fallback is not None:
                told.fallbacks[decision.fallback["reason"]] += 1
            if decision.action is not (Action.ALLOW if kept is None else kept.action):
                told.changed.append(row.item_id)
        for row in over:
            item, kept = writer.item(row.item_id), previous[row.item_id]
            if item is not None and kept is not None and not _overtaken(writer, kept, row.item_id):
                put_expiry(writer, item, now, kept)
                told.expired += 1
                told.changed.append(row.item_id)
        for row in redo:
            item, kept = writer.item(row.item_id), previous[row.item_id]
            if item is not None and kept is not None and not _overtaken(writer, kept, row.item_id):
                put_again(writer, item, now, kept)
                told.changed.append(row.item_id)


def _overtaken(writer: Writer, kept: Kept | None, item_id: str) -> bool:
    """Whether somebody decided since ``kept`` was read."""
    found = previous_of(writer, item_id)
    return (found is None) != (kept is None) or (
        found is not None and kept is not None and found.version != kept.version
    )


def _same(kept: Kept, row: ItemRow, moderator: Moderator) -> bool:
    """Whether nothing changed of what the decision was made from."""
    model = kept.told.get("model")
    classifier = None if moderator.classifier is None else moderator.classifier.name
    return (
        kept.text == hash_of(text_of(row))
        and kept.told.get("policies") == moderator.policies.fingerprint
        and (model is None or model == classifier)
    )
