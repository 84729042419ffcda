"""``/api/feedback``, and the feedback of one user or item. A row stands for all events of its type, user and item:
values summed, the latest time. What is stamped with a time to come is not listed before."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Body

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.gorse import dto, rows
from zhiyin.serve.gorse.cursor import Cursor, read_cursor, write_cursor
from zhiyin.serve.gorse.items import unknown_item
from zhiyin.serve.gorse.routing import DEFAULT_N, MOST, FeedbackType, ItemId, N, UserId, make_router
from zhiyin.serve.gorse.users import unknown_user
from zhiyin.serve.metrics import EVENTS
from zhiyin.serve.tenants import Tenant
from zhiyin.store.feedback import FeedbackRow
from zhiyin.store.sql import SqlStore

router = make_router("feedback")

Given = Annotated[list[dto.FeedbackIn], Body(max_length=MOST)]


@router.post("/feedback")
async def insert_feedback(tenant: CanWrite, feedback: Given) -> dto.RowAffected:
    """Add feedback: values of the same type, user and item add up."""
    events = rows.events_of(feedback)
    await tenant.write(lambda writer: writer.add_events(events))
    EVENTS.inc(len(events))
    return dto.RowAffected(RowAffected=len(feedback))


@router.put("/feedback")
async def overwrite_feedback(tenant: CanWrite, feedback: Given) -> dto.RowAffected:
    """Write feedback over: what was there of the same type, user and item goes."""
    events = rows.events_of(feedback)
    await tenant.write(lambda writer: writer.overwrite_events(events))
    EVENTS.inc(len(events))
    return dto.RowAffected(RowAffected=len(feedback))


@router.get("/feedback")
async def list_feedback(tenant: CanRead, n: N = DEFAULT_N, cursor: Cursor = "") -> dto.FeedbackPage:
    """Feedback of all types, a page at a time."""
    return await _page(tenant, n, cursor, None)


@router.get("/feedback/{feedback_type:part}")
async def list_typed_feedback(
    tenant: CanRead, feedback_type: FeedbackType, n: N = DEFAULT_N, cursor: Cursor = ""
) -> dto.FeedbackPage:
    """Feedback of one type, a page at a time."""
    return await _page(tenant, n, cursor, [feedback_type])


@router.get("/feedback/{user_id:part}/{item_id:part}")
async def list_feedback_between(tenant: CanRead, user_id: UserId, item_id: ItemId) -> list[dto.Feedback]:
    """Feedback of one user with one item."""
    return await _listed(tenant, lambda store: store.feedback.between(user_id, item_id, until=now()))


@router.delete("/feedback/{user_id:part}/{item_id:part}")
async def delete_feedback_between(tenant: CanWrite, user_id: UserId, item_id: ItemId) -> dto.RowAffected:
    """Delete feedback of one user with one item."""
    return await _deleted(tenant, user_id, item_id, None)


@router.get("/feedback/{feedback_type:part}/{user_id:part}/{item_id:part}")
async def get_feedback(tenant: CanRead, feedback_type: FeedbackType, user_id: UserId, item_id: ItemId) -> dto.Feedback:
    """Feedback of one type, of one user with one item. 404 where there is none."""
    found = await _listed(tenant, lambda store: store.feedback.between(user_id, item_id, [feedback_type], now()))
    if not found:
        raise NotThere("no such feedback", fix="check type, user and item")
    return found[0]


@router.delete("/feedback/{feedback_type:part}/{user_id:part}/{item_id:part}")
async def delete_feedback(
    tenant: CanWrite, feedback_type: FeedbackType, user_id: UserId, item_id: ItemId
) -> dto.RowAffected:
    """Delete feedback of one type, of one user with one item."""
    return await _deleted(tenant, user_id, item_id, [feedback_type])


@router.get("/user/{user_id:part}/feedback")
async def list_user_feedback(tenant: CanRead, user_id: UserId) -> list[dto.Feedback]:
    """All feedback of one user. 404 for somebody of whom there is nothing at all."""
    return await _of_user(tenant, user_id, None)


@router.get("/user/{user_id:part}/feedback/{feedback_type:part}")
async def list_user_feedback_typed(tenant: CanRead, user_id: UserId, feedback_type: FeedbackType) -> list[dto.Feedback]:
    """Feedback of one type of one user; none where all is of other types."""
    return await _of_user(tenant, user_id, [feedback_type])


@router.get("/item/{item_id:part}/feedback")
async def list_item_feedback(tenant: CanRead, item_id: ItemId) -> list[dto.Feedback]:
    """All feedback with one item. 404 for an item of which there is nothing at all."""
    return await _of_item(tenant, item_id, None)


@router.get("/item/{item_id:part}/feedback/{feedback_type:part}")
async def list_item_feedback_typed(tenant: CanRead, item_id: ItemId, feedback_type: FeedbackType) -> list[dto.Feedback]:
    """Feedback of one type with one item; none where all is of other types."""
    return await _of_item(tenant, item_id, [feedback_type])


async def _of_user(tenant: Tenant, user_id: str, types: Sequence[str] | None) -> list[dto.Feedback]:
    found = await _listed(tenant, lambda store: store.feedback.of_user(user_id, types, now()))
    if not found and not await tenant.read(lambda store: store.feedback.knows_user(user_id)):
        raise unknown_user(user_id)
    return found


async def _of_item(tenant: Tenant, item_id: str, types: Sequence[str] | None) -> list[dto.Feedback]:
    found = await _listed(tenant, lambda store: store.feedback.of_item(item_id, types, now()))
    if not found and not await tenant.read(lambda store: store.feedback.knows_item(item_id)):
        raise unknown_item(item_id)
    return found


async def _page(tenant: Tenant, n: int, cursor: str, types: Sequence[str] | None) -> dto.FeedbackPage:
    key = read_cursor(cursor, 3)
    after = (key[0], key[1], key[2]) if key else None

    rest = await tenant.read(lambda store: store.feedback.page(after, n + 1, types, now()))
    found, more = rest[:n], len(rest) > n
    following = write_cursor(*found[-1].cursor) if found and more else ""
    return dto.FeedbackPage(Cursor=following, Feedback=[rows.feedback_of(row) for row in found])


async def _listed(tenant: Tenant, read: Callable[[SqlStore], list[FeedbackRow]]) -> list[dto.Feedback]:
    return [rows.feedback_of(row) for row in await tenant.read(read)]


async def _deleted(tenant: Tenant, user_id: str, item_id: str, types: Sequence[str] | None) -> dto.RowAffected:
    # Rows are counted as they are listed: several events may be behind one.
    listed = await tenant.read(lambda store: store.feedback.between(user_id, item_id, types))
    events = await tenant.write(lambda writer: writer.delete_feedback(user_id, item_id, types))
    return dto.RowAffected(RowAffected=min(len(listed), events))


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
