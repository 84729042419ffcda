"""``/api/item``, ``/api/items``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Body, Query

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.gorse import dto, rows
from zhiyin.serve.gorse.cursor import Cursor, read_cursor, write_cursor
from zhiyin.serve.gorse.routing import DEFAULT_N, MOST, Category, ItemId, N, make_router
from zhiyin.serve.texts import TEXT
from zhiyin.store.finding import items_with_words
from zhiyin.store.writer import Writer

router = make_router("items")

Words = Annotated[str, Query(max_length=1_000, pattern=TEXT, description="Only items whose id or text holds this")]


@router.post("/item")
async def insert_item(tenant: CanWrite, item: dto.ItemIn) -> dto.RowAffected:
    """Insert an item; one that is there is written over."""
    return await insert_items(tenant, [item])


@router.post("/items")
async def insert_items(tenant: CanWrite, items: Annotated[list[dto.ItemIn], Body(max_length=MOST)]) -> dto.RowAffected:
    """Insert items; those that are there are written over."""
    await tenant.write(lambda writer: rows.put_items(writer, items))
    return dto.RowAffected(RowAffected=len(items))


@router.get("/items")
async def list_items(tenant: CanRead, n: N = DEFAULT_N, cursor: Cursor = "", q: Words = "") -> dto.ItemPage:
    """Items in order of id, hidden ones too, a page at a time."""
    key = read_cursor(cursor, 1)
    after = key[0] if key else None
    found = await tenant.read(
        lambda store: items_with_words(store, q, after, n + 1) if q else store.rows.items(after, n + 1)
    )
    page = found[:n]
    more = write_cursor(page[-1].item_id) if page and len(found) > n else ""
    return dto.ItemPage(Cursor=more, Items=[rows.item_of(row) for row in page])


@router.get("/item/{item_id:part}")
async def get_item(tenant: CanRead, item_id: ItemId) -> dto.Item:
    """One item. 404 for one that is unknown."""
    found = await tenant.read(lambda store: store.rows.item(item_id))
    if found is None:
        raise unknown_item(item_id)
    return rows.item_of(found)


@router.patch("/item/{item_id:part}")
async def modify_item(tenant: CanWrite, item_id: ItemId, patch: dto.ItemPatch) -> dto.RowAffected:
    """Change what is given; null leaves a field as it is. Of an unknown item no row is affected."""
    known = await tenant.write(lambda writer: rows.patch_item(writer, item_id, patch))
    return dto.RowAffected(RowAffected=int(known))


@router.delete("/item/{item_id:part}")
async def delete_item(tenant: CanWrite, item_id: ItemId) -> dto.RowAffected:
    """Delete an item with its feedback. Of an unknown item no row is affected."""
    gone = await tenant.write(lambda writer: writer.delete_item(item_id))
    return dto.RowAffected(RowAffected=gone.get("items", 0))


@router.put("/item/{item_id:part}/category/{category:part}")
async def insert_item_category(tenant: CanWrite, item_id: ItemId, category: Category) -> dto.RowAffected:
    """Put the item into a category as well. 404 for an unknown item."""
    return await _with_categories(tenant, item_id, lambda own: own if category in own else [*own, category])


@router.delete("/item/{item_id:part}/category/{category:part}")
async def delete_item_category(tenant: CanWrite, item_id: ItemId, category: Category) -> dto.RowAffected:
    """Take the item out of a category. 404 for an unknown item."""
    return await _with_categories(tenant, item_id, lambda own: [one for one in own if one != category])


async def _with_categories(tenant: CanWrite, item_id: str, change: Callable[[list[str]], list[str]]) -> dto.RowAffected:
    def write(writer: Writer) -> bool:
        known = writer.item(item_id)
        return known is not None and writer.patch_item(item_id, {"categories": change(known.categories)})

    if not await tenant.write(write):
        raise unknown_item(item_id)
    return dto.RowAffected(RowAffected=1)


def unknown_item(item_id: str) -> NotThere:
    return NotThere(f"no item '{item_id}'", where="item_id", fix="check the id, or insert the item first")
