"""``/api/session/recommend``: a list for what somebody did just now. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fastapi import Body

from zhiyin.answers import Recommendation
from zhiyin.serve.auth import CanRead
from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.crowds import counted
from zhiyin.serve.gorse.lists import POPULAR, shown
from zhiyin.serve.gorse.routing import DEFAULT_N, Categories, Category, N, Offset, make_router, wanted
from zhiyin.serve.gorse.stamps import read_time
from zhiyin.serve.tenants import Tenant

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.recommend import Engine

router = make_router("recommendation")

DEFAULT_TYPE = "view"
"""Of feedback that does not say."""

Given = Annotated[list[dto.SessionFeedback], Body(max_length=1_000)]


@router.post("/session/recommend")
async def session_recommend(
    tenant: CanRead, feedback: Given, n: N = DEFAULT_N, offset: Offset = 0, category: Categories = None
) -> list[dto.Score]:
    """The best items for somebody with this feedback, in the order of its times, and without its items."""
    return await _listed(tenant, feedback, n, offset, wanted(category))


@router.post("/session/recommend/{category:part}")
async def session_recommend_in(
    tenant: CanRead, category: Category, feedback: Given, n: N = DEFAULT_N, offset: Offset = 0
) -> list[dto.Score]:
    """The same of one category."""
    return await _listed(tenant, feedback, n, offset, [category])


async def _listed(
    tenant: Tenant, feedback: Sequence[dto.SessionFeedback], n: int, offset: int, categories: Sequence[str]
) -> list[dto.Score]:
    if not n:
        return []
    had = sorted({one.ItemId for one in feedback})
    if tenant.live.ready and tenant.live.bundle is None:
        return await tenant.read(
            lambda store: shown(store, counted(tenant).ranked(store, POPULAR), n, offset, categories, had)
        )

    def make(engine: Engine) -> Recommendation:
        where = [{"category": one} for one in categories]
        return engine.recommend(None, n + offset, exclude=had, visit=visit_of(feedback), where=where)

    told = await tenant.live.ask(make, tenant.settings.serve.deadline_seconds)
    return [dto.Score(Id=one.item_id, Score=one.score) for one in told.items[offset:]]


def visit_of(feedback: Sequence[dto.SessionFeedback]) -> pl.DataFrame:
    """Events in the columns of ``Store.events``; those without a time come first, in the order given."""
    import polars as pl

    columns = {
        "seq": range(len(feedback)),
        "user_id": [""] * len(feedback),
        "item_id": [one.ItemId for one in feedback],
        "event_type": [one.FeedbackType or DEFAULT_TYPE for one in feedback],
        "value": [one.Value or None for one in feedback],
        "time": [read_time(one.Timestamp) for one in feedback],
    }
    kinds = (pl.Int64, pl.String, pl.String, pl.String, pl.Float64, pl.Int64)
    return pl.DataFrame(columns, schema=dict(zip(columns, kinds, strict=True)))
