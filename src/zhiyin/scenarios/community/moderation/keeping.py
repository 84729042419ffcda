"""Decisions as they are kept: one document an item, a version each time something is decided, so that the versions are
the audit trail. Whoever hides an item by a decision brings it back when the decision ends, and touches no item that was
hidden by somebody else.

A decision names no person, and holds places in the text, not the text. Appeals are documents of the person who appeals
and go with them.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from zhiyin.errors import NotThere
from zhiyin.rerank.limited import LIMIT, MARK
from zhiyin.scenarios.community.moderation.decision import Decision
from zhiyin.scenarios.community.moderation.policy import Action
from zhiyin.store.records import Record, about, put_record, read_latest, set_record_state
from zhiyin.store.rows import ItemRow
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

DECISION, APPEAL = "moderation.decision", "person.appeal"
DAY = 86_400_000_000
LOOKED_AT = 1000
"""Appeals that are read at a time, at least, where few of them may be asked for."""


class By(StrEnum):
    """Who decided: the policies, a person over their heads, or time, which ended a decision."""

    POLICIES = "policies"
    PERSON = "person"
    EXPIRY = "expiry"


class AppealState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Kept:
    """One decision on an item. ``told`` holds the rest of ``Decision`` where policies decided, else nothing. ``hid``:
    the item was shown before and this hid it. ``text`` is a hash of what was read. ``expires``: microseconds, None
    never. ``who`` is a role or the beginning of a key, ``why`` their words."""

    item_id: str
    version: int
    action: Action
    by: By
    time: int
    expires: int | None
    text: str
    hid: bool
    why: str | None
    who: str | None
    told: Mapping[str, Any]

    def stands(self, now: int) -> bool:
        return self.expires is None or now < self.expires


@dataclass(frozen=True)
class Appeal:
    item_id: str
    user_id: str
    version: int
    state: AppealState
    said: str
    answer: str | None
    time: int


def now_() -> int:
    return time.time_ns() // 1000


def text_of(item: ItemRow) -> str:
    """What of an item is read: its title and description."""
    return "\n".join(part for part in (item.title, item.description) if part)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def latest(store: SqlStore, item_id: str) -> Kept | None:
    found = store.records.latest(DECISION, item_id)
    return None if found is None else _kept(found)


def trail(store: SqlStore, item_id: str) -> list[Kept]:
    """Every decision on the item, the newest first."""
    return [_kept(one) for one in store.records.versions(DECISION, item_id)]


def every(
    store: SqlStore, action: Action | None = None, *, after: str | None = None, limit: int | None = None
) -> list[Kept]:
    """The decision in force on each item, in order of id; with ``action`` those alone whose newest is that."""
    found: list[Kept] = []
    cursor = after
    while True:
        page = store.records.every(DECISION, after=cursor, limit=limit)
        found += [one for one in map(_kept, page) if action is None or one.action is action]
        if limit is None or len(page) < limit or len(found) >= limit:
            return found if limit is None else found[:limit]
        cursor = page[-1].key


def limited(store: SqlStore, now: int | None = None) -> frozenset[str]:
    """Items that only their authors should meet, for feeds of one's own."""
    at = now_() if now is None else now
    return frozenset(one.item_id for one in every(store, Action.LIMIT) if one.stands(at))


def put_decision(writer: Writer, item: ItemRow, decision: Decision, now: int, previous: Kept | None) -> Kept:
    """What policies say of ``item``: written, and done, in the transaction of ``writer``."""
    told = decision.to_dict()
    expires = None if decision.expires_days is None else now + int(decision.expires_days * DAY)
    for one in (told, *told["findings"]):
        # The text itself stays with the item.
        one["evidence"] = [[place["start"], place["end"]] for place in one["evidence"]]
    return _put(writer, item, decision.action, By.POLICIES, now, expires, previous, told=told)


def put_override(
    writer: Writer,
    item_id: str,
    action: Action,
    now: int,
    *,
    why: str | None = None,
    who: str | None = None,
    expires: int | None = None,
) -> Kept:
    """What a person says of an item, over the policies until ``expires``. Raises NotThere for no such item."""
    item = _item(writer, item_id)
    return _put(writer, item, action, By.PERSON, now, expires, previous_of(writer, item_id), why=why, who=who)


def undone(item: ItemRow, kept: Kept) -> bool:
    """Whether what was decided is not so any more: whoever imports an item anew writes it as a whole, shown and without
    what was noted of it."""
    if kept.action is Action.LIMIT:
        return not _tagged(item)
    return kept.action is not Action.ALLOW and not item.hidden


def put_again(writer: Writer, item: ItemRow, now: int, kept: Kept) -> Kept:
    """What was decided already, done once more."""
    again = (writer, item, kept.action, kept.by, now, kept.expires, kept)
    return _put(*again, why=kept.why, who=kept.who, told=dict(kept.told))


def _tagged(item: ItemRow) -> bool:
    told = json.loads(item.attributes or "{}")
    return isinstance(told, dict) and told.get(MARK) == LIMIT


def put_expiry(writer: Writer, item: ItemRow, now: int, previous: Kept) -> Kept:
    """The end of ``previous``: the item is shown again, until its text or the policies change."""
    return _put(writer, item, Action.ALLOW, By.EXPIRY, now, None, previous, told=dict(previous.told))


def put_appeal(store: SqlStore, item_id: str, user_id: str, said: str, now: int | None = None) -> Appeal:
    """``user_id`` asks for another decision on ``item_id``. Raises NotThere where there is nothing to appeal against.
    An appeal that is open already gets the new words."""
    at = now_() if now is None else now
    with store.writing() as writer:
        current = previous_of(writer, item_id)
        if current is None or current.action is Action.ALLOW:
            raise NotThere(f"nothing was decided against item '{item_id}'", where="item_id", fix="see its decisions")
        body = {"item_id": item_id, "said": said, "decision": current.version, "answer": None}
        key = about(user_id, item_id)
        version = put_record(writer.connection, APPEAL, key, AppealState.OPEN, body, at)
    return Appeal(item_id, user_id, version, AppealState.OPEN, said, None, at)


def resolve_appeal(
    store: SqlStore,
    item_id: str,
    user_id: str,
    granted: bool,
    *,
    answer: str | None = None,
    who: str | None = None,
    now: int | None = None,
) -> Appeal:
    """Grant (the item is allowed, whatever policies say) or reject an open appeal. Raises NotThere where there is
    none."""
    at = now_() if now is None else now
    key = about(user_id, item_id)
    with store.writing() as writer:
        found = read_latest(writer.connection, APPEAL, key)
        if found is None or found.state != AppealState.OPEN:
            raise NotThere(
                f"no open appeal on item '{item_id}' by that person", where="user_id", fix="list the appeals"
            )
        state = AppealState.GRANTED if granted else AppealState.REJECTED
        set_record_state(writer.connection, APPEAL, key, state, found.version)
        body = {**found.body, "answer": answer}
        version = put_record(writer.connection, APPEAL, key, state, body, at)
        if granted:
            put_override(writer, item_id, Action.ALLOW, at, why="appeal granted", who=who)
    return Appeal(item_id, user_id, version, state, str(body["said"]), answer, at)


def appeals(
    store: SqlStore,
    state: AppealState | None = None,
    item_id: str | None = None,
    *,
    after: int = 0,
    limit: int | None = None,
) -> tuple[list[Appeal], int | None]:
    """The newest of each person and item, oldest first; a page of at most ``limit``, and what to give as ``after`` for
    the next one, None after the last."""
    found: list[Appeal] = []
    size = None if limit is None else max(limit, LOOKED_AT)
    while True:
        page = store.records.arrived(APPEAL, after=after, limit=size)
        for after, one in page:
            if state in (None, one.state) and item_id in (None, one.body["item_id"]):
                found.append(_appeal(one))
                if len(found) == limit:
                    return found, after
        if size is None or len(page) < size:
            return found, None


def _appeal(kept: Record) -> Appeal:
    body, user_id = kept.body, json.loads(kept.key)[0]
    state = AppealState(kept.state)
    return Appeal(body["item_id"], user_id, kept.version, state, body["said"], body["answer"], kept.time)


def _item(writer: Writer, item_id: str) -> ItemRow:
    item = writer.item(item_id)
    if item is None:
        raise NotThere(f"no item '{item_id}'", where="item_id", fix="check the id; see 'zhiyin items'")
    return item


def previous_of(writer: Writer, item_id: str) -> Kept | None:
    """The newest decision as this transaction sees it."""
    found = read_latest(writer.connection, DECISION, item_id)
    return None if found is None else _kept(found)


def _put(
    writer: Writer,
    item: ItemRow,
    action: Action,
    by: By,
    now: int,
    expires: int | None,
    previous: Kept | None,
    *,
    why: str | None = None,
    who: str | None = None,
    told: dict[str, Any] | None = None,
) -> Kept:
    hiding = action in (Action.HIDE, Action.REMOVE)
    ours = previous is not None and previous.hid
    if hiding and not item.hidden:
        writer.set_hidden([item.item_id], True)
        ours = True
    elif not hiding and item.hidden and ours:
        writer.set_hidden([item.item_id], False)
        ours = False
    elif not item.hidden:
        ours = False
    # An import may have taken the attribute away, and one that is there without a decision is somebody else's.
    was_limited = previous is not None and previous.action is Action.LIMIT
    if _tagged(item) != (action is Action.LIMIT) and (was_limited or action is Action.LIMIT):
        writer.patch_item(item.item_id, attributes={MARK: LIMIT if action is Action.LIMIT else None})
    body = {
        "by": by,
        "expires": expires,
        "text": hash_of(text_of(item)),
        "hid": ours,
        "why": why,
        "who": who,
        "told": told or {},
    }
    version = put_record(writer.connection, DECISION, item.item_id, action, body, now)
    return Kept(item.item_id, version, action, by, now, expires, hash_of(text_of(item)), ours, why, who, told or {})


def _kept(found: Record) -> Kept:
    body = found.body
    return Kept(
        found.key,
        found.version,
        Action(found.state),
        By(body["by"]),
        found.time,
        body["expires"],
        body["text"],
        body["hid"],
        body["why"],
        body["who"],
        body["told"],
    )


def pages(item_ids: Iterable[str], size: int) -> Iterable[list[str]]:
    page: list[str] = []
    for one in item_ids:
        page.append(one)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
