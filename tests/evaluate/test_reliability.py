"""Reliability by hand, and what must hold for any chances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import UsageError
from zhiyin.evaluate.reliability import (
    Bin,
    Scheme,
    brier,
    expected_calibration_error,
    log_loss,
    relative_error,
    reliability,
    wilson,
)

SCHEMES: tuple[Scheme, ...] = ("equal_mass", "equal_hits", "equal_width")
TOLD = np.array([0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.9, 0.9])
HIT = np.array([0, 0, 0, 1, 1, 0, 1, 1], dtype=np.bool_)


def seen(table: list[Bin]) -> list[tuple[int, float, float]]:
    return [(one.count, round(one.told, 6), round(one.seen, 6)) for one in table]


def test_bins_by_eye() -> None:
    assert seen(reliability(TOLD, HIT, 2)) == [(4, 0.1, 0.25), (4, 0.7, 0.75)]
    assert seen(reliability(TOLD, HIT, 10, "equal_width")) == [(4, 0.1, 0.25), (2, 0.5, 0.5), (2, 0.9, 1.0)]
    together = seen(reliability(TOLD, HIT, 4))
    assert together == [(4, 0.1, 0.25), (2, 0.5, 0.5), (2, 0.9, 1.0)], "equal chances stay together"
    # 3.2 hits are told in all: 1.4 by the six lower cells, 1.8 by the two upper ones.
    assert seen(reliability(TOLD, HIT, 2, "equal_hits")) == [(6, 0.233333, 0.333333), (2, 0.9, 1.0)]


def test_figures_by_hand() -> None:
    table = reliability(TOLD, HIT, 10, "equal_width")
    assert expected_calibration_error(table) == pytest.approx((4 * 0.15 + 0 + 2 * 0.1) / 8)
    assert relative_error(table) == pytest.approx((4 * 0.15 + 0 + 2 * 0.1) / 4)
    assert brier(TOLD, HIT) == pytest.approx((3 * 0.01 + 0.81 + 2 * 0.25 + 2 * 0.01) / 8)
    expected = -(3 * np.log(0.9) + np.log(0.1) + 2 * np.log(0.5) + 2 * np.log(0.9)) / 8
    assert log_loss(TOLD, HIT) == pytest.approx(expected)
    assert [one.ratio for one in table] == pytest.approx([0.4, 1.0, 0.9])


def test_wilson_by_hand() -> None:
    # Wilson's interval for 1 of 10, and for none of 10 (z^2 / (n + z^2)).
    low, high = wilson(np.array([1, 0, 10]), np.array([10, 10, 10]))
    assert low[0] == pytest.approx(0.01787, abs=1e-5)
    assert high[0] == pytest.approx(0.40415, abs=1e-5)
    assert (low[1], high[1]) == (0, pytest.approx(3.8414588 / 13.8414588))
    assert (low[2], high[2]) == (pytest.approx(10 / 13.8414588), 1)


def test_sure_and_wrong_is_not_infinite() -> None:
    assert log_loss(np.array([0.0]), np.array([True])) == pytest.approx(-np.log(1e-7))
    assert log_loss(np.array([1.0]), np.array([True])) == pytest.approx(0, abs=1e-6)


def test_ends_of_equal_widths() -> None:
    told = np.array([0.0, 0.1, 0.10001, 1.0])
    assert [one.count for one in reliability(told, told > 0.5, 10, "equal_width")] == [2, 1, 1]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_and_the_unknown(scheme: Scheme) -> None:
    nothing = np.zeros(0)
    assert reliability(nothing, nothing.astype(np.bool_), 10, scheme) == []
    assert np.isnan([brier(nothing, nothing > 0), log_loss(nothing, nothing > 0)]).all()
    assert np.isnan(expected_calibration_error([]))
    assert np.isnan(relative_error([]))
    told = np.array([0.2, np.nan, 0.2])
    assert seen(reliability(told, np.array([True, True, False]), 3, scheme)) == [(2, 0.2, 0.5)]
    none = reliability(np.zeros(3), np.zeros(3, dtype=np.bool_), 2, scheme)
    assert seen(none) == [(3, 0.0, 0.0)]
    assert np.isnan(none[0].ratio)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="outside"):
        reliability(np.array([1.1]), np.array([True]))
    with pytest.raises(UsageError, match="one outcome for each"):
        brier(np.array([0.1, 0.2]), np.array([True]))
    with pytest.raises(UsageError, match="0 bins"):
        reliability(TOLD, HIT, 0)


@given(
    cells=st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60),
    bins=st.integers(1, 12),
    scheme=st.sampled_from(SCHEMES),
)
@settings(max_examples=150, deadline=None)
def test_bins_hold_every_cell_once(cells: list[tuple[float, bool]], bins: int, scheme: Scheme) -> None:
    told, hit = np.array([one for one, _ in cells]), np.array([two for _, two in cells])
    table = reliability(told, hit, bins, scheme)
    assert 1 <= len(table) <= bins
    assert sum(one.count for one in table) == len(cells)
    assert sum(one.count * one.told for one in table) == pytest.approx(told.sum(), abs=1e-6)
    assert sum(one.count * one.seen for one in table) == pytest.approx(hit.sum())
    assert all(0 <= one.low <= one.seen <= one.high <= 1 for one in table)
    means = [one.told for one in table]
    assert means == sorted(means)
    error = expected_calibration_error(table)
    assert -1e-9 <= abs(told.mean() - hit.mean()) - 1e-9 <= error <= 1, "one bin hides what several show"


def test_true_chances_are_reliable() -> None:
    random = np.random.default_rng(1)
    told = random.beta(0.5, 8, 50_000)
    hit = random.random(50_000) < told
    for scheme in SCHEMES:
        table = reliability(told, hit, 10, scheme)
        assert expected_calibration_error(table) < 0.004
        assert sum(one.low <= one.told <= one.high for one in table) >= len(table) - 2
        assert expected_calibration_error(reliability(told / 2, hit, 10, scheme)) > 0.02
