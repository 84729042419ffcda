"""Writes of one store, one transaction after the other: whatever waits goes into the next one together.

The disk is asked once per transaction to make it last, which is what a write costs most of its time; so many small
writes at once are as quick as a big one. A write is answered when it is durable, and not before.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from zhiyin.errors import StoreUnavailable
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

T = TypeVar("T")

WAITING = 10_000
"""Writes that may wait; one more is refused, or memory would grow while the disk is slow."""
PAUSE_SECONDS = 0.001
TOGETHER = 500
"""Writes in one transaction."""


@dataclass(frozen=True)
class _Job:
    call: Callable[[Writer], Any]
    done: Future[Any]


class WriteQueue:
    """A thread that writes what others hand it. ``close`` writes what still waits, then ends it."""

    def __init__(self, store: SqlStore, name: str) -> None:
        self._store = store
        self._jobs: queue.Queue[_Job | None] = queue.Queue(WAITING)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"writes of {name}", daemon=True)
        self._thread.start()

    async def write(self, call: Callable[[Writer], T]) -> T:
        """What ``call`` gives, once it is durable. It may be called twice (a transaction shared with a write that
        fails is undone and done again), so it must change nothing but the store.

        Raises StoreUnavailable where too many writes wait or the store refuses, and whatever ``call`` raises."""
        return await asyncio.wrap_future(self.put(call))

    def put(self, call: Callable[[Writer], T]) -> Future[T]:
        done: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise StoreUnavailable("the service is shutting down", fix="ask again in a moment")
            try:
                self._jobs.put_nowait(_Job(call, done))
            except queue.Full:
                raise StoreUnavailable(f"{WAITING:,} writes wait already", fix="send less, or again later") from None
        return done

    def close(self) -> None:
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._jobs.get()) is not None:
            jobs, last = [first], False
            while len(jobs) < TOGETHER and not last:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                else:
                    jobs.append(job)
            self._together(jobs)
            # Others over the same store, in other processes, get their turn.
            time.sleep(PAUSE_SECONDS)
            if last:
                return

    def _together(self, jobs: list[_Job]) -> None:
        """All of ``jobs`` in one transaction; each by itself where that fails, for one must not spoil the others."""
        jobs = [job for job in jobs if job.done.set_running_or_notify_cancel()]
        try:
            with self._store.writing() as writer:
                found = [job.call(writer) for job in jobs]
        except Exception as failure:
            if len(jobs) > 1 and not isinstance(failure, StoreUnavailable):
                for job in jobs:
                    self._alone(job)
                return
            for job in jobs:
                job.done.set_exception(failure)
            return
        for job, answer in zip(jobs, found, strict=True):
            job.done.set_result(answer)

    def _alone(self, job: _Job) -> None:
        try:
            with self._store.writing() as writer:
                answer = job.call(writer)
        except Exception as failure:
            job.done.set_exception(failure)
            return
        job.done.set_result(answer)
