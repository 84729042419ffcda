"""The interest model among the others: the conformance suite, and what it adds to the model it wraps."""

from __future__ import annotations

import numpy as np
import pytest

pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.errors import ConfigError  # noqa: E402
from zhiyin.interest_scorer import InterestScorer, ScorerParams  # noqa: E402
from zhiyin.rank.interests import NAME, InterestModel, InterestParams  # noqa: E402
from zhiyin.testing import models as suite  # noqa: E402
from zhiyin.testing.fixtures import BLACK_TEA, CABLE, GREEN_TEA, HEADPHONES, NEW_TEA, TEAPOT, shop  # noqa: E402
from zhiyin.types import Histories  # noqa: E402

ROWS = shop().interactions.items
TEA = [ROWS.row(name) for name in (GREEN_TEA, BLACK_TEA, TEAPOT, NEW_TEA)]


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
def test_model(check: suite.Check) -> None:
    check(InterestScorer)


@pytest.fixture(scope="module")
def fitted() -> InterestScorer:
    return InterestScorer(interests=2, passes=30, held=0.0).fit(shop())


def test_tea_drinkers_are_shown_tea(fitted: InterestScorer) -> None:
    rows, _ = fitted.top_k(Histories.of([[TEA[0], TEA[2]]]), 2)
    assert set(rows[0]) <= set(TEA)


def test_common_and_contributions_are_the_score(fitted: InterestScorer) -> None:
    every = np.arange(fitted.n_items, dtype=np.int32)
    for events in ([0], [0, 3], [5, 4, 2, 1], [7, 7, 0]):
        history = Histories.of([events], weights=[[1.0 + place for place in range(len(events))]])
        told = fitted.common(every) + fitted.contributions_to(history, every).sum(axis=1)
        np.testing.assert_allclose(told, fitted.score(history)[0], atol=2e-3)


def test_an_event_may_speak_against_an_item(fitted: InterestScorer) -> None:
    history = Histories.of([[ROWS.row(GREEN_TEA), ROWS.row(HEADPHONES)]])
    tea, gear = fitted.contributions_to(history, np.array([ROWS.row(TEAPOT), ROWS.row(CABLE)], dtype=np.int32))
    assert tea[0] > 0 > tea[1]
    assert gear[1] > 0 > gear[0]


def test_without_what_is_common(fitted: InterestScorer) -> None:
    every = np.arange(fitted.n_items, dtype=np.int32)
    history = Histories.of([[0, 3]])
    plain = fitted.without_common()
    np.testing.assert_allclose(plain.score(history)[0], (fitted.score(history) - fitted.common(every))[0], atol=1e-4)
    assert not plain.common(every).any()
    assert np.array_equal(plain.contributions(history, 2), fitted.contributions(history, 2))
    grown = plain.with_newcomers(np.zeros((fitted.n_items, 3), dtype=np.float32), np.eye(1, 3, dtype=np.float32))
    assert grown.n_items == fitted.n_items + 1
    assert not grown.common(every).any()


def test_one_fit_serves_both() -> None:
    model = InterestModel(InterestParams(interests=2)).fit(shop())
    scorer = InterestScorer.of(model)
    assert scorer.model is model
    assert InterestScorer.name == NAME
    assert scorer.params.model_dump() == model.params.model_dump()
    history = Histories.of([[0, 1], [3]])
    assert np.array_equal(scorer.score(history), model.score(history))
    assert np.array_equal(scorer.score(history), InterestScorer(interests=2).fit(shop()).score(history))
    # A bundle keeps one folder: what either kept, the other takes back.
    back = InterestModel(InterestParams(**scorer.params.model_dump())).restore(scorer.arrays())
    assert np.array_equal(back.score(history), model.score(history))


def test_says_nothing_of_nobody(fitted: InterestScorer) -> None:
    assert not fitted.score(Histories.of([[]])).any()
    assert (fitted.top_k(Histories.of([[]]), 3)[0] == -1).all()


def test_newcomers_by_their_text(fitted: InterestScorer) -> None:
    vectors = shop().catalogue.vectors
    assert vectors is not None
    fresh = np.array([[1.0, 0.2, 0.0], [0.0, 0.2, 1.0]], dtype=np.float32)
    grown = fitted.with_newcomers(vectors, fresh / np.linalg.norm(fresh, axis=1, keepdims=True))
    assert grown.n_items == fitted.n_items + 2
    scores = grown.score(Histories.of([[TEA[0]]]))[0]
    assert scores[-2] > scores[-1]
    np.testing.assert_allclose(scores[:-2], fitted.score(Histories.of([[TEA[0]]]))[0], rtol=1e-5)


def test_parameters_are_those_of_the_interest_model() -> None:
    assert list(ScorerParams.model_fields) == list(InterestParams.model_fields)
    assert ScorerParams().model_dump() == InterestParams().model_dump()
    with pytest.raises(ConfigError, match="unknown parameter 'interest'"):
        InterestScorer(interest=3)


def test_longer_work_is_told_to_take_longer() -> None:
    assert InterestScorer(interests=128).fit_seconds(shop()) > InterestScorer(interests=16).fit_seconds(shop())
