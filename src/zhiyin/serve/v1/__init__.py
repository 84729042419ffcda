"""``/v1``: our own API, one file per resource."""

from __future__ import annotations

from fastapi import APIRouter

from zhiyin.serve.v1 import events, recommend

router = APIRouter()
for resource in (events, recommend):
    router.include_router(resource.router)
