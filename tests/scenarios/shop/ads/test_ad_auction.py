"""Auction, blending and intervals: what must hold for any offers."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.scenarios.shop.ads.auction import auction, prices
from zhiyin.scenarios.shop.ads.blending import blend, positions
from zhiyin.scenarios.shop.ads.intervals import difference, ratio, wilson
from zhiyin.scenarios.shop.ads.policy import Places

offer = st.just(-math.inf) | st.floats(0, 1e6)
offers = st.integers(1, 6).flatmap(
    lambda size: st.lists(st.lists(offer, min_size=size, max_size=size), min_size=1, max_size=5)
)


def test_a_worked_example() -> None:
    """Three bid 5, 3 and 1 for a show: the first wins and pays 3; with a reserve of 4 it pays 4."""
    table = np.array([[5.0, 3.0, 1.0]])
    for reserve, worth in ((0.0, 3.0), (4.0, 4.0)):
        won = auction(table, reserve, 0.0, np.random.default_rng(0))
        assert (won.campaign[0], won.worth[0], won.chance[0]) == (0, worth, 1.0)
    assert auction(table, 6.0, 0.0, np.random.default_rng(0)).campaign[0] == -1
    by_click = prices(np.array([3.0, 3.0]), np.array([0.5, 0.5]), np.array([10.0, 5.0]), np.array([True, False]))
    assert by_click.tolist() == [6, 3], "3 for a show is 6 for a click that comes every second time"


@settings(max_examples=200, deadline=None)
@given(offers, st.floats(0, 1000), st.floats(0, 0.5), st.integers(0, 99))
def test_no_winner_below_the_reserve_and_no_price_above_the_offer(
    told: list[list[float]], reserve: float, spare: float, seed: int
) -> None:
    table = np.array(told)
    won = auction(table, reserve, spare, np.random.default_rng(seed))
    for row, winner, worth, chance in zip(table, won.campaign, won.worth, won.chance, strict=True):
        fit = row[row >= reserve]
        assert (winner >= 0) == bool(len(fit))
        if winner < 0:
            continue
        assert reserve <= worth <= row[winner]
        assert 0 < chance <= 1 + 1e-12
        if winner == row.argmax():
            # Of equal offers the first is the best; another of them has the place only where it is spare.
            assert chance >= 1 - spare
        others = np.delete(row, winner)
        assert worth <= max(reserve, others.max(initial=-math.inf))
    click = np.full(len(table), 0.013)
    bid = np.maximum(won.worth, 1.0) * 2
    assert (prices(won.worth, click, bid, np.ones(len(table), dtype=bool)) <= bid).all()


def test_propensities_are_the_frequencies() -> None:
    table = np.tile([3.0, 2.0, 1.0, -math.inf], (40_000, 1))
    won = auction(table, 0.5, 0.3, np.random.default_rng(3))
    found = np.bincount(won.campaign, minlength=4) / len(table)
    assert found == pytest.approx([0.8, 0.1, 0.1, 0.0], abs=0.01)
    assert [won.chance[won.campaign == one][0] for one in range(3)] == pytest.approx([0.8, 0.1, 0.1])


places = st.builds(
    Places,
    positions=st.lists(st.integers(1, 30), max_size=6).map(tuple),
    at_most=st.integers(0, 5),
    gap=st.integers(0, 6),
    shortest=st.integers(1, 8),
)


@settings(max_examples=300, deadline=None)
@given(places, st.integers(0, 25), st.integers(0, 6))
def test_advertisements_keep_their_places_and_distance(rules: Places, organic: int, ads: int) -> None:
    at = positions(rules, organic)
    items = [f"item {number}" for number in range(organic)]
    found = blend(items, [f"ad {number}" for number in range(ads)], at)
    assert [one for one in found if one.startswith("item")] == items, "the recommended ones stay in order"
    where = [place for place, one in enumerate(found, 1) if one.startswith("ad")]
    assert where == at[: min(ads, len(at))]
    assert len(where) <= rules.at_most
    assert set(where) <= set(rules.positions)
    assert all(later - earlier - 1 >= rules.gap for earlier, later in pairwise(where))
    if organic < rules.shortest:
        assert not where


def test_intervals_against_published_figures() -> None:
    """Newcombe, 1998: Wilson for 81 of 263 is .2553 to .3662; method 10 for 56/70 - 48/80 is .0524 to .3339."""
    one = wilson(81, 263)
    assert (one.low, one.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    two = difference(56, 70, 48, 80)
    assert (two.value, two.low, two.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert math.isnan(wilson(0, 0).value)
    assert math.isnan(ratio(0, 10, 3, 10).value)
    three = ratio(30, 100, 20, 100)
    assert three.low < 0.5 < three.high
