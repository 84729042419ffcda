"""``/v1/bundles``: trained bundles. Another one is served without a request lost."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body

from zhiyin.bundle import FOLDER, use
from zhiyin.errors import BundleError, Conflict, NotThere
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.fields import Id, In, Out
from zhiyin.store.sql import SqlStore

router = APIRouter(prefix="/bundles", tags=["bundles"])


class BundleOut(Out):
    name: str
    created: int
    """Microseconds since 1970, UTC."""
    served: bool
    model: str
    """The model that orders."""
    metrics: dict[str, Any]
    """As measured in training."""
    counts: dict[str, int]
    """What it was trained on: people, items, events."""


class Bundles(Out):
    bundles: list[BundleOut]
    """Newest first."""
    answering: str | None
    """The bundle that answers in this process: for a moment after a change it is still the one before. Null where
    nothing is trained."""


class Choice(In):
    name: Id


class Served(Out):
    served: str
    before: str | None


@router.get("", response_model=Bundles)
async def list_bundles(tenant: CanRead) -> Bundles:
    """Every bundle that is kept."""
    rows = await tenant.read(_rows)
    return Bundles(bundles=list(map(_out, rows)), answering=tenant.live.bundle)


@router.post("/use", response_model=Served, responses=MISSING | CONFLICT)
async def use_bundle(
    tenant: CanAdmin,
    audits: Audits,
    choice: Annotated[Choice, Body(openapi_examples={"one": {"value": {"name": "20261126-070000-ab12"}}})],
) -> Served:
    """Serve another bundle, once all its files are found whole. Every process takes it up within a second or two."""
    rows = await tenant.read(_rows)
    if choice.name not in {row["name"] for row in rows}:
        raise NotThere(f"no bundle '{choice.name}'", where="name", fix="see GET /v1/bundles")
    return await _serve(tenant, audits, "bundles.use", choice.name, rows)


@router.post("/rollback", response_model=Served, responses=CONFLICT)
async def roll_back(tenant: CanAdmin, audits: Audits) -> Served:
    """Serve the newest bundle that is older than the one served."""
    rows = await tenant.read(_rows)
    served = _served(rows)
    older = [row["name"] for row in rows if served is not None and row["created"] < served["created"]]
    if not older:
        raise Conflict("there is no older bundle", fix="see GET /v1/bundles, or train")
    return await _serve(tenant, audits, "bundles.rollback", older[0], rows)


async def _serve(tenant: Tenant, audits: Audits, action: str, name: str, rows: list[dict[str, Any]]) -> Served:
    before = _served(rows)
    await audits.write(action, name, before=None if before is None else before["name"])
    try:
        await tenant.read(lambda store: use(store, tenant.project / FOLDER, name))
    except BundleError as damaged:
        raise Conflict(damaged.what, where=name, fix=damaged.fix) from damaged
    return Served(served=name, before=None if before is None else str(before["name"]))


def _rows(store: SqlStore) -> list[dict[str, Any]]:
    return store.bundles().to_dicts()


def _served(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((row for row in rows if row["active"]), None)


def _out(row: dict[str, Any]) -> BundleOut:
    told = json.loads(row["manifest"])
    return BundleOut(
        name=row["name"],
        created=row["created"],
        served=bool(row["active"]),
        model=str(told.get("served", "")),
        metrics=told.get("metrics", {}),
        counts=told.get("counts", {}),
    )
