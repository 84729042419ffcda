from __future__ import annotations

import pytest

from zhiyin.errors import TooMany
from zhiyin.serve.limits import Limits


def test_a_burst_then_a_steady_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("zhiyin.serve.limits.time.monotonic", lambda: now)
    bucket = Limits(2.0, 3)
    for _ in range(3):
        bucket.count("茶馆")
    with pytest.raises(TooMany) as refused:
        bucket.count("茶馆")
    assert refused.value.seconds == 1
    bucket.count("another")  # its own bucket
    now += 0.5
    bucket.count("茶馆")
    with pytest.raises(TooMany):
        bucket.count("茶馆")


def test_no_limit_counts_nothing() -> None:
    bucket = Limits(None, 1)
    for _ in range(1000):
        bucket.count("anybody")
