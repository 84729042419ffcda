"""One line of writes: grouped, durable when answered, one failure alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zhiyin.errors import StoreUnavailable, UsageError
from zhiyin.ports import Written
from zhiyin.serve import writing
from zhiyin.serve.writing import WriteQueue
from zhiyin.store import open_store
from zhiyin.store.appending import EventRow
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    yield store
    store.close()


@pytest.fixture
def line(store: SqlStore) -> Iterator[WriteQueue]:
    line = WriteQueue(store, "here")
    yield line
    line.close()


def event(key: str) -> EventRow:
    return EventRow(key, "张伟", "茶/1", "view", None, 1)


def test_what_is_answered_is_there(store: SqlStore, line: WriteQueue) -> None:
    written = asyncio.run(line.write(lambda writer: writer.add_events([event("a"), event("b")])))
    assert (written.new, written.same) == (2, 0)
    assert len(store.events()) == 2


def test_writes_that_wait_share_a_transaction(store: SqlStore, line: WriteQueue) -> None:
    held, begun = threading.Event(), threading.Event()
    seen: list[int] = []

    def first(writer: Writer) -> None:
        begun.set()
        held.wait(10)

    def later(key: str) -> None:
        def job(writer: Writer) -> None:
            seen.append(id(writer))
            writer.add_events([event(key)])

        line.put(job)

    waiting = line.put(first)
    begun.wait(10)
    for number in range(20):
        later(str(number))
    held.set()
    waiting.result(10)
    asyncio.run(line.write(lambda writer: None))
    assert len(store.events()) == 20
    assert len(set(seen)) == 1


def test_one_that_fails_does_not_spoil_the_others(store: SqlStore, line: WriteQueue) -> None:
    held, begun = threading.Event(), threading.Event()

    def first(writer: Writer) -> None:
        begun.set()
        held.wait(10)

    def broken(writer: Writer) -> None:
        writer.add_events([event("half")])
        raise UsageError("no such thing")

    line.put(first)
    begun.wait(10)
    good, bad, other = (
        line.put(lambda writer: writer.add_events([event("good")])),
        line.put(broken),
        line.put(lambda writer: writer.add_events([event("other")])),
    )
    held.set()
    assert good.result(10).new == 1
    assert other.result(10).new == 1
    with pytest.raises(UsageError, match="no such thing"):
        bad.result(10)
    assert len(store.events()) == 2, "what the broken one wrote is undone"


def test_too_many_are_refused(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "WAITING", 2)
    line = WriteQueue(store, "here")
    held, begun = threading.Event(), threading.Event()

    def first(writer: Writer) -> None:
        begun.set()
        held.wait(10)

    line.put(first)
    begun.wait(10)
    line.put(lambda writer: None)
    line.put(lambda writer: None)
    with pytest.raises(StoreUnavailable, match="2 writes wait already"):
        line.put(lambda writer: None)
    held.set()
    line.close()


def test_closing_writes_what_waits(store: SqlStore) -> None:
    line = WriteQueue(store, "here")

    def job(key: str) -> Callable[[Writer], Written]:
        return lambda writer: writer.add_events([event(key)])

    done = [line.put(job(str(number))) for number in range(50)]
    line.close()
    assert all(one.result(0).new == 1 for one in done)
    with pytest.raises(StoreUnavailable, match="shutting down"):
        line.put(lambda writer: None)
    line.close()
