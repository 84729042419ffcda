"""Lists that wait are made together; one that fails fails alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from zhiyin.errors import StoreUnavailable
from zhiyin.serve import batching
from zhiyin.serve.batching import Batcher


def test_what_waits_is_taken_together() -> None:
    sizes: list[int] = []
    held, begun = threading.Event(), threading.Event()

    def many(asked: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(asked))
        begun.set()
        held.wait(10)
        return [ValueError("odd") if one == 3 else one * 10 for one in asked]

    batcher: Batcher[int, int] = Batcher(many, "tens")
    first = batcher.put(0)
    begun.wait(10)
    others = [batcher.put(number) for number in range(1, 6)]
    others[1].cancel()
    held.set()
    assert first.result(10) == 0
    assert [others[place].result(10) for place in (0, 3, 4)] == [10, 40, 50]
    with pytest.raises(ValueError, match="odd"):
        others[2].result(10)
    assert sizes == [1, 4], "the cancelled one is not worked for"
    batcher.close()


def test_a_failure_of_all_is_everybodys() -> None:
    def many(asked: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("broken")

    batcher: Batcher[int, int] = Batcher(many, "broken")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            batcher.put(1).result(10)
    batcher.close()


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "WAITING", 1)
    held, begun = threading.Event(), threading.Event()

    def many(asked: Sequence[int]) -> list[int | Exception]:
        begun.set()
        held.wait(10)
        return list(asked)

    batcher: Batcher[int, int] = Batcher(many, "slow")
    batcher.put(1)
    begun.wait(10)
    batcher.put(2)
    with pytest.raises(StoreUnavailable, match="wait already"):
        batcher.put(3)
    held.set()
    batcher.close()
