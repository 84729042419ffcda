"""Kept answers and the log of calls."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from zhiyin.errors import StoreError
from zhiyin.store import open_store
from zhiyin.store.calls import Call, Calls, Spent


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        yield store.calls


def call(key: str, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "tenant": "店/一",
        "job": "items",
        "prompt": "p@1",
        "model_id": "m",
        "key": key,
        "outcome": "ok",
        "tokens_in": 3,
        "tokens_out": 2,
        "money": 0.25,
        "seconds": 0.5,
        "asked": None,
        "answered": "绿茶 \x00 '",
    }
    return fields | more


def test_answers_and_calls_come_back(calls: Calls) -> None:
    calls.record([call("茶"), call("b", outcome="LlmNonsense")], {"茶": '"绿"'})
    assert calls.answers(["茶", "b", "never"]) == {"茶": '"绿"'}
    assert calls.log() == [Call(**call("b", outcome="LlmNonsense")), Call(**call("茶"))]
    calls.keep("茶", "m", "2")
    assert calls.answers(["茶"]) == {"茶": "2"}, "the later one counts"
    assert len(calls.log(1)) == 1


def test_all_of_it_or_nothing(calls: Calls) -> None:
    with pytest.raises(StoreError):
        calls.record([call("a"), call("b", outcome=None)], {"a": "1"})
    assert calls.answers(["a"]) == {}
    assert calls.log() == []


def test_many_keys(calls: Calls) -> None:
    keys = [f"key {number}" for number in range(1201)]
    calls.record([call(key) for key in keys], dict.fromkeys(keys, "1"))
    assert calls.answers(keys) == dict.fromkeys(keys, "1")
    assert calls.answers([]) == {}


def test_spent_by_tenant_job_and_time(calls: Calls) -> None:
    assert calls.spent("店/一", 0) == {}
    calls.record([call("a"), call("b", job="queries"), call("c", tenant="other", tokens_in=100)], {})
    later = time.time_ns() // 1000 + 1
    calls.record([call("d")], {})
    assert calls.spent("店/一", 0) == {"items": Spent(2, 10, 0.5), "queries": Spent(1, 5, 0.25)}
    assert calls.spent("店/一", later) == {"items": Spent(1, 5, 0.25)}
    assert calls.spent("other", 0) == {"items": Spent(1, 102, 0.25)}
