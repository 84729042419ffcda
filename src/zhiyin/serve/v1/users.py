"""``/v1/users``: people, and what the caller knows of them. Nobody needs to be written before their first event."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import Field

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.documented import LONG, MISSING
from zhiyin.serve.v1.fields import MOST, Attributes, Cursor, Id, In, Limit, Out, Put, Removed, UserId
from zhiyin.store.rows import UserRow
from zhiyin.store.writer import Writer

router = APIRouter(prefix="/users", tags=["users"])


class UserIn(In):
    user_id: Id
    attributes: Attributes = Field(default_factory=dict)
    """Any JSON object; "language" (en, zh) is that of profiles."""


class UserPatch(In):
    attributes: Attributes
    """These attributes alone; null takes one away, the others stay."""


class UserOut(Out):
    user_id: str
    attributes: Any


class Users(Out):
    users: list[UserOut]
    missing: list[str]
    """Of the ids asked for, those of nobody."""
    cursor: str | None
    """For the next page; null after the last."""


ANNA = {"user_id": "anna o'neil", "attributes": {"language": "en", "plan": "gold"}}
ZHANG = {"user_id": "张伟", "attributes": {"language": "zh"}}


@router.put("", response_model=Put)
async def put_users(
    tenant: CanWrite,
    users: Annotated[
        Annotated[list[UserIn], Field(max_length=MOST)] | UserIn,
        Body(openapi_examples={"two people": {"value": [ANNA, ZHANG]}, "one": {"value": ZHANG}}),
    ],
) -> Put:
    """Write one person, or up to 10,000. The attributes of a known one are replaced as a whole."""
    given = [users] if isinstance(users, UserIn) else users
    rows = [(one.user_id, json.dumps(one.attributes, ensure_ascii=False)) for one in given]
    written = await tenant.write(lambda writer: writer.set_users(rows))
    return Put(new=written.new, changed=written.changed, same=written.same)


@router.get("", response_model=Users, responses=LONG)
async def get_users(
    tenant: CanRead,
    user_id: Annotated[
        list[Id], Query(default_factory=list, max_length=100, description="These people; given more than once")
    ],
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Users:
    """People by id, or without ids a page of all in order of id."""
    if user_id:
        wanted = list(dict.fromkeys(user_id))
        found = await tenant.read(lambda store: {key: store.rows.user(key) for key in wanted})
        shown = [_out(row) for row in found.values() if row is not None]
        return Users(users=shown, missing=[key for key, row in found.items() if row is None], cursor=None)
    rows = await tenant.read(lambda store: store.rows.users(cursor, limit))
    return Users(users=list(map(_out, rows)), missing=[], cursor=rows[-1].user_id if len(rows) == limit else None)


@router.patch("", response_model=UserOut, responses=MISSING)
async def change_user(
    tenant: CanWrite,
    user_id: UserId,
    change: Annotated[UserPatch, Body(openapi_examples={"plan": {"value": {"attributes": {"plan": None}}}})],
) -> UserOut:
    """Change some attributes of one person."""

    def job(writer: Writer) -> UserRow | None:
        writer.patch_user(user_id, change.attributes)
        return writer.user(user_id)

    row = await tenant.write(job)
    if row is None:
        raise _unknown(user_id)
    return _out(row)


@router.delete("", response_model=Removed, responses=MISSING)
async def delete_user(tenant: CanWrite, user_id: UserId) -> Removed:
    """Delete a person with events, links, lists shown, profile and edits. Where somebody asks to be forgotten, use
    DELETE /v1/person, which sees to logs and trained models too."""
    gone = await tenant.write(lambda writer: writer.delete_user(user_id))
    if not gone:
        raise _unknown(user_id)
    return Removed(rows=gone)


def _out(row: UserRow) -> UserOut:
    return UserOut(user_id=row.user_id, attributes=json.loads(row.attributes))


def _unknown(user_id: str) -> NotThere:
    return NotThere(f"nobody goes by '{user_id}'", where="user_id", fix="write them with PUT /v1/users")
