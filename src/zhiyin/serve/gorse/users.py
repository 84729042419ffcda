"""``/api/user``, ``/api/users``."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.gorse import dto, rows
from zhiyin.serve.gorse.cursor import Cursor, read_cursor, write_cursor
from zhiyin.serve.gorse.routing import DEFAULT_N, MOST, N, UserId, make_router

router = make_router("users")


@router.post("/user")
async def insert_user(tenant: CanWrite, user: dto.UserIn) -> dto.RowAffected:
    """Insert a user; one who is there is written over."""
    return await insert_users(tenant, [user])


@router.post("/users")
async def insert_users(tenant: CanWrite, users: Annotated[list[dto.UserIn], Body(max_length=MOST)]) -> dto.RowAffected:
    """Insert users; those who are there are written over."""
    await tenant.write(lambda writer: rows.put_users(writer, users))
    return dto.RowAffected(RowAffected=len(users))


@router.get("/users")
async def list_users(tenant: CanRead, n: N = DEFAULT_N, cursor: Cursor = "") -> dto.UserPage:
    """Users in order of id, a page at a time."""
    after = read_cursor(cursor, 1)
    found = await tenant.read(lambda store: store.rows.users(after[0] if after else None, n + 1))
    page = found[:n]
    more = write_cursor(page[-1].user_id) if page and len(found) > n else ""
    return dto.UserPage(Cursor=more, Users=[rows.user_of(row) for row in page])


@router.get("/user/{user_id:part}")
async def get_user(tenant: CanRead, user_id: UserId) -> dto.User:
    """One user. 404 for somebody unknown."""
    found = await tenant.read(lambda store: store.rows.user(user_id))
    if found is None:
        raise unknown_user(user_id)
    return rows.user_of(found)


@router.patch("/user/{user_id:part}")
async def modify_user(tenant: CanWrite, user_id: UserId, patch: dto.UserPatch) -> dto.RowAffected:
    """Change what is given; null leaves a field as it is. Of somebody unknown no row is affected."""
    known = await tenant.write(lambda writer: rows.patch_user(writer, user_id, patch))
    return dto.RowAffected(RowAffected=int(known))


@router.delete("/user/{user_id:part}")
async def delete_user(tenant: CanWrite, user_id: UserId) -> dto.RowAffected:
    """Delete a user with all feedback. Of somebody unknown no row is affected."""
    gone = await tenant.write(lambda writer: writer.delete_user(user_id))
    return dto.RowAffected(RowAffected=gone.get("users", 0))


def unknown_user(user_id: str) -> NotThere:
    return NotThere(f"no user '{user_id}'", where="user_id", fix="check the id, or insert the user first")
