"""Bootstrap: seeded, near the theory, honest where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.errors import UsageError
from zhiyin.evaluate.intervals import bootstrap, bootstrap_columns, bootstrap_difference, resampled_means


def test_close_to_the_normal_interval() -> None:
    values = np.random.default_rng(1).random(2000)
    got = bootstrap(values, resamples=4000)
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert got.low == pytest.approx(values.mean() - error, abs=error / 12)
    assert got.high == pytest.approx(values.mean() + error, abs=error / 12)


def test_the_seed_decides() -> None:
    values = np.arange(50.0)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    samples = (random.random((300, 200)) < 0.1).astype(np.float64)
    found = [bootstrap(sample, resamples=300) for sample in samples]
    assert 0.90 <= np.mean([x.low <= 0.1 <= x.high for x in found]) <= 0.98


def test_nan_is_left_out_and_columns_are_apart() -> None:
    values = np.array([[1.0, 5.0, np.nan], [1.0, np.nan, np.nan], [1.0, 7.0, 3.0]])
    sure, some, one = bootstrap_columns(values)
    assert (sure.low, sure.high) == (1, 1)
    assert (some.low, some.high) == (5, 7)
    assert np.isnan([one.low, one.high]).all(), "one user says nothing about others"


def test_nobody() -> None:
    got = bootstrap(np.empty(0))
    assert np.isnan([got.low, got.high]).all()
    assert resampled_means(np.empty((0, 2)), resamples=5).shape == (5, 2)


def test_draws_have_the_size_of_the_sample() -> None:
    means = resampled_means(np.array([[0.0], [1.0], [2.0], [3.0]]), resamples=500)
    assert set((means[:, 0] * 4).tolist()) <= set(range(13)), "every mean is a sum of four draws"
    assert means.std() == pytest.approx(np.sqrt(1.25 / 4), rel=0.1)


def test_a_paired_difference_sees_what_two_intervals_do_not() -> None:
    random = np.random.default_rng(2)
    base = random.random(400)
    better = base + 0.01 + random.normal(0, 0.02, 400)
    alone, other = bootstrap(base), bootstrap(better)
    assert alone.high > other.low, "the two intervals overlap"
    got = bootstrap_difference(better, base)
    assert got.clear
    assert got.low < 0.01 < got.high
    assert got.mean == pytest.approx((better - base).mean())
    assert not bootstrap_difference(base, base).clear


def test_a_paired_difference_needs_the_same_users() -> None:
    with pytest.raises(UsageError, match="2 users against 3"):
        bootstrap_difference(np.zeros(2), np.zeros(3))
    half = bootstrap_difference(np.array([1.0, np.nan, 2.0]), np.array([0.0, 0.0, np.nan]))
    assert (half.mean, half.users, half.clear) == (1.0, 1, False)
