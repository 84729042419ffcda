"""Chances learned from lists whose true chances are known, and what must hold for any list."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from zhiyin.errors import ModelError, UsageError
from zhiyin.rank.probability import Probability
from zhiyin.rank.probability.curves import isotonic, logistic, rank_curve
from zhiyin.rank.probability.model import METHODS, Method
from zhiyin.types import Floats, Longs

Lists = tuple[Floats, NDArray[np.bool_], Longs, NDArray[np.float64]]


def lists(users: int, k: int = 20, seed: int = 0) -> Lists:
    """Lists whose best score says how sure the model is: chance = sigmoid(3 top - 4 - log(rank) - 2 gap)."""
    random = np.random.default_rng(seed)
    top = random.normal(0, 1, (users, 1))
    gap = np.sort(np.concatenate((np.zeros((users, 1)), random.exponential(0.7, (users, k - 1))), axis=1), axis=1)
    odds = 3 * top - 4 - np.log(np.arange(1, k + 1)) - 2 * gap
    chance = 1 / (1 + np.exp(-odds))
    hits = random.random((users, k)) < chance
    return (top - gap).astype(np.float32), hits, random.integers(1, 60, users), chance


def events(users: int) -> Longs:
    return np.ones(users, dtype=np.int64)


@pytest.fixture(scope="module")
def seen() -> Lists:
    return lists(4000)


def test_sees_who_is_sure(seen: Lists) -> None:
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores, hits, lengths)
    assert told.method in ("platt", "isotonic")
    assert set(told.losses) == set(METHODS)
    assert told.losses[told.method] == min(told.losses.values())
    assert told.losses["rank"] > 1.2 * told.losses[told.method], "the score says much here"
    assert (told.people, told.hits, told.depth) == (4000, hits.sum(), 20)
    new, _, others, true = lists(2000, seed=1)
    found = told.of(new, others)
    # Of the true chances, the mean distance is a fraction of that of the curve over ranks.
    curve = Probability.learn(scores, hits, lengths, method="rank").of(new, others)
    assert np.abs(found - true).mean() < 0.25 * np.abs(curve - true).mean()
    assert abs(found[:, 0].mean() / true[:, 0].mean() - 1) < 0.1


def test_takes_the_ranks_where_scores_say_nothing() -> None:
    random = np.random.default_rng(3)
    scores = -np.sort(-random.random((3000, 10)).astype(np.float32), axis=1)
    curve = 0.3 / np.arange(1, 11)
    hits = random.random(scores.shape) < curve
    told = Probability.learn(scores, hits, np.full(3000, 5))
    found = told.of(scores[:200], np.full(200, 5))
    np.testing.assert_allclose(found.mean(axis=0), curve, atol=0.03)
    assert told.losses["rank"] < told.losses["score"]


@pytest.mark.parametrize("method", METHODS)
def test_falls_along_a_list_and_prefixes_agree(seen: Lists, method: Method) -> None:
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores, hits, lengths, method=method)
    assert told.method == method
    found = told.of(scores[:300], lengths[:300])
    assert found.dtype == np.float32
    assert (np.diff(found, axis=1) <= 0).all()
    for k in (1, 3, 19):
        assert np.array_equal(told.of(scores[:300, :k], lengths[:300]), found[:, :k])
    assert abs(found.mean() / hits[:300].mean() - 1) < 0.25


@pytest.mark.parametrize("method", METHODS)
def test_a_higher_score_is_never_less_likely(seen: Lists, method: Method) -> None:
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores, hits, lengths, method=method)
    asked = scores[:200].copy()
    before = told.of(asked, lengths[:200])
    for place in (0, 1, 5):
        raised = asked.copy()
        above = raised[:, place - 1] if place else raised[:, 0] + 1
        raised[:, place] = above
        after = told.of(raised, lengths[:200])
        assert (after[:, place] >= before[:, place] - 1e-6).all()


def test_the_same_seed_gives_the_same(seen: Lists) -> None:
    scores, hits, lengths, _ = seen
    one, other = (Probability.learn(scores[:800], hits[:800], lengths[:800], seed=4) for _ in range(2))
    assert one == other
    assert Probability.learn(scores[:800], hits[:800], lengths[:800], seed=5).losses != one.losses


@pytest.mark.parametrize("method", METHODS)
def test_comes_back_from_json(seen: Lists, method: Method) -> None:
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores, hits, lengths, method=method)
    text = json.dumps(told.to_dict())
    assert len(text) < 6000
    back = Probability.from_dict(json.loads(text))
    assert back == told
    assert np.array_equal(back.of(scores, lengths), told.of(scores, lengths))


def test_refuses_what_is_not_its_own() -> None:
    for other in ({}, {"method": "rank", "depth": 3, "more": 1}, {"method": "magic", "depth": 1}, {"depth": "many"}):
        with pytest.raises(ModelError, match="zhiyin train"):
            Probability.from_dict(other)
    for method in METHODS:
        with pytest.raises(ModelError, match="zhiyin train"):
            Probability.from_dict({"method": method, "depth": 2})
    with pytest.raises(UsageError, match="do not fit together"):
        Probability.learn(np.zeros((2, 3), dtype=np.float32), np.zeros((2, 2), dtype=np.bool_), events(2))


def test_a_few_people() -> None:
    scores = np.array([[3, 2, 1], [3, 2, -np.inf], [2, 1, 0]], dtype=np.float32)
    hits = np.array([[True, False, False], [False, True, False], [False, False, False]])
    told = Probability.learn(scores, hits, np.array([1, 2, 3]))
    assert (told.method, told.losses) == ("rank", {})
    found = told.of(scores, np.array([1, 2, 0]))
    assert ((found > 0) == np.isfinite(scores)).all()
    assert (np.diff(found, axis=1) <= 0).all()
    assert found.max() < 0.5, "three people are not believed"
    assert found[0, 2] < found[0, 0]


def test_no_hit_is_rare_and_not_never() -> None:
    scores = np.tile(np.arange(100, 0, -1, dtype=np.float32), (500, 1))
    told = Probability.learn(scores, np.zeros(scores.shape, dtype=np.bool_), events(500))
    found = told.of(scores[:1], events(1))
    assert (found > 0).all()
    assert found.sum() < 0.01


@pytest.mark.parametrize("shape", [(0, 0), (0, 10), (5, 0)])
def test_nothing_was_measured(shape: tuple[int, int]) -> None:
    told = Probability.learn(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.bool_), events(shape[0]))
    assert told == Probability.nothing()
    assert Probability.from_dict(told.to_dict()) == told
    assert np.isnan(told.of(np.ones((2, 3), dtype=np.float32), events(2))).all()
    empty = np.full((4, 3), -np.inf, dtype=np.float32)
    assert Probability.learn(empty, np.zeros((4, 3), dtype=np.bool_), events(4)).depth == 0


def test_says_nothing_beyond_its_depth(seen: Lists) -> None:
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores[:, :5], hits[:, :5], lengths)
    found = told.of(np.where(np.arange(20) < 7, scores, -np.inf)[:50], lengths[:50])
    assert np.isfinite(found[:, :5]).all()
    assert np.isnan(found[:, 5:7]).all()
    assert not found[:, 7:].any(), "where there is no item there is no chance"


@pytest.mark.parametrize("method", METHODS)
def test_filler_and_what_was_never_met(seen: Lists, method: Method) -> None:
    """Items that fill a list stand far below it; scores, gaps and histories beyond all that was met are cut to it."""
    scores, hits, lengths, _ = seen
    told = Probability.learn(scores, hits, lengths, method=method)
    odd = np.array([[1e30, 5, -1e30], [0.4, -1.7, -1.8], [np.nan, -np.inf, -np.inf]], dtype=np.float32)
    found = told.of(odd, np.array([0, 10**9, 0]))
    assert ((found >= 0) & (found <= 1)).all()
    assert found[2].tolist() == [0, 0, 0]
    assert (np.diff(found, axis=1) <= 0).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_scores_all_alike(value: float) -> None:
    scores = np.full((300, 8), value, dtype=np.float32)
    hits = np.zeros(scores.shape, dtype=np.bool_)
    hits[:90, 0] = hits[90:120, 3] = True
    told = Probability.learn(scores, hits, np.full(300, 2))
    found = told.of(scores[:1], np.array([2]))[0]
    assert found[0] == pytest.approx(0.3, abs=0.05)


def test_everybody_takes_the_first() -> None:
    scores = np.tile(np.arange(5, 0, -1, dtype=np.float32), (400, 1))
    hits = np.zeros(scores.shape, dtype=np.bool_)
    hits[:, 0] = True
    found = Probability.learn(scores, hits, events(400)).of(scores[:1], events(1))[0]
    assert found[0] > 0.9
    assert found[1:].max() < 0.05


def test_people_are_drawn_where_there_are_many(monkeypatch: pytest.MonkeyPatch, seen: Lists) -> None:
    monkeypatch.setattr("zhiyin.rank.probability.model.MOST_PEOPLE", 900)
    scores, hits, lengths, _ = seen
    assert Probability.learn(scores, hits, lengths).people == 900


def test_misses_left_out_are_counted(monkeypatch: pytest.MonkeyPatch, seen: Lists) -> None:
    scores, hits, lengths, _ = seen
    whole = Probability.learn(scores, hits, lengths, method="platt").of(scores, lengths)
    monkeypatch.setattr("zhiyin.rank.probability.curves.MOST_CELLS", 20_000)
    drawn = Probability.learn(scores, hits, lengths, method="platt").of(scores, lengths)
    assert drawn.mean() == pytest.approx(whole.mean(), rel=0.03)
    assert not np.array_equal(drawn, whole)


def test_rank_curve_by_hand() -> None:
    # A thousand people and more hits than any guess: shares as they are; the two middle ranks are levelled.
    hits = np.zeros((1000, 4), dtype=np.bool_)
    hits[:400, 0] = hits[:100, 1] = hits[:200, 2] = hits[:50, 3] = True
    np.testing.assert_allclose(rank_curve(np.ones_like(hits), hits), [0.4, 0.15, 0.15, 0.05], atol=0.01)


def test_isotonic_by_hand() -> None:
    index = np.repeat([0.0, 1.0, 2.0], 1000)
    hits = np.zeros(3000, dtype=np.bool_)
    hits[:100] = hits[1000:1050] = hits[2000:2500] = True
    at, odds = isotonic(index, hits, np.full(3000, 650 / 3000))
    np.testing.assert_allclose(at, [0, 1, 2])
    # The first two fall, so they are levelled at 150 of 2000; 1 hit in 4.6 cells is added to each.
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), [152 / 2009.2, 152 / 2009.2, 501 / 1004.6], rtol=1e-3)


def test_logistic_finds_the_weights_and_keeps_to_its_bounds() -> None:
    random = np.random.default_rng(0)
    cells = random.normal(0, 1, (40_000, 7)).astype(np.float32)
    true = np.array([0.5, 0, 1.0, 0, 0, -0.1, 0.3, -2.0])
    hits = random.random(len(cells)) < 1 / (1 + np.exp(-(cells @ true[:-1] + true[-1])))
    found = logistic(cells, hits)
    np.testing.assert_allclose(found[[0, 2, 6, 7]], true[[0, 2, 6, 7]], atol=0.12)
    assert (found[:6] >= 0).all()
    assert found[5] == 0


@given(
    users=st.integers(1, 12),
    k=st.integers(1, 6),
    seed=st.integers(0, 1000),
    cut=st.integers(0, 6),
    method=st.sampled_from([None, *METHODS]),
)
@settings(max_examples=80, deadline=None)
def test_any_list(users: int, k: int, seed: int, cut: int, method: Method | None) -> None:
    random = np.random.default_rng(seed)
    scores = -np.sort(-random.normal(0, 10.0 ** random.integers(-3, 4), (users, k)), axis=1).astype(np.float32)
    scores[random.random(users) < 0.5, cut:] = -np.inf
    hits = random.random((users, k)) < 0.3
    lengths = random.integers(0, 50, users)
    told = Probability.learn(scores, hits, lengths, seed, method)
    found = told.of(scores, lengths)
    known = np.isfinite(scores)
    assert ((found >= 0) & (found <= 1)).all()
    assert not found[~known].any()
    assert (np.diff(found, axis=1) <= 0).all()
    assert np.array_equal(Probability.from_dict(json.loads(json.dumps(told.to_dict()))).of(scores, lengths), found)
