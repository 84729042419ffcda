"""A list from question to bytes: which variant, kept or made, noted as shown; and what comes where it takes long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from zhiyin.answers import Recommendation
from zhiyin.errors import StoreUnavailable
from zhiyin.experimenting import Assigned
from zhiyin.listing import ListRequest
from zhiyin.serve.live import Live
from zhiyin.serve.metrics import CACHED
from zhiyin.serve.shown import items_of, new_id
from zhiyin.store.impressions import Impression, Shown

if TYPE_CHECKING:
    from zhiyin.recommend import Engine

Form = Callable[[Recommendation], bytes]
"""How an answer is written: a JSON object, an array, ..."""
NOBODY = ""
"""Whose list it is in impressions where nobody in particular asked."""


@dataclass(frozen=True)
class Listed:
    """An answer as it is sent, and the number under which it was noted as shown."""

    body: bytes
    impression_id: str


@dataclass(frozen=True)
class Kept:
    body: bytes
    items: list[Shown]
    bundle: str


def plain(told: Recommendation) -> bytes:
    """The whole answer as one JSON object."""
    return orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)


class Lists:
    """``seconds`` is how long a list may take where the asker sets no deadline."""

    def __init__(self, live: Live, seconds: float) -> None:
        self._live, self._seconds, self._assign = live, seconds, live.assigned

    async def listed(
        self,
        request: ListRequest,
        form: Form = plain,
        *,
        offset: int = 0,
        query: str | None = None,
        trace: bool = False,
        seconds: float | None = None,
    ) -> Listed:
        """``request.k`` items, the first ``offset`` passed over. Raises what ``Engine.recommend`` does."""
        assigned = self._assign(request.user_id, request.surface)
        inside = _in(request, assigned)
        key = (inside, offset, form)
        simple = query is None and not trace
        cache = self._live.cache
        if simple:
            if self._live.instant:
                self._live.follow()
            else:
                await asyncio.to_thread(self._live.follow)
            found = cache.get(request.user_id, key)
            if found is not None:
                CACHED.inc()
                return self._noted(request, assigned, found)
        stamp = cache.stamp(request.user_id)
        late = False
        try:
            wait = self._seconds if seconds is None else min(seconds, self._seconds)
            asked = replace(inside, k=inside.k + offset)
            if simple:
                told = await self._live.recommend(asked, wait)
            else:
                told = await self._live.ask(lambda engine: _at_length(engine, asked, query, trace), wait)
        except TimeoutError:
            told, late = await self._late(replace(request, k=request.k + offset)), True
        if offset:
            told = replace(told, items=told.items[offset:])
        if request.surface != told.surface:
            told = replace(told, surface=request.surface)
        made = Kept(form(told), items_of(told.items), told.bundle)
        if simple and not late:
            cache.put(request.user_id, key, made, stamp)
        return self._noted(request, assigned, made)

    async def _late(self, request: ListRequest) -> Recommendation:
        """What is popular and may come out now, without what the person had. Raises StoreUnavailable where not even
        that can be told."""
        popular = self._live.popular
        if popular is None:
            raise StoreUnavailable("the list took too long", fix="ask again in a moment")
        try:
            some = await asyncio.wait_for(asyncio.to_thread(self._live.fitting, request), self._seconds)
        except TimeoutError:
            raise StoreUnavailable("the store takes too long", fix="ask again in a moment") from None
        items = [replace(one, rank=place) for place, one in enumerate(some[: request.k], 1)]
        reason = {"reason": "the list took longer than its deadline: popular items"}
        return replace(popular, user_id=request.user_id, items=items, fallback=reason, surface=request.surface)

    def _noted(self, request: ListRequest, assigned: Assigned | None, made: Kept) -> Listed:
        number = new_id()
        self._live.shown.note(
            Impression(
                number,
                request.user_id or NOBODY,
                request.surface,
                time.time_ns() // 1000,
                made.items,
                assigned.variant if assigned else None,
                assigned.experiment if assigned else None,
                made.bundle,
            )
        )
        return Listed(made.body, number)


def _in(request: ListRequest, assigned: Assigned | None) -> ListRequest:
    return replace(request, surface=assigned.pipeline) if assigned else request


def _at_length(engine: Engine, asked: ListRequest, query: str | None, trace: bool) -> Recommendation:
    where = [orjson.loads(one) for one in asked.where]
    return engine.recommend(
        asked.user_id,
        asked.k,
        query=query,
        exclude=asked.exclude,
        include_seen=asked.include_seen,
        surface=asked.surface,
        trace=trace,
        where=where,
    )
