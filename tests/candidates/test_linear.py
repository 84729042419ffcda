"""The linear core against its formula, item by item."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zhiyin.candidates.linear import LinearCore, LinearParams, strongest
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import rule_matrix
from zhiyin.testing.fixtures import checkerboard, shop
from zhiyin.types import Histories, TrainingData

EXACT: dict[str, Any] = {"rules": 0.0}


def by_hand(data: TrainingData, scale: float, power: float, penalty: float) -> np.ndarray:
    n = data.interactions.n_items
    counts = np.zeros((data.interactions.n_users, n))
    histories = data.interactions.histories
    np.add.at(counts, (histories.owners(), histories.items), histories.weights)
    text = np.zeros((n, n))
    if data.catalogue.vectors is not None:
        vectors = data.catalogue.vectors.astype(np.float64)
        text = np.maximum(vectors @ vectors.T, 0) ** power
        np.fill_diagonal(text, 0)
    inverse = np.linalg.inv(counts.T @ counts + scale * text + penalty * np.eye(n))
    solution = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(solution, 0)
    return solution


LOUD = LinearParams().newcomers


def of_the_formula(data: TrainingData, rules: float = 0.0, rarity: float = 0.0, newcomers: float = LOUD) -> np.ndarray:
    """The matrix with scale 3, power 2 and penalty 5."""
    n = data.interactions.n_items
    counts = np.bincount(data.interactions.histories.items, minlength=n)
    assert (counts == 0).any(), "the fixture has an item that nobody took"
    weights = by_hand(data, 3.0, 2.0, 5.0) + rules * rule_matrix(data.interactions.histories, n).toarray()
    factor = (counts + 1.0) ** -rarity
    events = data.interactions.histories.items
    # One row an event: what it gives to every item.
    given = (weights * factor)[events]
    loud, quiet = given[:, counts > 0], given[:, counts == 0]
    factor[counts == 0] = newcomers * np.sqrt((loud**2).mean() / (quiet**2).mean())
    return np.asarray(weights * factor)


def test_matches_the_formula() -> None:
    data = shop()
    model = LinearCore(text_scale=3.0, text_power=2.0, regularisation=5.0, **EXACT).fit(data)
    np.testing.assert_allclose(model.matrix.toarray(), of_the_formula(data), atol=1e-5)


def test_rules_rarity_and_newcomers_scale_columns() -> None:
    data = shop()
    params = LinearParams(text_scale=3.0, text_power=2.0, regularisation=5.0, rules=0.5, rarity=0.3, newcomers=4.0)
    expected = of_the_formula(data, rules=0.5, rarity=0.3, newcomers=4.0)
    np.testing.assert_allclose(LinearCore(params).fit(data).matrix.toarray(), expected, atol=1e-5)


def test_items_without_events_stay_as_loud_whatever_moves_the_others() -> None:
    """The rules add to items with events only; what text alone says keeps its place beside them."""
    data = shop()
    fresh = np.bincount(data.interactions.histories.items, minlength=data.interactions.n_items) == 0

    def loudness(**values: float) -> float:
        matrix = LinearCore(LinearParams(**values)).fit(data).matrix
        given = matrix.toarray()[data.interactions.histories.items]
        return float(np.sqrt((given[:, fresh] ** 2).mean() / (given[:, ~fresh] ** 2).mean()))

    for values in ({"rules": 0.0}, {"rules": 4.0}, {"regularisation": 1600.0}, {"rarity": 0.5}):
        assert np.isclose(loudness(**values), LOUD, rtol=1e-4)
    assert np.isclose(loudness(newcomers=0.25), 0.25, rtol=1e-4)


def test_trend_adds_popularity_for_everyone() -> None:
    data = shop()
    plain, led = LinearCore().fit(data), LinearCore(trend=0.5, trend_days=36_500).fit(data)
    people = Histories.of([[], [0], [1, 2]] * 10)
    lift = led.score(people) - plain.score(people)
    popularity = WindowedPopularity(days=36_500).fit(data).popularity
    assert np.isclose(lift.max(), 0.5)
    assert (np.abs(lift - lift[0]) < 1e-5).all(), "the same for everybody"
    np.testing.assert_allclose(lift[0], popularity / popularity.max() / 2, atol=1e-6)
    rows, scores = led.top_k(people, 3)
    for user in range(3):
        alone, weight = led.top_k(people.slice(user, user + 1), 3)
        assert rows[user].tolist() == alone[0].tolist(), "a batch and one person are answered alike"
        np.testing.assert_allclose(scores[user], weight[0], rtol=1e-5)
    assert (rows[0] >= 0).all(), "somebody unknown is led by what is popular"


def test_checkerboard_by_eye() -> None:
    """Users take items of their own parity, so that is what they are given."""
    data = checkerboard()
    model = LinearCore(decay=1.0, regularisation=30.0).fit(data)
    rows, scores = model.top_k(Histories.of([[0], [1], [2, 4]]), 2)
    for user, parity in enumerate((0, 1, 0)):
        assert all(
            row % 2 == parity for row in rows[user] if row >= 0 and scores[user][list(rows[user]).index(row)] > 0
        )
    assert rows[0, 0] >= 0


def test_recent_events_count_more() -> None:
    model = LinearCore(decay=0.5).fit(shop())
    history = Histories.of([[0, 1, 2]])
    assert model.event_weights(history).tolist() == [0.25, 0.5, 1.0]


def test_variants_share_what_was_solved() -> None:
    data = shop()
    first = LinearCore(**EXACT)
    cost = first.fit_seconds(data)
    first.fit(data)
    cheap = first.variant(LinearParams(decay=0.9, **EXACT))
    dear = first.variant(LinearParams(regularisation=70.0, **EXACT))
    assert cheap.fit_seconds(data) < cost
    assert dear.fit_seconds(data) == cost
    np.testing.assert_array_equal(cheap.fit(data).matrix.toarray(), first.matrix.toarray())
    fresh = LinearCore(regularisation=70.0, **EXACT).fit(data)
    np.testing.assert_array_equal(dear.fit(data).matrix.toarray(), fresh.matrix.toarray())


def test_variants_leave_what_they_share_alone() -> None:
    data = shop()
    params = LinearParams(rules=0.0, rarity=0.2)
    first = LinearCore(params).fit(data)
    before = first.matrix.toarray()
    for _ in range(2):
        np.testing.assert_array_equal(first.variant(params).fit(data).matrix.toarray(), before)
    np.testing.assert_array_equal(first.matrix.toarray(), before)


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_strongest_keeps_the_largest_magnitudes(keep: int) -> None:
    dense = np.array([[0, 3, -4, 1], [2, 0, 2, 2], [0, 0, 0, 0], [-1, 0, 0, 0]], dtype=np.float32)
    from scipy import sparse

    kept = strongest(sparse.csr_array(dense), keep).toarray()
    assert ((kept != 0).sum(axis=1) <= keep).all()
    assert np.abs(kept[0]).sum() == sum(sorted([3, 4, 1], reverse=True)[:keep])
    assert kept[1].tolist() == [[2, 0, 0, 0], [2, 0, 2, 0], [2, 0, 2, 2]][keep - 1]
    assert (kept[2] == 0).all()
