"""Items that go with an item, and people whose histories are alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from zhiyin.answers import Recommended
from zhiyin.errors import ModelError, NotThere, UnknownItem
from zhiyin.serve.auth import CanRead
from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.crowds import counted
from zhiyin.serve.gorse.lists import shown
from zhiyin.serve.gorse.routing import (
    DEFAULT_N,
    MOST,
    Categories,
    Category,
    ItemId,
    N,
    Offset,
    Reader,
    UserId,
    make_router,
    wanted,
)
from zhiyin.serve.tenants import Tenant
from zhiyin.store.sql import SqlStore

if TYPE_CHECKING:
    from zhiyin.recommend import Engine

router = make_router("recommendation")

NAME = "neighbors"
"""The one recommender of each kind there is."""


@router.get("/item/{item_id:part}/neighbors")
async def item_neighbours(
    tenant: CanRead,
    item_id: ItemId,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    category: Categories = None,
    user_id: Reader = None,
) -> list[dto.Score]:
    """Items that go with the item most of all. 404 for an unknown item; none before the first training."""
    return await _items(tenant, item_id, n, offset, wanted(category), user_id)


@router.get("/item/{item_id:part}/neighbors/{category:part}")
async def item_neighbours_in(
    tenant: CanRead,
    item_id: ItemId,
    category: Category,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    user_id: Reader = None,
) -> list[dto.Score]:
    """The same of one category."""
    return await _items(tenant, item_id, n, offset, [category], user_id)


@router.get("/item-to-item/{name:part}/{item_id:part}")
async def item_to_item(
    tenant: CanRead,
    name: Category,
    item_id: ItemId,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    category: Categories = None,
    user_id: Reader = None,
) -> list[dto.Score]:
    """The same by the recommender's name, which is ``neighbors``. 404 for any other."""
    _check(name)
    return await _items(tenant, item_id, n, offset, wanted(category), user_id)


@router.get("/user/{user_id:part}/neighbors")
async def user_neighbours(tenant: CanRead, user_id: UserId, n: N = DEFAULT_N, offset: Offset = 0) -> list[dto.Score]:
    """People whose histories are most like the user's; the score is the likeness. 404 for somebody unknown."""
    return await _people(tenant, user_id, n, offset)


@router.get("/user-to-user/{name:part}/{user_id:part}")
async def user_to_user(
    tenant: CanRead, name: Category, user_id: UserId, n: N = DEFAULT_N, offset: Offset = 0
) -> list[dto.Score]:
    """The same by the recommender's name, which is ``neighbors``. 404 for any other."""
    _check(name)
    return await _people(tenant, user_id, n, offset)


async def _items(
    tenant: Tenant, item_id: str, n: int, offset: int, categories: Sequence[str], user_id: str | None
) -> list[dto.Score]:
    if await tenant.read(lambda store: store.rows.item(item_id)) is None:
        raise NotThere(f"no item '{item_id}'", where="item_id", fix="check the id, or insert the item first")
    if not n or (tenant.live.ready and tenant.live.bundle is None):
        return []
    picky = bool(categories or user_id)
    found = await tenant.live.ask(
        lambda engine: _similar(engine, item_id, MOST if picky else n + offset), tenant.settings.serve.deadline_seconds
    )
    ranked = [(one.item_id, one.score) for one in found]

    def read(store: SqlStore) -> list[dto.Score]:
        had = set(store.events_of([user_id]).item_id) if user_id else set()
        return shown(store, ranked, n, offset, categories, had)

    return await tenant.read(read)


def _similar(engine: Engine, item_id: str, k: int) -> list[Recommended]:
    """None for an item that came after training and whose text says nothing, or came so lately that the engine has not
    taken it in."""
    try:
        return engine.similar(item_id, k)
    except (ModelError, UnknownItem):
        return []


async def _people(tenant: Tenant, user_id: str, n: int, offset: int) -> list[dto.Score]:
    def read(store: SqlStore) -> list[dto.Score] | None:
        if store.rows.user(user_id) is None:
            return None
        own = store.events(user_id)
        found = counted(tenant).crowd(store).alike(user_id, own, MOST, time.time_ns() // 1000)
        # Somebody may have been deleted since the crowd was counted.
        there = (dto.Score(Id=key, Score=score) for key, score in found if store.rows.user(key) is not None)
        return list(islice(there, offset, offset + n))

    told = await tenant.read(read)
    if told is None:
        raise NotThere(f"no user '{user_id}'", where="user_id", fix="check the id, or insert the user first")
    return told


def _check(name: str) -> None:
    if name != NAME:
        raise NotThere(f"no recommender '{name}'", where="name", fix=f"ask for '{NAME}'")
