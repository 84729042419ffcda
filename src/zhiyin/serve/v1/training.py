"""``/v1/training``: train now, see what it is at, stop it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from zhiyin.errors import Conflict, UsageError
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead
from zhiyin.serve.documented import CONFLICT
from zhiyin.serve.retraining import Retraining
from zhiyin.serve.v1.fields import Flag, In, Out

router = APIRouter(prefix="/training", tags=["bundles"])


class Start(In):
    search: Flag = True
    """Search hyper-parameters again; without it the defaults are taken, which is quicker."""


class State(Out):
    running: bool
    """Here, or in another process over the same store."""
    reason: str | None
    """Why this process started it; null where it did not."""
    since: int | None
    """Microseconds since 1970, UTC."""
    last: dict[str, Any] | None
    """What came of the one before: promoted, kept (the old bundle stayed) or failed, and why."""


@router.get("", response_model=State)
async def get_training(tenant: CanRead, request: Request) -> Any:
    """Whether a training runs, and what came of the last."""
    return await asyncio.to_thread(_retraining(request).state, tenant)


@router.post("/start", response_model=State, responses=CONFLICT)
async def start_training(
    tenant: CanAdmin,
    audits: Audits,
    request: Request,
    start: Annotated[Start, Body(openapi_examples={"quick": {"value": {"search": False}}})],
) -> Any:
    """Train in a process of its own. The new bundle is served only where it is better on the newest events."""
    retraining = _retraining(request)
    await audits.write("training.start", search=start.search)
    try:
        await asyncio.to_thread(retraining.start, tenant, "asked for", search=start.search)
    except UsageError as running:
        raise Conflict(running.what, fix=running.fix) from running
    return await asyncio.to_thread(retraining.state, tenant)


@router.post("/stop", response_model=State, responses=CONFLICT)
async def stop_training(tenant: CanAdmin, audits: Audits, request: Request) -> Any:
    """Stop the training that this process started. What is served stays."""
    retraining = _retraining(request)
    await audits.write("training.stop")
    if not await asyncio.to_thread(retraining.stop, tenant):
        raise Conflict("no training that this process started", fix="see GET /v1/training; another process may run it")
    return await asyncio.to_thread(retraining.state, tenant)


def _retraining(request: Request) -> Retraining:
    found: Retraining = request.app.state.retraining
    return found
