"""``/v1/sessions``: whoever was anonymous logs in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from zhiyin.serve.auth import CanWrite
from zhiyin.serve.v1.fields import SESSION, Id, In, Out

router = APIRouter(prefix="/sessions", tags=["sessions"])


class Merge(In):
    session_id: Id
    user_id: Id


class Merged(Out):
    moved: dict[str, int]
    """Rows that are the person's now, by table; empty where nothing was known of the session, or it was merged
    before."""


EXAMPLE = {"session_id": "cookie/7f3a", "user_id": "张伟"}


@router.post("/merge", response_model=Merged)
async def merge_session(
    tenant: CanWrite, given: Annotated[Merge, Body(openapi_examples={"log in": {"value": EXAMPLE}})]
) -> Merged:
    """An anonymous session's events, lists and wishes become the person's: in one piece, at once, and once. Nothing is
    known under the session's own name afterwards."""
    source = SESSION + given.session_id
    # What was shown a moment ago is noted first, or it would be noted under the session's name.
    tenant.live.shown.flush()
    return Merged(moved=await tenant.write(lambda writer: writer.merge_people(source, given.user_id)))
