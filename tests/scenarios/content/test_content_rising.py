"""What rises: figures that can be worked out by hand, and how often nothing is taken for something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from zhiyin.scenarios.content.topics.rising import benjamini_hochberg, rising, spread_of, upper_tail


def even(days: int, rate: float, topics: int = 1) -> np.ndarray:
    return np.full((topics, days), rate)


def test_the_tail_is_that_of_a_binomial() -> None:
    x, n = np.array([0.0, 3.0, 8.0, 10.0]), np.array([10.0, 10.0, 10.0, 10.0])
    assert upper_tail(x, n, 0.2) == pytest.approx([1.0, *(binom.sf(k - 1, 10, 0.2) for k in (3, 8, 10))])


def test_growth_by_eye() -> None:
    """10 of 100 a day before, 20 of 100 a day of late: twice the share, and surely."""
    found = rising(np.array([140.0]), even(28, 10), 700.0, np.full(28, 100.0))
    assert found.growth[0] == pytest.approx(142 / 72)
    assert found.low[0] > 1.4
    assert found.q[0] < 1e-6
    assert found.spread[0] == 1.0


def test_two_readers_after_one_are_nothing() -> None:
    found = rising(np.array([2.0]), np.pad(np.array([[1.0]]), ((0, 0), (0, 27))), 100.0, np.full(28, 14.0))
    assert found.low[0] < 1
    assert found.growth[0] < 2


def test_nothing_to_hold_it_against() -> None:
    for late, active in ((0.0, np.zeros(28)), (5.0, np.zeros(28)), (0.0, np.ones(28))):
        found = rising(np.array([late]), even(28, 0.0), late, active)
        assert found.p.tolist() == [1.0]
        assert np.isnan(found.growth).all()


def test_topics_that_come_in_waves_are_held_to_more() -> None:
    waves = np.tile([0.0, 0.0, 0.0, 40.0], 7)[None, :]
    calm = even(28, 10)
    active = np.full(28, 100.0)
    assert spread_of(waves, active)[0] > 10 > spread_of(calm, active)[0] == 1.0
    late = np.array([110.0])
    assert rising(late, waves, 700.0, active).p[0] > 0.05 > rising(late, calm, 700.0, active).p[0]


def test_false_alarms_are_held_down() -> None:
    """300 logs in which nothing changes, 20 topics: an alarm in no more than the tenth asked for."""
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        share = random.dirichlet(np.ones(20))
        active = np.full(28, 60.0)
        before = random.binomial(60, share[:, None], (20, 28)).astype(float)
        late = random.binomial(420, share).astype(float)
        found = rising(late, before, 420.0, active)
        alarms += bool(((found.q <= 0.1) & (found.low > 1)).any())
    assert alarms <= 0.1 * 300 + 3 * np.sqrt(0.09 * 300)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values(p: list[float]) -> None:
    values = np.array(p)
    q = benjamini_hochberg(values)
    assert ((q >= values - 1e-12) & (q <= 1)).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(q[order]) >= -1e-12).all()
    level = 0.1
    found = int((q <= level).sum())
    passing = [k for k in range(1, len(p) + 1) if np.sort(values)[k - 1] <= level * k / len(p)]
    assert found == max(passing, default=0)
