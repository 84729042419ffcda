"""``/v1/llm``: what the language model was asked today, and what is left of its budget."""

from __future__ import annotations

import time

from fastapi import APIRouter

from zhiyin.llm.budget import DAY, limits_of
from zhiyin.serve.auth import CanRead
from zhiyin.serve.v1.fields import Out

router = APIRouter(prefix="/llm", tags=["llm"])


class JobSpent(Out):
    job: str
    calls: int
    tokens: int
    """Read and written."""
    money: float


class LimitOut(Out):
    name: str
    """The setting in [llm.budget]."""
    job: str | None
    """Null for all jobs together."""
    what: str
    """tokens or money."""
    most: float
    spent: float
    left: float


class Usage(Out):
    provider: str
    """none, embedded or openai."""
    model: str | None
    since: int
    """Midnight UTC, in microseconds: a budget is that of one day."""
    jobs: list[JobSpent]
    limits: list[LimitOut]
    """Empty where none is set. A call that could pass one is not made."""


@router.get("/usage", response_model=Usage)
async def llm_usage(tenant: CanRead) -> Usage:
    """Calls, tokens and money of this tenant since midnight UTC, against its limits."""
    settings = tenant.settings.llm
    now = time.time_ns() // 1000
    since = now - now % DAY
    spent = await tenant.read(lambda store: store.calls.spent(settings.tenant, since))
    jobs = [JobSpent(job=job, calls=one.calls, tokens=one.tokens, money=one.money) for job, one in spent.items()]
    limits = []
    for limit in limits_of(settings.budget):
        used = sum(float(getattr(one, limit.what)) for one in jobs if limit.job in (None, one.job))
        left = max(0.0, limit.most - used)
        limits.append(LimitOut(name=limit.name, job=limit.job, what=limit.what, most=limit.most, spent=used, left=left))
    model = None if settings.provider == "none" else settings.model
    return Usage(provider=settings.provider, model=model, since=since, jobs=jobs, limits=limits)
