"""Threads of one tenant for what takes long: the threads that read for all tenants are not kept by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from zhiyin.errors import Conflict

T = TypeVar("T")

SLOW = 4
"""Jobs of a tenant that take seconds, at once; further ones wait for their turn."""


class Lanes:
    """``slow`` is for what a request bounds and takes seconds all the same: a language model that writes, a million
    characters, the events of a month. ``alone`` is for what grows with the store, one at a time in each process."""

    def __init__(self, name: str) -> None:
        self._slow = ThreadPoolExecutor(SLOW, thread_name_prefix=f"slow work of {name}")
        self._alone = ThreadPoolExecutor(1, thread_name_prefix=f"long work of {name}")
        self._at_work: str | None = None

    async def slow(self, job: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._slow.submit(job))

    async def alone(self, what: str, job: Callable[[], T]) -> T:
        """Raises Conflict where another one is at work. ``what`` names it for whoever comes meanwhile."""
        if self._at_work is not None:
            raise Conflict(f"at work already: {self._at_work}", fix="ask again when that is done")
        self._at_work = what
        try:
            work = self._alone.submit(job)
        except BaseException:
            self._at_work = None
            raise
        # Not where it is waited for: whoever hangs up does not end it.
        work.add_done_callback(self._done)
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """What is at work is waited for; what waits for its turn is not begun."""
        self._slow.shutdown(cancel_futures=True)
        self._alone.shutdown(cancel_futures=True)

    def _done(self, _: Future[T]) -> None:
        self._at_work = None
