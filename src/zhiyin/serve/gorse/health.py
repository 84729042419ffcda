"""``/api/health``: whether this process runs, and whether it can answer. No key is asked for."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from zhiyin.errors import StoreError
from zhiyin.serve.gorse import dto
from zhiyin.serve.tenants import Tenant, Tenants

router = APIRouter(tags=["gorse: health"])


@router.get("/health/live")
async def live(request: Request) -> dto.Health:
    """Answers as long as the process runs."""
    return await health(_default(request))


@router.get("/health/ready", responses={503: {"model": dto.Health, "description": "Not yet, or not for now"}})
async def ready(request: Request) -> JSONResponse:
    """503 until the engine is loaded, and while the store cannot be reached."""
    told = await health(_default(request))
    return JSONResponse(told.model_dump(), 200 if told.Ready else 503, None if told.Ready else {"Retry-After": "1"})


async def health(tenant: Tenant) -> dto.Health:
    """The engine and what it keeps stand where Gorse has a cache store."""
    try:
        await asyncio.to_thread(tenant.store.changes.mark)
        failure = None
    except StoreError as refused:
        failure = refused.what
    loaded = tenant.live.ready
    return dto.Health(
        Ready=failure is None and loaded,
        DataStoreError=failure,
        CacheStoreError=None if loaded else "the engine is being loaded",
        DataStoreConnected=failure is None,
        CacheStoreConnected=loaded,
    )


def _default(request: Request) -> Tenant:
    tenants: Tenants = request.app.state.tenants
    return tenants.default
