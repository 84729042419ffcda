"""``/v1``: our own API, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from zhiyin.serve.documented import EVERYWHERE
from zhiyin.serve.v1 import (
    ads,
    audit,
    bundles,
    circles,
    events,
    experiments,
    explain,
    impressions,
    items,
    links,
    llm,
    meta,
    moderation,
    pages,
    person,
    profile,
    recommend,
    sessions,
    similar,
    topics,
    training,
    users,
    writing,
)


def _name(route: APIRoute) -> str:
    """Operations go by the names of their functions, which clients generated from the description call."""
    return route.name


router = APIRouter(responses=EVERYWHERE, generate_unique_id_function=_name)
for resource in (
    meta,
    events,
    impressions,
    recommend,
    similar,
    explain,
    profile,
    sessions,
    items,
    users,
    links,
    circles,
    person,
    bundles,
    training,
    experiments,
    ads,
    topics,
    writing,
    pages,
    llm,
    moderation,
    audit,
):
    router.include_router(resource.router)
