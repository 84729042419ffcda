"""Decisions: when to train again, and whether what came of it is served."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import UsageError
from zhiyin.feedback.drift import Limits, dropped, due
from zhiyin.feedback.outcomes import DAY
from zhiyin.feedback.promotion import decide


def test_better_worse_and_neither() -> None:
    random = np.random.default_rng(0)
    served = random.random(500)
    better = decide(served, served + 0.02 + 0.01 * random.normal(size=500))
    assert better.promote
    assert better.reason.startswith("promote: NDCG@10 +0.0")
    assert better.low < better.gain < better.high
    noise = 0.1 * random.normal(size=500)
    same = decide(served, served + noise - noise.mean())
    assert not same.promote
    assert same.reason.endswith("not surely better")
    assert decide(served, served + noise - noise.mean(), tolerance=0.02).reason.endswith("no more than 0.02 worse")
    worse = decide(served, served - 0.05, tolerance=0.01)
    assert not worse.promote
    assert worse.reason.endswith("surely worse")
    assert not decide(served, served).promote, "the same is not better"
    assert decide(served, served, tolerance=0.001).promote


def test_who_cannot_be_measured_is_left_out_and_few_decide_nothing() -> None:
    served, candidate = np.zeros(100), np.ones(100)
    served[:75] = np.nan
    few = decide(served, candidate)
    assert (few.promote, few.people, few.gain) == (False, 25, 1.0)
    assert "too few" in few.reason
    assert decide(served, candidate, fewest=10).promote
    assert decide(np.zeros(0), np.zeros(0)).people == 0
    with pytest.raises(UsageError):
        decide(np.zeros(3), np.zeros(4))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(30, 80))
def test_a_decision_follows_from_its_seed(seed: int, people: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.random(people), random.random(people)
    one = decide(a, b, seed=seed, resamples=200)
    assert one == decide(a, b, seed=seed, resamples=200)
    assert one.low <= one.gain <= one.high
    assert one.promote == (one.low > 0)
    assert not (one.promote and decide(b, a, seed=seed, resamples=200).promote)


def test_time_to_train() -> None:
    told: dict[str, Any] = {"trained_on": 1000, "new": 120, "trained_at": 0, "now": 3 * DAY}
    assert due(Limits(), **told) is None
    assert due(Limits(events=120), **told) == "120 new events (limit 120)"
    assert due(Limits(events=121, share=0.2), **told) is None
    assert due(Limits(share=0.1), **told) == "120 new events are 12.0% of those it was trained on (limit 10.0%)"
    assert due(Limits(days=3), **told) == "the bundle is 3.0 days old (limit 3)"
    assert due(Limits(days=3, fewest=500), **told) is None, "there is nothing new to learn from"
    assert due(Limits(days=4), **told) is None


def test_a_drop_is_told_and_noise_is_not() -> None:
    random = np.random.default_rng(1)
    before = (random.random(5000) < 0.3).astype(float)
    fallen = (random.random(1500) < 0.15).astype(float)
    said = due(Limits(drop=0.2), trained_on=1, new=1, trained_at=0, now=0, before=before, since=fallen)
    assert said is not None
    assert "more than 20%" in said
    assert dropped(before, fallen, 0.45) is None, "it fell by a half, not surely by more than 45 %"
    assert dropped(before[:50], fallen, 0.1) is None
    alarms = 0
    for run in range(300):
        own = np.random.default_rng(100 + run)
        old, new = (own.random(2000) < 0.3).astype(float), (own.random(2000) < 0.3).astype(float)
        alarms += any(dropped(old, new[:n], 0.0) is not None for n in range(100, 2001, 50))
    assert alarms / 300 <= 0.02
