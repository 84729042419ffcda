"""``/api/recommend``: a person's list."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import Header, Query, Request, Response

from zhiyin.answers import Recommendation
from zhiyin.events.cells import LONGEST_ID
from zhiyin.listing import ListRequest
from zhiyin.serve.auth import CanRead, check
from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.lists import POPULAR, everybody
from zhiyin.serve.gorse.routing import (
    DEFAULT_N,
    Categories,
    Category,
    N,
    Offset,
    UserId,
    make_router,
    wanted,
)
from zhiyin.serve.gorse.stamps import DURATION, read_duration
from zhiyin.serve.keys import Scope
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.texts import TEXT
from zhiyin.store.appending import EventRow

router = make_router("recommendation")

SCORES = "2"
"""Version of the API from which on scores come along."""

WriteBackType = Annotated[
    str,
    Query(
        alias="write-back-type",
        max_length=LONGEST_ID,
        pattern=TEXT,
        description="Feedback of this type is written for every item returned; needs a key that may write",
    ),
]
WriteBackDelay = Annotated[
    str,
    Query(
        alias="write-back-delay",
        max_length=100,
        pattern=DURATION,
        description="... with a time so much later, as 10m or 1h30m: until then the items may come again",
    ),
]
Version = Annotated[str, Header(alias="X-API-Version", description="2: scores come along")]

LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Ids; with X-API-Version 2 also scores",
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"type": "array", "items": {"type": "string"}},
                        {"type": "array", "items": {"$ref": "#/components/schemas/Score"}},
                    ]
                }
            }
        },
    }
}


def ids(told: Recommendation) -> bytes:
    return orjson.dumps([one.item_id for one in told.items])


def scores(told: Recommendation) -> bytes:
    return orjson.dumps([{"Id": one.item_id, "Score": one.score} for one in told.items])


@router.get("/recommend/{user_id:part}", response_class=Response, responses=LISTED)
async def recommend(
    tenant: CanRead,
    request: Request,
    user_id: UserId,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    category: Categories = None,
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "",
    version: Version = "1",
) -> Response:
    """The best items for a user, without what the user had. For somebody unknown it is what is popular."""
    if write_back_type:
        check(request.state.caller, Scope.WRITE)
    body = await _listed(tenant, user_id, n, offset, wanted(category), version == SCORES)
    if write_back_type:
        told = orjson.loads(body)
        keys = [one["Id"] if isinstance(one, dict) else one for one in told]
        await _write_back(tenant, user_id, keys, write_back_type, read_duration(write_back_delay))
    return Response(body, media_type="application/json")


@router.get("/recommend/{user_id:part}/{category:part}", response_class=Response, responses=LISTED)
async def recommend_in(
    tenant: CanRead,
    request: Request,
    user_id: UserId,
    category: Category,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    write_back_type: WriteBackType = "",
    write_back_delay: WriteBackDelay = "",
    version: Version = "1",
) -> Response:
    """The same of one category."""
    return await recommend(tenant, request, user_id, n, offset, [category], write_back_type, write_back_delay, version)


@router.get("/collaborative-filtering/{user_id:part}")
async def collaborative(
    tenant: CanRead, user_id: UserId, n: N = DEFAULT_N, offset: Offset = 0, category: Categories = None
) -> list[dto.Score]:
    """The same list with scores: here one combination of models makes it, collaborative ones among them."""
    return [dto.Score(**one) for one in orjson.loads(await _listed(tenant, user_id, n, offset, wanted(category), True))]


async def _listed(
    tenant: Tenant, user_id: str, n: int, offset: int, categories: Sequence[str], with_scores: bool
) -> bytes:
    if not n:
        return b"[]"
    if categories and tenant.live.ready and tenant.live.bundle is None:
        # Nothing is trained that could hold conditions against items.
        told = await everybody(tenant, POPULAR, n, offset, categories, user_id)
        return orjson.dumps([one.model_dump() if with_scores else one.Id for one in told])
    where = tuple(json.dumps({"category": one}, ensure_ascii=False) for one in categories)
    asked = ListRequest(user_id, n, had=True, where=where, reasons=False)
    return (await tenant.lists.listed(asked, scores if with_scores else ids, offset=offset)).body


async def _write_back(tenant: Tenant, user_id: str, item_ids: Sequence[str], kind: str, delay: int) -> None:
    stamp = time.time_ns() // 1000 + delay
    events = [EventRow(uuid.uuid4().hex, user_id, key, kind, None, stamp) for key in item_ids]
    await tenant.write(lambda writer: writer.add_events(events))
