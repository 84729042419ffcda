"""Calls to a server: an event loop in a thread of its own, several calls at once, retries, and failures as errors."""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import queue
import random
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import httpx2
import openai
import stamina

from zhiyin.errors import LlmError, LlmNonsense, LlmRefused, LlmTimeout, LlmUnreachable

R = TypeVar("R")

GRACE = 0.2
"""Seconds past the deadline in which calls that were cut off may still say so."""
SAID = 200
"""Characters of a server's message that an error quotes."""
SECRET = re.compile(r"(?i)\b(?:sk|pk|key|bearer)[-_ ][A-Za-z0-9_.*-]{6,}")

# Where nobody set up logging, retries are told by the error that comes in the end, and not on stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Worker:
    """Runs coroutines for threads, at most ``concurrency`` of them at once over all batches."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Semaphore(concurrency)
        self._thread = threading.Thread(target=self._loop.run_forever, name="zhiyin-llm-calls", daemon=True)
        self._thread.start()

    def stream(self, work: Callable[[int], Awaitable[R]], number: int, seconds: float) -> Iterator[tuple[int, R]]:
        """``work(0)`` to ``work(number - 1)`` in the order they finish. None begins after ``seconds``; each must end by
        then by itself. Closing the iterator cancels what is under way.

        A result counts as under way until the next one is asked for, so that no more than ``concurrency`` answers are
        ever paid for and not yet written down.
        """
        deadline = time.monotonic() + seconds
        out: queue.SimpleQueue[tuple[int, R] | Exception | None] = queue.SimpleQueue()
        room = asyncio.Semaphore(self._concurrency)
        future = asyncio.run_coroutine_threadsafe(self._serve(work, number, deadline, out, room), self._loop)
        try:
            while True:
                try:
                    got = out.get(timeout=max(0.0, deadline + GRACE - time.monotonic()))
                except queue.Empty:
                    return
                if got is None:
                    return
                if isinstance(got, Exception):
                    raise got
                yield got
                self._loop.call_soon_threadsafe(room.release)
        finally:
            future.cancel()

    def run(self, work: Awaitable[R], seconds: float) -> R:
        """One call. Raises TimeoutError where it does not end in time."""

        async def one(place: int) -> R:
            return await work

        for _, got in self.stream(one, 1, seconds):
            return got
        raise TimeoutError

    def close(self, last: Callable[[], Awaitable[None]]) -> None:
        """Run ``last`` and end the thread."""

        async def end() -> None:
            await last()

        if not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(end(), self._loop).result(timeout=5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            self._loop.close()

    async def _serve(
        self,
        work: Callable[[int], Awaitable[R]],
        number: int,
        deadline: float,
        out: queue.SimpleQueue[tuple[int, R] | Exception | None],
        room: asyncio.Semaphore,
    ) -> None:
        places = iter(range(number))

        async def serve() -> None:
            for place in places:
                await room.acquire()
                async with self._free:
                    if time.monotonic() >= deadline:
                        return
                    out.put((place, await work(place)))

        try:
            await asyncio.gather(*(serve() for _ in range(min(self._concurrency, number))))
            out.put(None)
        except Exception as failure:
            out.put(failure)


async def call(
    send: Callable[[], Awaitable[R]], seconds: float, retries: int, describe: Callable[[Exception], LlmError]
) -> R | LlmError:
    """What ``send`` gives, tried again after a lost connection, HTTP 429 or 5xx as long as ``seconds`` last; else the
    last failure, as ``describe`` puts it."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None

    def again(failure: Exception) -> bool | float:
        nonlocal last
        if isinstance(failure, asyncio.CancelledError):
            return False
        last = failure
        if not may_pass(failure):
            return False
        wait = retry_after(failure)
        if wait is None:
            return True
        return wait + random.uniform(0.01, 0.1) if time.monotonic() + wait < deadline else False

    try:
        async with asyncio.timeout(seconds):
            async for attempt in stamina.retry_context(
                on=again, attempts=retries + 1, timeout=None, wait_initial=0.1, wait_max=10.0, wait_jitter=0.5
            ):
                with attempt:
                    return await send()
    except TimeoutError as late:
        return describe(last or late)
    except Exception as failure:
        return describe(failure)
    raise AssertionError("a retry ends in a result or an exception")


def status_of(failure: Exception) -> int | None:
    """HTTP status, where the failure has one."""
    if isinstance(failure, openai.APIStatusError):
        return failure.status_code
    return failure.response.status_code if isinstance(failure, httpx2.HTTPStatusError) else None


def may_pass(failure: Exception) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(failure, (openai.APITimeoutError, httpx2.TimeoutException)):
        return False
    if isinstance(failure, (openai.APIConnectionError, httpx2.TransportError)):
        return True
    status = status_of(failure)
    if status == 429:
        return getattr(failure, "code", None) != "insufficient_quota"
    return status is not None and status >= 500 and status != 501


def retry_after(failure: Exception) -> float | None:
    """Seconds the server asks to wait, at least 0; None where it does not say."""
    response = getattr(failure, "response", None)
    said = None if response is None else response.headers.get("retry-after")
    if said is None:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def describe(failure: Exception, where: str, key: str | None, key_variable: str) -> LlmError:
    """``failure`` of a call to the server ``where`` as ours; the key never shows."""
    status = status_of(failure)
    if isinstance(failure, (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException)):
        return LlmTimeout("no answer in time", where=where, fix="raise [llm] answer_seconds or batch_seconds")
    if isinstance(failure, (openai.APIConnectionError, httpx2.TransportError)):
        cause = failure.__cause__ or failure
        return LlmUnreachable(
            f"no connection ({type(cause).__name__})", where=where, fix="start the server, or correct [llm] base_url"
        )
    if status is None:
        return LlmNonsense(f"the answer cannot be read ({type(failure).__name__})", where=where)
    if status in (401, 403):
        # The server's own words may quote the key.
        return LlmRefused(f"the key is refused (HTTP {status})", where=where, fix=f"set {key_variable} to a valid key")
    said = _quote(failure, key)
    if status == 429 or (status >= 500 and status != 501):
        wait = retry_after(failure)
        after = "" if wait is None else f", asks to wait {wait:.0f} s"
        return LlmUnreachable(f"HTTP {status}{after}{said}", where=where)
    fix = "correct [llm] base_url or model" if status == 404 else "see whether the server knows this model and call"
    return LlmRefused(f"HTTP {status}{said}", where=where, fix=fix)


def _quote(failure: Exception, key: str | None) -> str:
    response = getattr(failure, "response", None)
    text = "" if response is None else " ".join(response.text.split())
    try:
        body = json.loads(text)
        inner = body.get("error", body.get("detail", body))
        text = str(inner.get("message", inner) if isinstance(inner, dict) else inner)
    except (ValueError, AttributeError):
        pass
    if key:
        text = text.replace(key, "***")
    text = SECRET.sub("***", "".join(sign for sign in text if sign.isprintable()))[:SAID]
    return f": {text}" if text else ""
