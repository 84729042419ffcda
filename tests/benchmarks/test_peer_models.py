"""The peers do what their authors' formulas say, on histories small enough to count by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.peer_counting import PCTM, SeqRules, pair_counts
from benchmarks.peer_elsewhere import LENSKIT, RECTOOLS, Elsewhere, Environment
from benchmarks.peer_implicit import ImplicitPeer, tidy
from zhiyin.errors import ModelError
from zhiyin.types import Catalogue, Histories, IdMap, Interactions, TrainingData


def data(histories: list[list[int]], n: int) -> TrainingData:
    users = IdMap([f"用户 {row}" for row in range(len(histories))])
    items = IdMap([f"item/{row}" for row in range(n)])
    catalogue = Catalogue([""] * n, [[]] * n, [""] * n, None, np.zeros(n, dtype=np.bool_))
    return TrainingData(Interactions(users, items, Histories.of(histories)), catalogue)


CHECKERBOARD = [[0, 2], [0, 2, 4], [2, 4], [0, 4], [1, 3], [1, 3, 5], [3, 5], [1, 5]]


def test_pairs_count_by_distance() -> None:
    matrix = pair_counts(Histories.of([[0, 1, 2], [0, 2]]), 3, np.array([1.0, 0.5])).toarray()
    # 0 then 2: once at distance 2 (0.5) and once at distance 1.
    assert matrix.tolist() == [[0, 1, 1.5], [0, 0, 1], [0, 0, 0]]


def test_rules_weigh_recent_events_and_keep_the_strongest() -> None:
    train = data([[0, 1], [0, 1], [0, 2], [3, 2]], 4)
    model = SeqRules(window=1, distance="div", strongest=1, history=2, recency="quadratic").fit(train)
    assert model.matrix.toarray().tolist() == [[0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    # 0 is one step ago: 2 / 2^2; 3 is the latest: 1.
    assert model.score(Histories.of([[0, 3]]))[0].tolist() == [0, 0.5, 1, 0]
    # Beyond the latest two nothing counts.
    assert model.score(Histories.of([[0, 1, 2]]))[0].tolist() == [0, 0, 0, 0]


def test_rules_of_rare_items_count_more_with_idf() -> None:
    train = data([[0, 1], [0, 1], [2, 1]], 3)
    model = SeqRules(window=1, distance="same", idf=True).fit(train)
    # log(3 / taken): 1 is taken by all (0), 2 by one (the highest, 1), 0 by two, in between.
    between = np.log(3 / 2) / np.log(3)
    np.testing.assert_allclose(model.matrix.toarray()[:, 1], [2 * between, 0, 1], rtol=1e-6)


def test_pctm_is_smoothed_log_evidence_less_popularity() -> None:
    train = data([[0, 1], [0, 1], [0, 2]], 3)
    model = PCTM(window=1, power=1.0, tau=0.5, decay=0.5, popularity=-0.1).fit(train)
    popularity = np.log((np.array([3, 2, 1]) + 1) / (6 + 3))
    # The history 2, 0: weights 1/3 and 2/3; nothing ever followed 2.
    expected = 2 / 3 * np.log1p(np.array([0, 2, 1]) / 0.5) - 0.1 * popularity
    np.testing.assert_allclose(model.score(Histories.of([[2, 0]]))[0], expected, rtol=1e-5)


def test_pctm_without_popularity_says_nothing_of_the_unknown() -> None:
    model = PCTM(popularity=0.0).fit(data([[0, 1], [0, 1], [0, 2]], 4))
    rows, _ = model.top_k(Histories.of([[0]]), 3)
    assert rows.tolist() == [[1, 2, -1]]


@pytest.mark.parametrize("kind", ["cosine", "tfidf", "bm25", "als"])
def test_the_library_keeps_to_its_half_of_the_checkerboard(kind: str) -> None:
    values = {"factors": 2, "regularization": 0.1, "alpha": 10.0} if kind == "als" else {"K": 5}
    peer = ImplicitPeer(kind, **values).fit(data(CHECKERBOARD, 6))  # type: ignore[arg-type]
    rows, scores = peer.top_k(Histories.of([[0, 2], [1, 5]]), 1)
    assert rows.tolist() == [[4], [3]]
    assert (scores > 0).all()


def test_the_library_may_be_told_what_is_allowed() -> None:
    peer = ImplicitPeer("cosine", K=5).fit(data(CHECKERBOARD, 6))
    allowed = np.array([True, True, True, True, False, True])
    rows, _ = peer.top_k(Histories.of([[0]]), 2, allowed=allowed)
    assert rows.tolist() == [[2, -1]]


def test_padding_goes_to_the_end() -> None:
    rows, scores = tidy(np.array([[3, 1, 2, -1]]), np.array([[0.0, 0.5, 0.25, -3.4e38]]))
    assert rows.tolist() == [[1, 2, -1, -1]]
    assert scores.tolist() == [[0.5, 0.25, -np.inf, -np.inf]]


def needs(environment: Environment) -> None:
    if not environment.installed():
        pytest.skip(f"the environment of {environment.library} is not made yet: python -m benchmarks quality makes it")


def test_rectools_gives_the_closed_form() -> None:
    needs(RECTOOLS)
    # Item 6 has no event; the third user asked has no history.
    train, asked = data(CHECKERBOARD, 7), Histories.of([[0, 2], [1], []])
    peer = Elsewhere(RECTOOLS, "ease", regularization=2.0).fit(train)
    rows, _ = peer.top_k(asked, 2)
    counts = np.zeros((len(CHECKERBOARD), 6))
    for user, items in enumerate(CHECKERBOARD):
        counts[user, items] = 1
    inverse = np.linalg.inv(counts.T @ counts + 2 * np.eye(6))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    expected = weights[0] + weights[2]
    expected[[0, 2]] = -np.inf
    assert rows[0, 0] == expected.argmax() == 4
    assert set(rows[1].tolist()) == {3, 5}
    assert rows[2].tolist() == [-1, -1]
    assert peer.answer is not None
    assert peer.answer.fit_seconds[0] > 0
    assert peer.answer.list_seconds[0] > 0
    assert peer.answer.mib >= 0


def test_a_transformer_of_rectools_learns_what_follows() -> None:
    needs(RECTOOLS)
    # Everybody walks on by one; ids of items reach it as they are. Item 12 has no event.
    walks = [[(start + step) % 12 for step in range(6)] for start in range(12)] * 4
    asked = Histories.of([[(start + step) % 12 for step in range(4)] for start in range(12)])
    following = Histories.of([[(start + 4) % 12] for start in range(12)])
    small: dict[str, Any] = {
        "n_factors": 16,
        "n_blocks": 1,
        "n_heads": 1,
        "session_max_len": 8,
        "batch_size": 16,
        "stages": (1, 10, 20),
    }
    peer = Elsewhere(RECTOOLS, "sasrec", layers="ligr", lr=0.02, dropout_rate=0.1, epochs=20, **small)
    along = peer.fit(data(walks, 13)).top_k_along(
        "epochs", (1, 10, 20), asked, 3, targets=following, patience=0, allowed=np.arange(13) != 11
    )
    assert len(along) == 3
    rows, _ = along[-1]
    expected = [(start + 4) % 12 for start in range(12)]
    assert [first for first, right in zip(rows[:, 0].tolist(), expected, strict=True) if right != 11] == [
        right for right in expected if right != 11
    ]
    assert not (rows == 11).any()
    assert not (rows[:, :, None] == asked.items.reshape(12, 1, -1)).any()
    again, _ = peer.top_k(asked, 3, allowed=np.arange(13) != 11)
    # The same seed and as many epochs: the same model.
    assert (again == rows).all()


@pytest.mark.parametrize("model", ["item_knn", "user_knn"])
def test_lenskit_keeps_to_its_half_of_the_checkerboard(model: str) -> None:
    needs(LENSKIT)
    train = data(CHECKERBOARD, 7)
    asked = Histories.of([[0, 2], [1, 5], []], users=[0, -1, -1])
    peer = Elsewhere(LENSKIT, model, max_nbrs=5).fit(train)
    rows, scores = peer.top_k(asked, 2)
    assert rows.tolist() == [[4, -1], [3, -1], [-1, -1]]
    allowed = np.arange(7) != 4
    several = peer.top_k_along(
        "max_nbrs", (1, 5), asked, 2, targets=Histories.of([[4], [3], []]), patience=0, allowed=allowed
    )
    assert [lists.tolist() for lists, _ in several] == [[[-1, -1], [3, -1], [-1, -1]]] * 2
    assert several[1][1][1, 0] == scores[1, 0]


@pytest.mark.parametrize("model", ["item_knn", "user_knn"])
def test_lenskit_is_asked_with_an_item_that_training_did_not_hold(model: str) -> None:
    needs(LENSKIT)
    # Nobody has item 6.
    peer = Elsewhere(LENSKIT, model, max_nbrs=5).fit(data(CHECKERBOARD, 7))
    rows, _ = peer.top_k(Histories.of([[0, 2, 6], [6]], users=[0, -1]), 2)
    assert rows.tolist() == [[4, -1], [-1, -1]]


def test_what_a_neighbour_is_worth_in_lenskit() -> None:
    needs(LENSKIT)
    rows, scores = (
        Elsewhere(LENSKIT, "item_knn", max_nbrs=5).fit(data(CHECKERBOARD, 6)).top_k(Histories.of([[0, 2]]), 1)
    )
    # Items 0, 2 and 4 have three users each, and every two of them have two users in common: cosine 2/3 twice.
    assert rows.tolist() == [[4]]
    assert scores[0, 0] == pytest.approx(4 / 3)


def test_a_peer_that_fails_says_so_in_one_line() -> None:
    needs(RECTOOLS)
    with pytest.raises(ModelError, match="RecTools failed: KeyError: 'no such model'"):
        Elsewhere(RECTOOLS, "no such model").fit(data(CHECKERBOARD, 6)).top_k(Histories.of([[0]]), 1)
