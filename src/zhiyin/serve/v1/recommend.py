"""``/v1/recommend``: lists, with reasons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Self

from fastapi import APIRouter, Body, Query, Response
from pydantic import ConfigDict, Field, model_validator

from zhiyin.listing import ListRequest
from zhiyin.serve.auth import CanRead
from zhiyin.serve.documented import CONFLICT
from zhiyin.serve.lists import Listed
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.answer import LIST
from zhiyin.serve.v1.conditions import Where, fitting
from zhiyin.serve.v1.fields import Count, Flag, Id, In, Number, Surface, Words, at_most_one_of, person
from zhiyin.types import DEFAULT_SURFACE

router = APIRouter(prefix="/recommend", tags=["recommend"])


class Wanted(In):
    model_config = ConfigDict(json_schema_extra=at_most_one_of("user_id", "session_id"))

    user_id: Id | None = None
    """For whom; or ``session_id``. Neither: nobody in particular, with ``query`` or without."""
    session_id: Id | None = None
    k: Count = 10
    offset: Annotated[int, Field(ge=0, le=1_000), Number] = 0
    """Items to pass over: the second page of 10 is offset 10."""
    query: Words | None = None
    """A request in words, Chinese or English."""
    exclude: Annotated[tuple[Id, ...], Field(max_length=10_000)] = ()
    """Items that must not come."""
    where: Where | Annotated[list[Where], Field(max_length=20)] | None = None
    """Conditions that every item must hold, as pipeline files have them: {"category": "Books", "price_below": 20}."""
    include_seen: Flag = False
    surface: Surface = DEFAULT_SURFACE
    """Where the list is shown: its pipeline re-ranks."""
    explain: Flag = True
    """Reasons and sources with each item; without them a list is cheaper."""
    trace: Flag = False
    """What each stage of re-ranking did."""
    deadline_ms: Annotated[int, Field(ge=1, le=60_000), Number] | None = None
    """A list that is not ready by then is what is popular, and says so."""

    @model_validator(mode="after")
    def _one_person(self) -> Self:
        if self.user_id is not None and self.session_id is not None:
            raise ValueError("give either user_id or session_id")
        return self


EXAMPLE = {"user_id": "张伟", "k": 5, "where": {"category": "Books"}, "exclude": ["sold out/1"]}


@router.post("", responses={**LIST, **CONFLICT})
async def recommend(
    tenant: CanRead, wanted: Annotated[Wanted, Body(openapi_examples={"five books": {"value": EXAMPLE}})]
) -> Response:
    """The best items for a person, in their order."""
    return await _answer(tenant, wanted)


@router.get("", responses={**LIST, **CONFLICT})
async def recommend_simply(
    tenant: CanRead,
    user_id: Annotated[Id | None, Query(description="For whom; left out, nobody in particular")] = None,
    k: Annotated[int, Query(ge=1, le=1_000, description="Items, at most")] = 10,
    offset: Annotated[int, Query(ge=0, le=1_000, description="Items to pass over")] = 0,
    surface: Annotated[Surface, Query(description="Where the list is shown")] = DEFAULT_SURFACE,
    explain: Annotated[bool, Query(description="Reasons and sources with each item")] = True,
) -> Response:
    """The same for a short question."""
    return await _answer(tenant, Wanted(user_id=user_id, k=k, offset=offset, surface=surface, explain=explain))


async def _answer(tenant: Tenant, wanted: Wanted) -> Response:
    with fitting():
        listed = await tenant.lists.listed(
            request_of(wanted),
            query=wanted.query,
            trace=wanted.trace,
            offset=wanted.offset,
            seconds=None if wanted.deadline_ms is None else wanted.deadline_ms / 1000,
        )
    return Response(numbered(listed), media_type="application/json")


def numbered(listed: Listed) -> bytes:
    """The answer with the number of its impression in front."""
    return b'{"impression_id":"' + listed.impression_id.encode() + b'",' + listed.body[1:]


def request_of(wanted: Wanted) -> ListRequest:
    given = [wanted.where] if isinstance(wanted.where, Mapping) else wanted.where or []
    return ListRequest(
        person(wanted.user_id, wanted.session_id),
        wanted.k,
        wanted.exclude,
        wanted.include_seen,
        wanted.surface,
        tuple(json.dumps(one, ensure_ascii=False, sort_keys=True) for one in given),
        wanted.explain,
    )
