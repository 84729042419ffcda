from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zhiyin.errors import ModelError
from zhiyin.rank.interests.history import before_each, event_weights, mean_of
from zhiyin.rank.interests.learn import Pairs, Weights, candidates, gradients, log_likelihoods, shares, softmax
from zhiyin.rank.interests.model import InterestModel, InterestParams
from zhiyin.testing.fixtures import DAY, START, training_data
from zhiyin.types import NO_TIME, Histories, TrainingData

SMALL = InterestParams(interests=2, text=8, together=8, passes=12, held=0.1)
SHELVES = ("茶", "book")


def two_tastes(seed: int = 0, vectors: bool = True) -> TrainingData:
    """Forty people who drink tea and forty who read, six of twelve each; the last item of each has no event."""
    random = np.random.default_rng(5)
    people = {}
    for number in range(80):
        kind = SHELVES[number % 2]
        people[f"{kind}-{number}"] = [f"{kind}/{item} 号" for item in random.permutation(11)[:6]]
    items = [f"{kind}/{item} 号" for kind in SHELVES for item in range(12)]
    texts = {
        name: [float(name.startswith(kind)) for kind in SHELVES] + list(random.normal(0, 0.1, 6)) for name in items
    }
    return training_data(people, items=items, vectors=texts if vectors else None, seed=seed)


def kinds(data: TrainingData) -> np.ndarray:
    return np.array([name.startswith("茶") for name in data.interactions.items])


@pytest.fixture(scope="module")
def fitted() -> InterestModel:
    return InterestModel(SMALL).fit(two_tastes())


def test_people_and_items_meet_in_their_interests(fitted: InterestModel) -> None:
    data = two_tastes()
    tea = kinds(data)
    asked = Histories.of([[0, 1, 2], [12, 13, 14], []])
    people = fitted.users(asked)
    assert people.shape == (3, 2)
    np.testing.assert_allclose(people.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(fitted.items.sum(axis=1), 1, atol=1e-5)
    scores = fitted.score(asked)
    assert scores[0][tea][:11].min() > scores[0][~tea].max()
    assert scores[1][~tea][:11].min() > scores[1][tea].max()


def test_items_without_events_have_the_interests_of_their_text(fitted: InterestModel) -> None:
    data = two_tastes()
    meeting = fitted.users(Histories.of([[0, 1, 2]])) @ fitted.items.T
    never_tea, never_book = 11, 23
    assert meeting[0, never_tea] > 2 * meeting[0, never_book]
    vectors = data.catalogue.vectors
    assert vectors is not None
    grown = fitted.with_newcomers(vectors[[0, 12]])
    assert grown.n_items == 26
    assert np.array_equal(grown.items[:24], fitted.items)
    late = grown.users(Histories.of([[0, 1, 2]])) @ grown.items.T
    assert late[0, 24] > 2 * late[0, 25]
    assert fitted.n_items == 24


def test_likelihood_beats_popularity_on_what_was_not_seen(fitted: InterestModel) -> None:
    data = two_tastes()
    random = np.random.default_rng(11)
    histories, targets = [], []
    for number in range(60):
        order = random.permutation(11)[:5] + 12 * (number % 2)
        histories.append(order[:4].tolist())
        targets.append(order[4:].tolist())
    ours = fitted.log_likelihood(Histories.of(histories), Histories.of(targets))
    counts = np.bincount(data.interactions.histories.items, minlength=24) + 1.0
    popular = np.log(counts / counts.sum())[[row[0] for row in targets]]
    assert ours.mean() > popular.mean() + 0.3
    scores = fitted.score(Histories.of(histories[:1]))
    assert ours[0] == pytest.approx(np.log(softmax(scores.copy())[0, targets[0][0]]), abs=1e-4)


def test_the_same_seed_gives_the_same_and_arrays_bring_it_back(fitted: InterestModel) -> None:
    again = InterestModel(SMALL).fit(two_tastes())
    for name, array in fitted.arrays().items():
        assert np.array_equal(array, again.arrays()[name]), name
    back = InterestModel(SMALL).restore(fitted.arrays())
    asked = Histories.of([[3, 14], []])
    assert np.array_equal(back.score(asked), fitted.score(asked))
    assert np.array_equal(
        back.with_newcomers(np.ones((1, 8), dtype=np.float32)).score(asked),
        fitted.with_newcomers(np.ones((1, 8), dtype=np.float32)).score(asked),
    )
    other = InterestModel(SMALL).fit(two_tastes(seed=1))
    assert not np.array_equal(other.weights.user, fitted.weights.user)


def test_without_texts_people_alone_say_it() -> None:
    data = two_tastes(vectors=False)
    model = InterestModel(SMALL.model_copy(update={"interests": 2, "together": 2})).fit(data)
    tea = kinds(data)
    assert model.representation.shape == (24, 2)
    meeting = (model.users(Histories.of([[0, 1, 2]])) @ model.items.T)[0]
    assert meeting[tea][:11].mean() > 1.5 * meeting[~tea][:11].mean()
    assert model.with_newcomers(np.ones((2, 8), dtype=np.float32)).n_items == 24


def test_popularity_can_be_left_out() -> None:
    plain = InterestModel(SMALL.model_copy(update={"prior": 0.0})).fit(two_tastes())
    asked = Histories.of([[0]])
    np.testing.assert_allclose(plain.score(asked), plain.users(asked) @ plain.items.T / plain.temperature, rtol=1e-4)


def test_gradients_are_the_slopes() -> None:
    random = np.random.default_rng(3)
    # float64, so that the slopes are exact.
    states: Any = random.normal(size=(5, 3))
    items: Any = random.normal(size=(7, 3))
    logit: Any = random.normal(size=7)
    targets = np.array([0, 3, 3, 6, 1])
    first: Any = random.normal(size=(4, 4))
    weights = Weights(first, first[::-1].copy(), -1.0)

    def loss(at: Weights) -> float:
        q = shares(at.item, items)
        pairs = Pairs(states, targets.astype(np.int32))
        return -float(log_likelihoods(pairs, q, logit, at).mean())

    slope = gradients(weights, states, targets, items, logit)
    step = 1e-5
    for part in ("user", "item"):
        whole = getattr(weights, part)
        for place in np.ndindex(whole.shape):
            moved = whole.copy()
            moved[place] += step
            other = Weights(**{**weights.__dict__, part: moved})
            assert getattr(slope, part)[place] == pytest.approx((loss(other) - loss(weights)) / step, abs=1e-3)
    other = Weights(weights.user, weights.item, weights.heat + step)
    assert slope.heat == pytest.approx((loss(other) - loss(weights)) / step, abs=1e-3)


def test_candidates_hold_the_targets_and_know_their_chance() -> None:
    random = np.random.default_rng(0)
    proposal = np.array([0.5, *[0.5 / 99] * 99], dtype=np.float32)
    targets = np.array([7, 7, 99], dtype=np.int32)
    cumulated = np.cumsum(proposal.astype(np.float64))
    seen = np.zeros(100)
    for _ in range(400):
        chosen, places, correction = candidates(targets, proposal, cumulated, 20, random)
        assert (np.diff(chosen) > 0).all()
        assert np.array_equal(chosen[places], targets)
        seen[chosen] += 1
    chance = np.exp(correction[chosen == 0])
    assert chance[0] == pytest.approx(1.0, abs=0.01)
    assert seen[1] / 400 == pytest.approx(1 - np.exp(-23 * 0.5 / 99), abs=0.06)
    everything, places, correction = candidates(targets, proposal, cumulated, 100, random)
    assert len(everything) == 100
    assert not correction.any()
    assert np.array_equal(places, targets)


@pytest.mark.parametrize("half_life", [None, 3.0])
def test_states_before_each_event_are_those_of_the_history_cut_there(half_life: float | None) -> None:
    random = np.random.default_rng(1)
    items = random.normal(size=(9, 4)).astype(np.float32)
    rows = [[1, 2, 3, 4, 5], [8], [], [0, 7, 6]]
    times = [[NO_TIME, START, START + DAY, START + DAY, START + 30 * DAY], [START], [], [NO_TIME] * 3]
    histories = Histories.of(rows, weights=[[1, 2, 1, 3, 1], [1], [], [1, 1, 2]], times=times)
    wanted = np.array([1, 3, 4, 7, 8])
    states = before_each(histories, wanted, items, 0.7, half_life)
    owners = histories.owners()
    for place, state in zip(wanted, states, strict=True):
        low, user = histories.indptr[owners[place]], owners[place]
        cut = Histories(
            np.array([0, place - low]),
            histories.items[low:place],
            histories.weights[low:place],
            histories.times[low:place],
            histories.users[user : user + 1],
        )
        np.testing.assert_allclose(state, mean_of(cut, event_weights(cut, 0.7, half_life), items)[0], atol=1e-5)


def test_a_wrong_question_is_an_error(fitted: InterestModel) -> None:
    with pytest.raises(ModelError, match="not fitted"):
        InterestModel().users(Histories.of([[0]]))
    with pytest.raises(ModelError, match="outside its 24 items"):
        fitted.users(Histories.of([[24]]))
    with pytest.raises(ModelError, match="needs items"):
        InterestModel().fit(training_data({"nobody": []}))


def test_a_catalogue_without_events_has_interests_by_its_texts() -> None:
    vectors = {name: [1.0, 0.1 * row, 0.0] for row, name in enumerate(("茶/1", "茶/2", "茶/3"))}
    vectors |= {name: [0.0, 0.1 * row, 1.0] for row, name in enumerate(("book 1", "book 2", "book 3"))}
    model = InterestModel(SMALL).fit(training_data({}, items=list(vectors), vectors=vectors))
    nearest = model.items.argmax(axis=1)
    assert len(set(nearest[:3])) == len(set(nearest[3:])) == 1
    assert nearest[0] != nearest[3]


def test_few_events_still_give_interests() -> None:
    model = InterestModel(SMALL).fit(training_data({"谁": ["a/1"]}, items=["a/1", "b"]))
    assert np.isfinite(model.score(Histories.of([[0], []]))).all()
