"""``/api/latest``, ``/api/popular``, ``/api/non-personalized/{name}``: lists that are the same for everybody."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from zhiyin.errors import NotThere
from zhiyin.serve.auth import CanRead
from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.crowds import counted
from zhiyin.serve.gorse.routing import DEFAULT_N, Categories, Category, N, Offset, Reader, make_router, wanted
from zhiyin.serve.gorse.stamps import FIRST
from zhiyin.serve.tenants import Tenant
from zhiyin.store.finding import latest_items, shown_among
from zhiyin.store.sql import SqlStore

router = make_router("recommendation")

LATEST, POPULAR, TRENDING = NAMES = ("latest", "popular", "trending")
AT_ONCE = 2_000
"""Items of a ranking that are looked up at a time."""


@router.get("/latest")
async def latest(
    tenant: CanRead, n: N = DEFAULT_N, offset: Offset = 0, category: Categories = None, user_id: Reader = None
) -> list[dto.Score]:
    """The newest items; the score is the time in seconds since 1970."""
    return await everybody(tenant, LATEST, n, offset, wanted(category), user_id)


@router.get("/latest/{category:part}")
async def latest_in(
    tenant: CanRead, category: Category, n: N = DEFAULT_N, offset: Offset = 0, user_id: Reader = None
) -> list[dto.Score]:
    """The newest items of a category."""
    return await everybody(tenant, LATEST, n, offset, [category], user_id)


@router.get("/popular")
async def popular(
    tenant: CanRead, n: N = DEFAULT_N, offset: Offset = 0, category: Categories = None, user_id: Reader = None
) -> list[dto.Score]:
    """What most people took of late; the score is their number, weighted by what they did."""
    return await everybody(tenant, POPULAR, n, offset, wanted(category), user_id)


@router.get("/popular/{category:part}")
async def popular_in(
    tenant: CanRead, category: Category, n: N = DEFAULT_N, offset: Offset = 0, user_id: Reader = None
) -> list[dto.Score]:
    """What most people took of a category of late."""
    return await everybody(tenant, POPULAR, n, offset, [category], user_id)


@router.get("/non-personalized/{name:part}")
async def non_personalized(
    tenant: CanRead,
    name: Category,
    n: N = DEFAULT_N,
    offset: Offset = 0,
    category: Categories = None,
    user_id: Reader = None,
) -> list[dto.Score]:
    """The list ``latest``, ``popular`` or ``trending``. 404 for any other."""
    if name not in NAMES:
        raise NotThere(f"no list '{name}'", where="name", fix=f"ask for one of {', '.join(NAMES)}")
    return await everybody(tenant, name, n, offset, wanted(category), user_id)


async def everybody(
    tenant: Tenant, name: str, n: int, offset: int, categories: Sequence[str], user_id: str | None = None
) -> list[dto.Score]:
    """The list ``name`` without what ``user_id`` has had an event with, of whatever type."""

    def read(store: SqlStore) -> list[dto.Score]:
        had = set(store.events_of([user_id]).item_id) if user_id else set()
        if name == LATEST:
            found = latest_items(store, n, skip=offset, categories=categories, without=had)
            return [dto.Score(Id=key, Score=(FIRST if time is None else time) / 1e6) for key, time in found]
        ranked = counted(tenant).ranked(store, name)
        return shown(store, ranked, n, offset, categories, had)

    return await tenant.read(read)


def shown(
    store: SqlStore,
    ranked: Sequence[tuple[str, float]],
    n: int,
    offset: int = 0,
    categories: Sequence[str] = (),
    without: Collection[str] = (),
) -> list[dto.Score]:
    """``n`` of a ranking after the first ``offset``: items that are there, not hidden, and of all ``categories``."""
    found: list[dto.Score] = []
    for start in range(0, len(ranked), AT_ONCE):
        if len(found) >= n + offset:
            break
        some = [(key, score) for key, score in ranked[start : start + AT_ONCE] if key not in without]
        kept = shown_among(store, [key for key, _ in some], categories)
        found += [dto.Score(Id=key, Score=score) for key, score in some if key in kept]
    return found[offset : offset + n]
