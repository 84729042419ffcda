"""What the routes of ``/api`` share: status codes, paging parameters, and the form of their errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from zhiyin.errors import UsageError
from zhiyin.events.cells import LONGEST_ID
from zhiyin.serve.documented import answers
from zhiyin.serve.texts import TEXT

DEFAULT_N = 10
MOST = 10_000
"""Rows in one answer."""


# "4XX" stands in for the 422 that would be added: what is wrong with a request is a 400 here.
FAULTS = answers(400, 401, 403, 404, 429, 503) | {"4XX": {"description": "Another fault of the request"}}


class _Route(APIRoute):
    """A request that does not fit what is documented is answered by 400, as Gorse does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as invalid:
                first = invalid.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                fix = "see /docs, or /openapi.json, for what this address takes"
                raise UsageError(str(first["msg"]), where=where, fix=fix) from None

        return handler


def make_router(tag: str) -> APIRouter:
    return APIRouter(tags=[f"gorse: {tag}"], route_class=_Route, responses=FAULTS)


N = Annotated[int, Query(ge=0, le=MOST, description="How many are returned at most")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="How many are passed over first")]
Categories = Annotated[
    list[Annotated[str, Query(max_length=LONGEST_ID, pattern=TEXT)]] | None,
    Query(alias="category", description="Only items of this category; given more than once, of all of them"),
]
Reader = Annotated[
    str | None,
    Query(alias="user-id", max_length=LONGEST_ID, pattern=TEXT, description="Leaves out what this person has had"),
]
UserId = Annotated[str, Path(max_length=LONGEST_ID, description="Any text, escaped")]
ItemId = Annotated[str, Path(max_length=LONGEST_ID, description="Any text, escaped")]
FeedbackType = Annotated[str, Path(max_length=LONGEST_ID)]
Category = Annotated[str, Path(max_length=LONGEST_ID)]


def wanted(categories: list[str] | None, category: str | None = None) -> list[str]:
    """Categories asked for; an empty one asks for none."""
    return [one for one in ([category] if category else []) + (categories or []) if one]
