"""Tests that may be looked at at every moment: false alarms and power by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.feedback.buckets import evenness, number_of, place_of
from zhiyin.feedback.sequential import FIRST, Values, differences, mismatch, radius, rho_for

RUNS, PEOPLE, ALPHA = 2000, 2000, 0.05


def outcomes(kind: str, random: np.random.Generator, shape: tuple[int, int]) -> Values:
    if kind == "clicks":
        return (random.random(shape) < 0.05).astype(np.float64)
    if kind == "counts":  # few people do much
        return random.poisson(random.gamma(0.3, 3.0, shape)).astype(np.float64)
    return random.normal(size=shape)


def fixed_horizon(group: np.ndarray[tuple[int, int], np.dtype[np.bool_]], value: Values) -> Values:
    """|t| of Welch's test after every person, from where the sequential test begins."""
    found = []
    for mine in (~group, group):
        count = np.maximum(np.cumsum(mine, axis=1), 2)
        mean = np.cumsum(np.where(mine, value, 0), axis=1) / count
        spread = np.cumsum(np.where(mine, value**2, 0), axis=1) / count - mean**2
        found.append((mean, spread / (count - 1), np.cumsum(mine, axis=1)))
    (mean_a, error_a, few), (mean_b, error_b, many) = found
    t = np.abs(mean_b - mean_a) / np.sqrt(np.maximum(error_a + error_b, 1e-12))
    return np.where(np.minimum(few, many) < FIRST, 0.0, t)


@pytest.mark.parametrize("kind", ["clicks", "counts", "normal"])
def test_no_false_alarm_however_often_one_looks(kind: str) -> None:
    random, wrong, peeked = np.random.default_rng(1), 0, 0
    for _ in range(4):
        shape = (RUNS // 4, PEOPLE)
        group, value = random.random(shape) < 0.5, outcomes(kind, random, shape)
        course = differences(group, value, rho=rho_for(1000, ALPHA), alpha=ALPHA)
        alarmed = ((course.low > 0) | (course.high < 0)).any(axis=1)
        assert np.array_equal(alarmed, (course.p < ALPHA)[:, -1]), "the p-value says the same as the interval"
        wrong += int(alarmed.sum())
        peeked += int((fixed_horizon(group, value) > 1.96).any(axis=1).sum())
    assert wrong / RUNS <= ALPHA
    assert peeked / RUNS > 4 * ALPHA, "a test for one look, looked at all the time, does not hold what it says"


def test_a_difference_is_found_and_its_interval_holds() -> None:
    random, shape = np.random.default_rng(2), (400, 4000)
    group = random.random(shape) < 0.5
    value = outcomes("normal", random, shape) + 0.2 * group
    course = differences(group, value, rho=rho_for(2000, ALPHA))
    found = (course.low > 0).any(axis=1)
    assert found.mean() > 0.95
    assert ((course.low <= 0.2) & (course.high >= 0.2) | np.isnan(course.low)).all(axis=1).mean() >= 1 - ALPHA
    when = np.argmax(course.low > 0, axis=1)[found]
    assert np.median(when) < 2600, "and often long before the end"


@pytest.mark.parametrize("kind", ["clicks", "counts"])
def test_a_small_group_of_rare_outcomes_raises_no_alarm(kind: str) -> None:
    random, shape = np.random.default_rng(3), (1000, 2000)
    group = random.random(shape) < 0.1
    course = differences(group, outcomes(kind, random, shape), rho=rho_for(1000, ALPHA))
    assert ((course.low > 0) | (course.high < 0)).any(axis=1).mean() <= ALPHA


def test_by_hand() -> None:
    group = np.array([False, True] * FIRST)
    value = np.array([0.0, 1.0, 1.0, 1.0] * (FIRST // 2))
    course = differences(group, value, rho=0.1)
    assert np.isnan(course.low[:-1]).all(), "nothing before both have enough"
    assert course.difference[-1] == pytest.approx(0.5)
    # Each mean is of 100 people; b has no spread of its own, a has 1/4, both together 3/16.
    spread_a = (100 * 0.25 * 100 / 99 + 100 * 3 / 16) / 200
    spread_b = (100 * 0.0 + 100 * 3 / 16) / 200
    sigma = np.sqrt(200 * (spread_a / 100 + spread_b / 100))
    half = sigma * np.sqrt(2 * 3.0 / (200 * 2.0) * np.log(np.sqrt(3.0) / 0.05))
    assert (course.low[-1], course.high[-1]) == pytest.approx((0.5 - half, 0.5 + half))
    assert radius(np.array([200.0]), 0.1, 0.05)[0] == pytest.approx(half / sigma)


def test_shares_that_are_off() -> None:
    assert mismatch([500, 500], [1, 1]) == 1
    assert mismatch([540, 460], [1, 1]) > 0.01
    assert mismatch([5500, 4500], [1, 1]) < 1e-6
    assert mismatch([300, 100], [3, 1]) == 1
    assert mismatch([0, 0], [1, 1]) == 1
    random, wrong = np.random.default_rng(4), 0
    for _ in range(300):
        came = np.cumsum(random.random(2000) < 0.3)
        looks = range(50, 2000, 50)
        wrong += min(mismatch([at - int(came[at - 1]), int(came[at - 1])], [7, 3]) for at in looks) < 0.05
    assert wrong / 300 <= 0.05


@pytest.mark.parametrize(
    ("salt", "user", "digits"),
    [
        # printf 'home 1\nu1' | sha256sum | cut -c1-13, and so on
        ("home 1", "u1", "58a8ac2426cf4"),
        ("首页", "张伟", "cbe8006317717"),
        ("a", "x/y ?#%", "2018f23f71747"),
    ],
)
def test_numbers_are_the_same_everywhere(salt: str, user: str, digits: str) -> None:
    assert number_of(salt, user) == int(digits, 16) / 2**52


def test_people_are_dealt_out_by_weight() -> None:
    for salt in ("home", "首页 2", "x"):
        assert evenness(salt, [1, 1], 20_000) > 1e-3
        assert evenness(salt, [5, 3, 2], 20_000) > 1e-3
    both = np.array([(place_of("a", f"u{one}", [1, 1]), place_of("b", f"u{one}", [1, 1])) for one in range(5000)])
    assert abs(np.corrcoef(both.T)[0, 1]) < 0.05, "two experiments have nothing to do with each other"


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_everybody_has_a_place(salt: str, user: str, weights: list[float]) -> None:
    place = place_of(salt, user, weights)
    assert 0 <= place < len(weights)
    assert place == place_of(salt, user, weights)
    assert 0 <= number_of(salt, user) < 1
