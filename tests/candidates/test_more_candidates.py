"""People, sessions, clocks, friends, walks and what is on the rise: answers that are visible by eye."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pytest
from scipy import sparse

pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.candidates.base import Recommender  # noqa: E402
from zhiyin.candidates.community import CommunityNeighbours  # noqa: E402
from zhiyin.candidates.sessions import SessionCooccurrence, sessions_by_gap  # noqa: E402
from zhiyin.candidates.transitions import TimedTransitions  # noqa: E402
from zhiyin.candidates.trending import Trending  # noqa: E402
from zhiyin.candidates.user_knn import UserKNN  # noqa: E402
from zhiyin.candidates.walks import RandomWalks  # noqa: E402
from zhiyin.errors import ModelError  # noqa: E402
from zhiyin.testing import models as suite  # noqa: E402
from zhiyin.testing.fixtures import DAY, START, chain, checkerboard, shop, training_data  # noqa: E402
from zhiyin.types import NO_TIME, Histories, IdMap, Interactions, TrainingData  # noqa: E402

MINUTE = 60_000_000


def linked(data: TrainingData, pairs: Sequence[tuple[int, int]]) -> TrainingData:
    one, other = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    n = data.interactions.n_users
    cells = (np.ones(2 * len(one), dtype=np.float32), (np.append(one, other), np.append(other, one)))
    links = sparse.csr_array(sparse.coo_array(cells, shape=(n, n)))
    return replace(data, interactions=replace(data.interactions, links=links))


def dated(data: TrainingData) -> TrainingData:
    """An event a day, up to ``now``, where there are no times."""
    histories = data.interactions.histories
    if not len(histories.items) or (histories.times != NO_TIME).any():
        return data
    places = np.arange(len(histories.items)) - np.repeat(histories.indptr[:-1], histories.lengths)
    timed = replace(histories, times=START + places.astype(np.int64) * DAY)
    return replace(data, interactions=replace(data.interactions, histories=timed), now=START + 9 * DAY)


class Friends(CommunityNeighbours):
    """With everybody linked with everybody, since the suite's data have no links."""

    def fit(self, data: TrainingData) -> Self:
        users = range(data.interactions.n_users)
        return super().fit(linked(data, [(one, other) for one in users for other in users if one < other]))


class Rising(Trending):
    """Two days against the days before, in data that reach less than a week back."""

    def __init__(self) -> None:
        super().__init__(days=2.0, before_days=30.0, prior=1.0)

    def fit(self, data: TrainingData) -> Self:
        return super().fit(dated(data))


MODELS: Mapping[str, type[Recommender]] = {
    "user_knn": UserKNN,
    "community": Friends,
    "sessions": SessionCooccurrence,
    "transitions": TimedTransitions,
    "walks": RandomWalks,
    "trending": Rising,
}
REFUSES_TINY: Mapping[str, type[Recommender]] = {"community": CommunityNeighbours, "trending": Trending}
"""A single person has no friends, and a single event no before."""


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_conforms(name: str, check: suite.Check) -> None:
    if check is suite.check_tiny_catalogues and name in REFUSES_TINY:
        with pytest.raises(ModelError):
            REFUSES_TINY[name]().fit(training_data({"a": ["唯一/one"]}))
        return
    check(MODELS[name])


@pytest.mark.parametrize("name", MODELS)
def test_says_why_in_both_languages(name: str) -> None:
    english, chinese = MODELS[name].because
    assert english.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def best(model: Recommender, history: Sequence[int], user: int = -1, k: int = 1) -> list[int]:
    return [int(row) for row in model.top_k(Histories.of([history], users=[user]), k)[0][0]]


@pytest.mark.parametrize("model", [UserKNN, RandomWalks, SessionCooccurrence])
def test_checkerboard(model: type[Recommender]) -> None:
    """The one item of one's own parity that is missing comes first; the other parity is never reached."""
    data = checkerboard()
    rows, _ = model(decay=1.0).fit(data).top_k(data.interactions.histories, 1)
    assert rows[:, 0].tolist() == list(range(20))


def test_nobody_is_their_own_neighbour() -> None:
    data = training_data({"张伟": ["a", "b", "c"], "u/2": ["a", "b", "d"], "u 3": ["x", "y"]})
    model = UserKNN(decay=1.0, shrink=0.0).fit(data)
    known = model.score(Histories.of([[0, 1]], users=[0]))[0]
    assert known[2] == 0, "only one's own history holds c"
    assert known[3] > 0
    assert model.score(Histories.of([[0, 1]]))[0][2] > 0, "to a stranger with the same taste it speaks"


def test_likeness_by_hand() -> None:
    """Cosines of 1/sqrt(2) with both people, of whom only one took d; without rarity or shrinkage."""
    data = training_data({"p": ["a", "c"], "q": ["a", "d"], "r": ["e"]}, items=["a", "c", "d", "e"])
    scores = UserKNN(decay=1.0, shrink=0.0, rarity=0.0).fit(data).score(Histories.of([[0]]))[0]
    assert scores.tolist() == pytest.approx([2 / 2**0.5, 1 / 2**0.5, 1 / 2**0.5, 0])
    closest = UserKNN(neighbours=1, decay=1.0, shrink=0.0, rarity=0.0).fit(data).score(Histories.of([[0]]))[0]
    assert closest.tolist() == pytest.approx([1 / 2**0.5, 1 / 2**0.5, 0, 0]), "of equally close people the first"


def test_a_friends_choice_comes_first() -> None:
    """ann's friend bob took f, bob's friend cem took g, dan is no relation."""
    data = linked(
        training_data({"ann": ["a"], "bob": ["b", "f"], "cem": ["c", "g"], "dan": ["a", "h"]}), [(0, 1), (1, 2)]
    )
    rows = {name: row for row, name in enumerate(data.interactions.items)}
    model = CommunityNeighbours(taste=0.0, damping=0.5).fit(data)
    assert model.voices(Histories.of([[0]], users=[0])).toarray().tolist() == [[0, 1, 0.25, 0]]
    assert best(model, [rows["a"]], user=0, k=5) == [rows["b"], rows["f"], rows["c"], rows["g"], -1]
    assert best(CommunityNeighbours(damping=0.0).fit(data), [rows["a"]], user=0, k=3) == [rows["b"], rows["f"], -1]
    assert best(model, [rows["a"]], user=-1) == [-1], "a stranger has no friends"
    assert best(model, [rows["a"]], user=3) == [-1], "nor has somebody who is linked with nobody"


def test_a_friend_of_like_taste_says_more() -> None:
    data = linked(training_data({"我": ["a", "b"], "x": ["a", "b", "p"], "y": ["c", "q"]}), [(0, 1), (0, 2)])
    rows = {name: row for row, name in enumerate(data.interactions.items)}
    plain = CommunityNeighbours(taste=0.0).fit(data).score(data.interactions.histories)[0]
    assert plain[rows["p"]] == plain[rows["q"]] > 0
    keen = CommunityNeighbours(taste=10.0).fit(data).score(data.interactions.histories)[0]
    assert keen[rows["p"]] > keen[rows["q"]] == plain[rows["q"]]


@pytest.mark.parametrize("data", [shop(), linked(shop(), [])])
def test_without_links_there_is_no_community(data: TrainingData) -> None:
    with pytest.raises(ModelError, match="--links FILE"):
        CommunityNeighbours().fit(data)


def test_sessions_end_at_a_pause() -> None:
    histories = Histories.of(
        [[0, 1, 2, 3], [4], [5, 6]], times=[[0, MINUTE, 62 * MINUTE, 63 * MINUTE], [0], [0, 9 * DAY]]
    )
    found = sessions_by_gap(histories, 60.0, 10)
    assert found is not None
    assert found.tolist() == [0, 0, 1, 1, 2, 3, 4]
    cut = sessions_by_gap(Histories.of([[0, 1, 2, 3, 4]], times=[[7] * 5]), 60.0, 2)
    assert cut is not None
    assert cut.tolist() == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("times", [None, [[day * DAY for day in range(6)]] * 5])
def test_times_that_tell_no_sessions_apart(times: list[list[int]] | None) -> None:
    """Then neighbouring events are together, the closest most; those further apart than the window never."""
    assert sessions_by_gap(Histories.of([[0, 1, 2, 3, 4, 5]] * 5, times=times), 60.0, 10) is None
    matrix = SessionCooccurrence(window=3).fit(chain()).matrix.toarray()
    assert matrix[2][3] > matrix[2][4] > 0 == matrix[2][5]
    assert matrix == pytest.approx(matrix.T)


def test_what_is_taken_in_one_sitting() -> None:
    days = {"u": [0, 1, 40 * MINUTE * 24, 40 * MINUTE * 24 + 1], "v": [0, 1, 2 * DAY, 2 * DAY + 1]}
    data = training_data({"u": ["茶", "壶", "x", "y"], "v": ["壶", "茶", "y", "x"]}, times=days)
    model = SessionCooccurrence(decay=1.0).fit(data)
    assert best(model, [0], k=2) == [1, -1]
    assert best(model, [3], k=2) == [2, -1]


def test_a_slow_step_counts_less() -> None:
    """From a, one person went to b within a minute, another to c a month later."""
    data = training_data({"u": ["a", "b"], "v": ["a", "c"]}, times={"u": [0, MINUTE], "v": [0, 30 * DAY]}, now=30 * DAY)
    row = TimedTransitions(half_life_days=30.0, age_days=36_500.0, shrink=0.0).fit(data).matrix.toarray()[0]
    assert row[1] == pytest.approx(2 * row[2], rel=1e-3)
    old = TimedTransitions(half_life_days=36_500.0, age_days=30.0, shrink=0.0).fit(data).matrix.toarray()[0]
    assert old[2] == pytest.approx(2 * old[1], rel=1e-3), "of a month ago counts half"


def test_without_times_positions_count() -> None:
    rows, _ = TimedTransitions().fit(chain()).top_k(Histories.of([[0], [0, 1], [4], [5]]), 2)
    assert rows.tolist() == [[1, 2], [2, 3], [5, -1], [-1, -1]]


def test_an_event_long_before_the_last_counts_less() -> None:
    model = TimedTransitions(decay=1.0, half_life_days=10.0).fit(chain())
    histories = Histories.of([[0, 1], [0, 1]], times=[[0, 10 * DAY], [0, NO_TIME + 1]], users=[-1, -1])
    assert model.event_weights(histories)[:2].tolist() == pytest.approx([0.5, 1.0])
    assert model.event_weights(Histories.of([[0, 1]])).tolist() == [1, 1]


def test_walks_by_hand() -> None:
    """From a by way of u (two items) or v (two items), each half of the time: 1/4 to b and to c, none of it back."""
    data = training_data({"u": ["a", "b"], "v": ["a", "c"]})
    matrix = RandomWalks(alpha=1.0, beta=0.0).fit(data).matrix.toarray()
    assert matrix == pytest.approx(np.array([[0, 0.25, 0.25], [0.5, 0, 0], [0.5, 0, 0]]))
    held_back = RandomWalks(alpha=1.0, beta=1.0).fit(data).matrix.toarray()
    assert held_back == pytest.approx(np.array([[0, 0.25, 0.25], [0.25, 0, 0], [0.25, 0, 0]]))


def test_what_rises() -> None:
    """up was taken once before and four times lately, down the other way round; steady has the same share."""
    early, late = list(range(10)), [95 + place for place in range(5)]
    taken = {f"早{place}": (["down"] * 4 + ["up"] + ["steady"] * 5)[place] for place in early}
    taken |= {f"晚{place}": ["up", "up", "up", "steady", "steady"][place - 95] for place in late}
    data = training_data(
        {user: [item] for user, item in taken.items()},
        times={user: [START + int(user[1:]) * DAY] for user in taken},
        now=START + 99 * DAY,
    )
    rows = {name: row for row, name in enumerate(data.interactions.items)}
    scores = Trending(days=30.0, before_days=365.0, prior=1.0).fit(data).score(Histories.of([[]]))[0]
    assert scores[rows["up"]] == pytest.approx(3**0.5 * np.log((3 + 1) / (0.5 + 1)))
    assert scores[rows["down"]] == 0
    assert scores[rows["steady"]] == 0, "expected were two and a half"


def test_no_before_no_trend() -> None:
    with pytest.raises(ModelError, match="no event has a time"):
        Trending().fit(chain())
    with pytest.raises(ModelError, match="no event is more than 30 days old"):
        Trending().fit(dated(chain()))


def test_large_data_take_seconds() -> None:
    """300,000 events of 20,000 people with 18,000 items: each fits within seconds, one person is asked within ms."""
    random = np.random.default_rng(0)
    items = np.minimum(random.zipf(1.3, 300_000) - 1, 17_999).astype(np.int32)
    names = [f"item {row}" for row in range(18_000)]
    base = training_data({"u": names}, items=names)
    times = np.sort(random.integers(START, START + 700 * DAY, (20_000, 15)), axis=1).ravel()
    histories = Histories(
        np.arange(0, 300_001, 15), items, np.ones(300_000, dtype=np.float32), times, np.arange(20_000, dtype=np.int32)
    )
    people = IdMap([f"user {row}" for row in range(20_000)])
    data = replace(base, interactions=Interactions(people, base.interactions.items, histories), now=START + 700 * DAY)
    pairs = random.integers(0, 20_000, (100_000, 2))
    data = linked(data, [(int(one), int(other)) for one, other in pairs if one != other])
    for kind in (UserKNN, CommunityNeighbours, SessionCooccurrence, TimedTransitions, Trending):
        began = time.process_time()
        model = kind().fit(data)
        assert time.process_time() - began < 30, kind.name
        one = histories.slice(7, 8)
        model.top_k(one, 10)
        laps = []
        for _ in range(5):
            began = time.perf_counter()
            model.top_k(one, 10)
            laps.append(time.perf_counter() - began)
        assert min(laps) < 0.02, f"{kind.name} took {min(laps) * 1000:.1f} ms"
