"""``/v1/similar``: items that go with an item, whoever asks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from zhiyin.answers import Recommended
from zhiyin.recommend import Engine
from zhiyin.serve.auth import CanRead
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.v1.conditions import fitting
from zhiyin.serve.v1.fields import ItemId, Out

router = APIRouter(prefix="/similar", tags=["recommend"])


class Similar(Out):
    item_id: str
    bundle: str
    items: list[Recommended]


@router.get("", response_model=Similar, responses=MISSING | CONFLICT)
async def similar_items(
    tenant: CanRead, item_id: ItemId, k: Annotated[int, Query(ge=1, le=1_000, description="Items, at most")] = 10
) -> Any:
    """Items that go with ``item_id`` most of all, with what they share."""

    def job(engine: Engine) -> Similar:
        return Similar(item_id=item_id, bundle=engine.bundle.manifest.name, items=engine.similar(item_id, k))

    with fitting():
        return await tenant.live.ask(job)
