"""Off-policy estimates: by hand, on bandits whose truth is known, and on a real log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import DataError, UsageError
from zhiyin.feedback.logged import Logged, Values, effective_size, frequencies, logged
from zhiyin.feedback.offpolicy import Estimate, estimate
from zhiyin.feedback.rewards import KINDS, cross_fitted

SHARED = Path(__file__).parents[3] / "shared" / "data" / "open_bandit"
# reward 1 for the first and the last; weights are 0.5/0.5 = 1, 0.5/0.25 = 2, 0.1/0.2 = 0.5 and 0.4/0.1 = 4.
HAND = logged([1, 0, 0, 1], [0, 0, 1, 2], [0.5, 0.25, 0.2, 0.1])
TARGET = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.1, 0.7], [0.3, 0.3, 0.4]])
EXPECTED = np.array([[0.5, 0.0, 1.0], [0.5, 0.0, 1.0], [0.5, 0.0, 1.0], [0.5, 0.0, 1.0]])


def by_method(found: list[Estimate]) -> dict[str, Estimate]:
    return {one.method: one for one in found}


def test_by_hand() -> None:
    found = by_method(estimate(HAND, TARGET, methods=["ips", "snips", "dm", "dr"], expected=EXPECTED))
    assert found["ips"].value == pytest.approx((1 + 4) / 4)
    assert found["snips"].value == pytest.approx(5 / 7.5)
    # sum_a target q: 0.25 + 0.2, the same, 0.1 + 0.7, 0.15 + 0.4
    direct = [0.45, 0.45, 0.8, 0.55]
    assert found["dm"].value == pytest.approx(np.mean(direct))
    # + w (r - q): 1 * 0.5, 2 * -0.5, 0.5 * 0, 4 * 0
    assert found["dr"].value == pytest.approx((sum(direct) - 0.5) / 4)
    assert found["ips"].effective == pytest.approx(7.5**2 / (1 + 4 + 0.25 + 16))
    clipped = by_method(estimate(HAND, TARGET, methods=["ips", "snips"], clip=2.0))
    assert clipped["ips"].value == pytest.approx((1 + 2) / 4)
    assert clipped["snips"].value == pytest.approx(3 / 5.5)
    alone = estimate(HAND, TARGET[np.arange(4), HAND.action], methods=["ips"])[0]
    assert alone.value == pytest.approx(found["ips"].value), "the chance of the action taken is enough for this one"


def test_intervals_follow_the_seed_and_hold_clusters_together() -> None:
    first, again = estimate(HAND, TARGET, methods=["ips"], seed=3), estimate(HAND, TARGET, methods=["ips"], seed=3)
    assert first == again
    assert first != estimate(HAND, TARGET, methods=["ips"], seed=4, resamples=50)
    one = logged([1, 0, 1, 0], [0] * 4, [1] * 4, cluster=[7, 7, 9, 9])
    told = estimate(one, np.ones(4), methods=["ips"])[0]
    assert (told.low, told.high) == (0.5, 0.5), "both people have the same mean"
    whole = estimate(logged([1, 0], [0, 0], [1, 1], cluster=[1, 1]), np.ones(2), methods=["ips"])[0]
    assert np.isnan(whole.low)
    assert whole.value == 0.5


class Bandit:
    """Three positions, five actions, two kinds of context; the truth of any policy can be computed."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.rates = random.uniform(0.05, 0.6, (2, 3, 5))
        self.logging = random.dirichlet(np.full(5, 2.0), (2, 3)) * 0.9 + 0.02
        self.target = random.dirichlet(np.full(5, 2.0), (2, 3))
        self.truth = float((self.rates * self.target).sum(axis=2).mean())

    def log(self, rows: int, seed: int) -> tuple[Logged, Values]:
        random = np.random.default_rng(seed)
        kind, place = random.integers(0, 2, rows), random.integers(0, 3, rows)
        chances = self.logging[kind, place]
        action = (random.random((rows, 1)) > np.cumsum(chances, axis=1)).sum(axis=1).clip(0, 4)
        reward = random.random(rows) < self.rates[kind, place, action]
        taken = chances[np.arange(rows), action]
        return logged(reward, action, taken, place, kind[:, None]), self.target[kind, place]


@pytest.mark.parametrize("kind", KINDS)
def test_unbiased_and_covering(kind: Any) -> None:
    bandit, runs = Bandit(1), 12 if kind == "lightgbm" else 60
    values: dict[str, list[float]] = {}
    covered: dict[str, int] = {}
    for run in range(runs):
        log, target = bandit.log(800, run)
        for one in estimate(log, target, model=kind, resamples=300, seed=run):
            values.setdefault(one.method, []).append(one.value)
            covered[one.method] = covered.get(one.method, 0) + one.covers(bandit.truth)
    for method, found in values.items():
        error = np.std(found, ddof=1) / np.sqrt(runs)
        assert abs(np.mean(found) - bandit.truth) < 4 * error + (0.002 if method == "snips" else 0), method
        assert covered[method] >= 0.8 * runs, method
    if kind != "lightgbm":  # a few runs do not show it
        assert np.var(values["dr"]) < np.var(values["ips"]), "a model of the rewards takes away spread"


def test_a_wrong_model_does_not_bias_the_doubly_robust_estimate() -> None:
    bandit = Bandit(2)
    found = []
    for run in range(200):
        log, target = bandit.log(500, run)
        wrong = np.full(target.shape, 0.9)
        found.append(estimate(log, target, methods=["dr"], expected=wrong, resamples=2)[0].value)
    assert abs(np.mean(found) - bandit.truth) < 4 * np.std(found) / np.sqrt(200)


def test_cross_fitting_tells_no_row_its_own_reward() -> None:
    log, _ = Bandit(3).log(300, 0)
    told = cross_fitted(log, 5, "ridge", folds=3, seed=1)
    changed = log.reward.copy()
    changed[17] = 100.0
    again = cross_fitted(logged(changed, log.action, log.propensity, log.position, log.context), 5, folds=3, seed=1)
    assert np.array_equal(told[17], again[17])
    assert not np.array_equal(told, again)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.floats(0.01, 50))
def test_properties(seed: int, rows: int, scale: float) -> None:
    log, target = Bandit(seed).log(rows, seed)
    found = by_method(estimate(log, target, methods=["ips", "snips"], resamples=20))
    assert log.reward.min() - 1e-12 <= found["snips"].value <= log.reward.max() + 1e-12 or not log.reward.any()
    grown = Logged(log.reward * scale, log.action, log.propensity)
    scaled = by_method(estimate(grown, target, methods=["ips", "snips"], resamples=20))
    for method in ("ips", "snips"):
        assert scaled[method].value == pytest.approx(found[method].value * scale, rel=1e-9, abs=1e-12)
    weights = target[np.arange(rows), log.action] / log.propensity
    assert 0 < effective_size(weights) <= rows + 1e-9
    own = Logged(log.reward, log.action, log.propensity)
    same = by_method(estimate(own, log.propensity, methods=["ips", "snips"], resamples=20))
    assert same["ips"].value == same["snips"].value == pytest.approx(log.reward.mean())


def test_frequencies_are_those_of_each_position() -> None:
    found = frequencies(np.array([0, 0, 1, 2], dtype=np.int32), np.array([0, 0, 0, 2], dtype=np.int32), 3)
    assert found == pytest.approx(np.array([[2 / 3, 1 / 3, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]))


def test_useless_weights_are_said() -> None:
    random = np.random.default_rng(0)
    action = (random.random(2000) < 0.002).astype(int)
    log = logged(random.random(2000) < 0.1, action, np.where(action == 1, 0.002, 0.998))
    target = np.tile([0.0, 1.0], (2000, 1))
    said = " ".join(estimate(log, target, methods=["ips"])[0].warnings)
    assert "nearly useless" in said
    assert "of all weight" in said
    nothing = estimate(log, np.tile([0.0, 0.0, 1.0], (2000, 1)), methods=["ips"])[0]
    assert "holds nothing" in nothing.warnings[0]
    assert nothing.value == 0
    wrong = logged([1.0] * 200, [0] * 200, [0.2] * 200)
    assert "mean of 5.00" in estimate(wrong, np.ones(200), methods=["ips"])[0].warnings[0]
    unseen = estimate(logged([1.0] * 200, [0] * 200, [0.7] * 200), np.tile([0.7, 0.3], (200, 1)), methods=["ips"])[0]
    assert unseen.warnings == ("30% of what the policy would do was never logged",)


@pytest.mark.parametrize(
    "told",
    [
        {"propensity": [0.5, 0.0]},
        {"propensity": [0.5, 1.5]},
        {"reward": [1.0, float("nan")]},
        {"action": [0, -1]},
        {"position": [0]},
    ],
)
def test_logs_that_are_none(told: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        logged(**{"reward": [1.0, 0.0], "action": [0, 1], "propensity": [0.5, 0.5], **told})


def test_wrong_calls() -> None:
    with pytest.raises(UsageError, match="unknown estimator"):
        estimate(HAND, TARGET, methods=["magic"])
    with pytest.raises(UsageError, match="all actions"):
        estimate(HAND, np.ones(4) * 0.5, methods=["dr"])
    with pytest.raises(UsageError, match="empty"):
        estimate(logged([], [], []), np.zeros(0), methods=["ips"])
    with pytest.raises(DataError, match="sum to 1"):
        estimate(HAND, TARGET * 0.5, methods=["ips"])
    with pytest.raises(UsageError, match="0 and 1"):
        cross_fitted(logged([0.5, 1, 0], [0, 1, 0], [1, 1, 1]), 2, "logistic")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the Open Bandit Dataset is not beside the repository")
def test_covers_the_truth_of_a_real_policy() -> None:
    import polars as pl

    random, bts = (pl.read_csv(SHARED / name / "men.csv.gz") for name in ("random", "bts"))
    action, place = bts["item_id"].to_numpy().astype(np.int32), bts["position"].to_numpy().astype(np.int32) - 1
    log = logged(random["click"], random["item_id"], random["propensity_score"], random["position"].to_numpy() - 1)
    truth = bts["click"].mean()
    assert isinstance(truth, float)
    for one in estimate(log, frequencies(action, place, 34)[log.position], resamples=500):
        assert one.covers(truth), one
        assert one.low > 0
        assert one.high < 0.01
        assert not one.warnings
