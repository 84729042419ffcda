"""``/v1/items``: what can be recommended. A new item is read and can be recommended within seconds; one that is hidden
or deleted is in no list from then on."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import Field

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.documented import LONG, MISSING
from zhiyin.serve.v1.fields import (
    MOST,
    Attributes,
    Category,
    Cursor,
    Flag,
    Id,
    In,
    ItemId,
    Limit,
    LongText,
    Micros,
    Out,
    Put,
    Removed,
    Title,
)
from zhiyin.store.rows import ItemRow
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

router = APIRouter(prefix="/items", tags=["items"])

Categories = Annotated[list[Category], Field(max_length=1_000)]


class ItemIn(In):
    item_id: Id
    title: Title | None = None
    description: LongText | None = None
    categories: Categories = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    """Any JSON object; pipeline files and conditions know its names: price, stock, ..."""
    time: Micros | None = None
    """When it was made, in microseconds UTC."""
    hidden: Flag = False
    """A hidden item stays, with its events, and is in no list."""


class ItemPatch(In):
    """What is left out stays; null empties a field, and takes an attribute away."""

    title: Title | None = None
    description: LongText | None = None
    categories: Categories | None = None
    attributes: Attributes | None = None
    """These attributes alone; the others stay."""
    time: Micros | None = None
    hidden: Flag = False


class ItemOut(Out):
    item_id: str
    title: str | None
    description: str | None
    categories: list[str]
    attributes: Any
    time: int | None
    hidden: bool


class Items(Out):
    items: list[ItemOut]
    missing: list[str]
    """Of the ids asked for, those of no item."""
    cursor: str | None
    """For the next page; null after the last."""


TEA = {
    "item_id": "茶/龙井 50g",
    "title": "西湖龙井 50g",
    "categories": ["茶", "绿茶"],
    "attributes": {"price": 68, "origin": "杭州"},
}
BOOK = {"item_id": "isbn/978-0140449136", "title": "The Odyssey", "description": "Epic poem", "categories": ["Books"]}


@router.put("", response_model=Put)
async def put_items(
    tenant: CanWrite,
    items: Annotated[
        Annotated[list[ItemIn], Field(max_length=MOST)] | ItemIn,
        Body(openapi_examples={"two items": {"value": [TEA, BOOK]}, "one": {"value": TEA}}),
    ],
) -> Put:
    """Write one item, or up to 10,000. A known item is replaced as a whole."""
    given = [items] if isinstance(items, ItemIn) else items
    rows = [
        (one.item_id, one.title, one.description, one.categories, _text(one.attributes), one.time, one.hidden)
        for one in given
    ]
    written = await tenant.write(lambda writer: writer.set_items(rows))
    return Put(new=written.new, changed=written.changed, same=written.same)


@router.get("", response_model=Items, responses=LONG)
async def get_items(
    tenant: CanRead,
    item_id: Annotated[
        list[Id], Query(default_factory=list, max_length=100, description="These items; given more than once")
    ],
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Items:
    """Items by id, or without ids a page of all in order of id."""
    if item_id:
        wanted = list(dict.fromkeys(item_id))
        found = await tenant.read(lambda store: {key: _read(store, key) for key in wanted})
        shown = [_out(row) for row in found.values() if row is not None]
        return Items(items=shown, missing=[key for key, row in found.items() if row is None], cursor=None)
    rows = await tenant.read(lambda store: store.rows.items(cursor, limit))
    return Items(items=list(map(_out, rows)), missing=[], cursor=rows[-1].item_id if len(rows) == limit else None)


@router.patch("", response_model=ItemOut, responses=MISSING)
async def change_item(
    tenant: CanWrite,
    item_id: ItemId,
    change: Annotated[
        ItemPatch,
        Body(openapi_examples={"hide": {"value": {"hidden": True}}, "price": {"value": {"attributes": {"price": 59}}}}),
    ],
) -> ItemOut:
    """Change some fields of one item."""
    fields = {name: getattr(change, name) for name in change.model_fields_set - {"attributes"}}
    if fields.get("categories", []) is None:
        fields["categories"] = []

    def job(writer: Writer) -> ItemRow | None:
        writer.patch_item(item_id, fields, change.attributes)
        return writer.item(item_id)

    row = await tenant.write(job)
    if row is None:
        raise _unknown(item_id)
    return _out(row)


@router.delete("", response_model=Removed, responses=MISSING)
async def delete_item(tenant: CanWrite, item_id: ItemId) -> Removed:
    """Delete an item with its events."""
    gone = await tenant.write(lambda writer: writer.delete_item(item_id))
    if not gone:
        raise _unknown(item_id)
    return Removed(rows=gone)


def _read(store: SqlStore, item_id: str) -> ItemRow | None:
    return store.rows.item(item_id)


def _text(attributes: dict[str, Any]) -> str:
    return json.dumps(attributes, ensure_ascii=False)


def _out(row: ItemRow) -> ItemOut:
    return ItemOut(**row._asdict() | {"attributes": json.loads(row.attributes)})


def _unknown(item_id: str) -> NotThere:
    return NotThere(f"no item '{item_id}'", where="item_id", fix="write it with PUT /v1/items")
