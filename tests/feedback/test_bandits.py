"""Bandits: chances against simulation, tables by hand, and that they find the better arm."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import DataError, UsageError
from zhiyin.feedback.bandits import LinUcb, Thompson, best_of, examined

HALF = 1_000_000.0
FIRST = np.array([1], dtype=np.int64)


def at(*times: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(times, dtype=np.int64)


def test_places_are_looked_at_less_and_less() -> None:
    assert examined(np.array([1, 3, 7])) == pytest.approx([1, 0.5, 1 / 3])


def test_two_arms_by_hand() -> None:
    # Beta(2, 1) against Beta(1, 1): P(X > Y) = E[X] = 2/3.
    assert best_of(np.array([2.0, 1.0]), np.array([1.0, 1.0])) == pytest.approx([2 / 3, 1 / 3], abs=1e-3)
    assert best_of(np.array([3.0]), np.array([1.0])).tolist() == [1.0]
    assert best_of(np.full(5, 0.1), np.full(5, 3.0)).tolist() == [0.2] * 5
    assert len(best_of(np.zeros(0), np.zeros(0))) == 0


@pytest.mark.parametrize("scale", [0.05, 1.0, 40.0])
def test_chances_are_those_of_the_draws(scale: float) -> None:
    random = np.random.default_rng(int(scale * 100))
    a, b = random.gamma(1.0, scale, 12) + 0.02, random.gamma(1.0, 10 * scale, 12) + 0.05
    a[3], b[3] = a[4], b[4]
    found = best_of(a, b)
    draws = 200_000
    seen = np.bincount(random.beta(a, b, (draws, 12)).argmax(axis=1), minlength=12) / draws
    assert found.sum() == pytest.approx(1)
    assert found[3] == found[4]
    assert np.abs(found - seen).max() < 0.002 + 4 * np.sqrt(0.25 / draws)
    one = Thompson()
    one.posterior = lambda ids: (a, b)  # type: ignore[method-assign]
    assert np.abs(one.chances(["x"] * 12) - found).max() < 0.01


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(1e-3, 1e4), st.floats(1e-3, 1e6)), min_size=1, max_size=8))
def test_chances_are_chances(arms: list[tuple[float, float]]) -> None:
    found = best_of(*np.array(arms).T)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)


def test_counts_by_hand() -> None:
    one = Thompson(strength=10)
    one.learn(["茶", "x/y", "茶"], np.array([1, 3, 7]), at(0, 0, 0))
    one.credit(["茶"], np.array([1.0]), at(0))
    assert one.trials == pytest.approx({"茶": 1 + 1 / 3, "x/y": 0.5})
    rate = 1.5 / (1 + 1 / 3 + 0.5 + 1)
    a, b = one.posterior(["茶", "x/y", "new"])
    assert a == pytest.approx([10 * rate + 1, 10 * rate, 10 * rate])
    assert b == pytest.approx([10 * (1 - rate) + 1 / 3, 10 * (1 - rate) + 0.5, 10 * (1 - rate)])
    assert Thompson().chances(["a", "b"]).tolist() == [0.5, 0.5], "nothing is known: all alike"


def test_what_is_old_counts_half_and_late_outcomes_count_as_well() -> None:
    one = Thompson(half_life=HALF)
    one.learn(["a"], FIRST, at(0))
    one.learn(["b"], FIRST, at(1_000_000))
    assert one.trials == pytest.approx({"a": 0.5, "b": 1.0})
    one.credit(["a"], np.array([1.0]), at(0))
    assert one.successes == pytest.approx({"a": 0.5}), "as old as what it came of"
    together = Thompson(half_life=HALF)
    together.learn(["a", "b"], np.array([1, 1]), at(0, 1_000_000))
    assert together.trials == pytest.approx(one.trials)


@pytest.mark.parametrize("kind", ["thompson", "linucb"])
def test_a_state_is_json(kind: str) -> None:
    random = np.random.default_rng(0)
    one: Thompson | LinUcb
    if kind == "thompson":
        one = Thompson(half_life=HALF)
        one.learn(["茶/1", "?"], np.array([1, 2]), at(5, 6))
        one.credit(["?"], np.array([1.0]), at(6))
    else:
        one = LinUcb(3, half_life=HALF)
        one.learn(random.normal(size=(4, 3)), np.arange(1, 5), at(1, 2, 3, 4))
        one.credit(random.normal(size=(4, 3)), random.random(4), at(1, 2, 3, 4))
    again = type(one).from_dict(json.loads(json.dumps(one.to_dict(), ensure_ascii=False)))
    table = random.normal(size=(2, 3))
    assert np.array_equal(one.chances(["茶/1", "?"], table), again.chances(["茶/1", "?"], table))
    for broken in ({}, {**one.to_dict(), "format": 9}, {**one.to_dict(), "trials": 3, "matrix": [[1]]}):
        with pytest.raises(DataError):
            type(one).from_dict(broken)


def test_linucb_is_ridge_regression_with_a_bonus() -> None:
    random = np.random.default_rng(1)
    table, reward = random.normal(size=(50, 3)), random.random(50)
    one = LinUcb(3, alpha=0.7, ridge=2.0)
    one.learn(table, np.ones(50, dtype=np.int64), at(*range(50)))
    one.credit(table, reward, at(*range(50)))
    inverse = np.linalg.inv(table.T @ table + 2 * np.eye(3))
    slope = inverse @ (table.T @ reward)
    expected = [row @ slope + 0.7 * np.sqrt(row @ inverse @ row) for row in table[:5]]
    assert one.bounds(table[:5]) == pytest.approx(expected)
    told = one.chances(["x"] * 5, table[:5])
    assert told == pytest.approx(np.exp(np.array(expected) / 0.02) / np.exp(np.array(expected) / 0.02).sum())


def regret(choose: Any, learn: Any, rates: np.ndarray[Any, Any], rounds: int, seed: int) -> float:
    random, lost = np.random.default_rng(seed), 0.0
    for step in range(rounds):
        arm = int(random.choice(len(rates), p=choose()))
        learn(arm, float(random.random() < rates[arm]), step)
        lost += float(rates.max() - rates[arm])
    return lost


@pytest.mark.parametrize("kind", ["thompson", "linucb"])
def test_it_finds_the_better_arm(kind: str) -> None:
    rates = np.array([0.05, 0.1, 0.4, 0.15])
    even = regret(lambda: np.full(4, 0.25), lambda *_: None, rates, 600, 0)
    names, table = ["a", "b", "c", "d"], np.eye(4)
    one: Thompson | LinUcb = Thompson() if kind == "thompson" else LinUcb(4)

    def learn(arm: int, reward: float, step: int) -> None:
        if isinstance(one, Thompson):
            one.learn([names[arm]], FIRST, at(step))
            one.credit([names[arm]], np.array([reward]), at(step))
        else:
            one.learn(table[arm : arm + 1], FIRST, at(step))
            one.credit(table[arm : arm + 1], np.array([reward]), at(step))

    assert regret(lambda: one.chances(names, table), learn, rates, 600, 1) < 0.4 * even


def test_bad_settings() -> None:
    with pytest.raises(UsageError):
        Thompson(strength=0)
    with pytest.raises(UsageError):
        LinUcb(3, temperature=0)
