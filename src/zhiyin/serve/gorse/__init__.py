"""``/api``: the REST of Gorse, so that its clients work unchanged, one file per resource.

By its public documentation (https://gorse.io/docs/api/restful-api.html); ``docs/gorse.md`` says where we differ.
"""

from __future__ import annotations

from fastapi import APIRouter

from zhiyin.serve.gorse import (
    bulk,
    feedback,
    health,
    items,
    lists,
    measurements,
    neighbours,
    recommend,
    session,
    users,
)

router = APIRouter()
for _module in (users, items, feedback, bulk, recommend, session, lists, neighbours, measurements, health):
    router.include_router(_module.router)

__all__ = ["router"]
