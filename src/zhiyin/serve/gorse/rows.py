"""Rows of the store as Gorse's users, items and feedback, and back."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.stamps import read_time, write_time
from zhiyin.store.appending import EventRow
from zhiyin.store.feedback import FeedbackRow
from zhiyin.store.rows import ItemRow, UserRow
from zhiyin.store.writer import Writer

LABELS, COMMENT = "labels", "comment"
"""Attributes that hold what Gorse calls so."""


def user_of(row: UserRow) -> dto.User:
    told = _attributes(row.attributes)
    return dto.User(UserId=row.user_id, Labels=told.get(LABELS), Comment=_text(told.get(COMMENT)))


def item_of(row: ItemRow) -> dto.Item:
    return dto.Item(
        ItemId=row.item_id,
        IsHidden=row.hidden,
        Categories=row.categories,
        Timestamp=write_time(row.time),
        Labels=_attributes(row.attributes).get(LABELS),
        Comment=row.title or row.description or "",
    )


def feedback_of(row: FeedbackRow) -> dto.Feedback:
    return dto.Feedback(
        FeedbackType=row.event_type,
        UserId=row.user_id,
        ItemId=row.item_id,
        Value=row.value or 0.0,
        Timestamp=write_time(row.time),
        Updated=write_time(row.time),
    )


def put_users(writer: Writer, users: Sequence[dto.UserIn]) -> None:
    """Make people, or write over what Gorse knows of them; other attributes stay."""
    made = {}
    for user in {user.UserId: user for user in users}.values():
        known = writer.user(user.UserId)
        made[user.UserId] = _merged(known, {LABELS: user.Labels, COMMENT: user.Comment or None})
    writer.set_users(made.items())


def patch_user(writer: Writer, user_id: str, patch: dto.UserPatch) -> bool:
    given: dict[str, Any] = {}
    if patch.Labels is not None:
        given[LABELS] = patch.Labels
    if patch.Comment is not None:
        given[COMMENT] = patch.Comment or None
    return writer.patch_user(user_id, given)


def put_items(writer: Writer, items: Sequence[dto.ItemIn]) -> None:
    """Make items, or write over what Gorse knows of them; the description and other attributes stay."""
    made = {}
    for item in {item.ItemId: item for item in items}.values():
        known = writer.item(item.ItemId)
        made[item.ItemId] = ItemRow(
            item.ItemId,
            item.Comment or None,
            known.description if known else None,
            item.Categories or [],
            _merged(known, {LABELS: item.Labels}),
            read_time(item.Timestamp),
            bool(item.IsHidden),
        )
    writer.set_items(made.values())


def patch_item(writer: Writer, item_id: str, patch: dto.ItemPatch) -> bool:
    fields: dict[str, Any] = {}
    if patch.IsHidden is not None:
        fields["hidden"] = patch.IsHidden
    if patch.Categories is not None:
        fields["categories"] = patch.Categories
    if patch.Timestamp is not None:
        fields["time"] = read_time(patch.Timestamp)
    if patch.Comment is not None:
        fields["title"] = patch.Comment or None
    return writer.patch_item(item_id, fields, None if patch.Labels is None else {LABELS: patch.Labels})


def events_of(feedback: Sequence[dto.FeedbackIn]) -> list[EventRow]:
    """Events that have a name of their own each: what is sent twice happened twice. Without a time it is now."""
    now = time.time_ns() // 1000
    return [
        EventRow(
            uuid.uuid4().hex,
            one.UserId,
            one.ItemId,
            one.FeedbackType,
            one.Value or None,
            now if (stamp := read_time(one.Timestamp)) is None else stamp,
        )
        for one in feedback
    ]


def _merged(known: UserRow | ItemRow | None, given: Mapping[str, Any]) -> str:
    """The attributes with those ``given`` in place; one of None goes."""
    told = dict(_attributes(known.attributes)) if known else {}
    kept = {name: value for name, value in (told | dict(given)).items() if value is not None}
    return json.dumps(kept, ensure_ascii=False)


def _attributes(text: str) -> Mapping[str, Any]:
    told = json.loads(text)
    return told if isinstance(told, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
