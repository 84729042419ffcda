"""``/v1/similar``: items that go with an item, whoever asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from zhiyin.answers import Recommended
from zhiyin.errors import Conflict
from zhiyin.recommend import Engine
from zhiyin.serve.auth import CanRead
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.v1.conditions import fitting
from zhiyin.serve.v1.fields import Id, ItemId, Out, Surface

router = APIRouter(prefix="/similar", tags=["recommend"])


Kind = Literal["similar", "complementary"]
Cart = Annotated[
    list[Id],
    Query(default_factory=list, max_length=100, alias="with", description="Further items of a cart"),
]


class Similar(Out):
    item_id: str
    kind: Kind
    bundle: str
    items: list[Recommended]


@router.get("", response_model=Similar, responses=MISSING | CONFLICT)
async def similar_items(
    tenant: CanRead,
    item_id: ItemId,
    also: Cart,
    k: Annotated[int, Query(ge=1, le=1_000, description="Items, at most")] = 10,
    kind: Annotated[Kind, Query(description="What stands in its place, or what is bought with it")] = "similar",
    surface: Annotated[
        Surface | None, Query(description="Pipeline that re-ranks complementary items; else complementary or cart")
    ] = None,
) -> Any:
    """Items like ``item_id``, with what they share; or items that are bought with it and are not looked at in its
    place, with how many did so. Several items (with=) are a cart."""
    if kind == "similar" and (also or surface is not None):
        raise Conflict("a cart and a surface are for complementary items", where="with", fix="send kind=complementary")

    def job(engine: Engine) -> Similar:
        if kind == "similar":
            items = engine.similar(item_id, k)
        else:
            items = engine.goes_with([item_id, *also], k, surface=surface)
        return Similar(item_id=item_id, kind=kind, bundle=engine.bundle.manifest.name, items=items)

    with fitting():
        return await tenant.live.ask(job)
