"""Short lists are filled with popular items; new items borrow from their nearest texts; lists as frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.frames import recommend
from zhiyin.candidates.newcomers import with_newcomers
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.errors import ModelError
from zhiyin.testing.fixtures import chain
from zhiyin.types import Histories


def test_the_model_first_then_what_is_popular() -> None:
    data = chain()
    model, popular = SequentialRules(window=1).fit(data), WindowedPopularity(days=None).fit(data)
    filled = Filled(model, popular)
    n = model.n_items
    histories = Histories.of([[0], [], [n - 1]])
    rows, scores = filled.top_k(histories, n)
    own, _ = model.top_k(histories, n)
    best, _ = popular.top_k(histories, n)
    assert rows[0, 0] == own[0, 0] == 1
    assert rows[1].tolist() == best[1].tolist(), "somebody unknown gets what is popular"
    for user, seen in enumerate(([0], [], [n - 1])):
        given = [row for row in rows[user].tolist() if row >= 0]
        assert sorted(given + seen) == list(range(n)), "everything comes once, what was seen not at all"
        finite = scores[user][: len(given)]
        assert (np.diff(finite) <= 0).all(), f"scores must fall: {finite}"
    allowed = np.zeros(n, dtype=np.bool_)
    allowed[:2] = True
    rows, _ = filled.top_k(histories, 3, allowed=allowed)
    assert rows[0].tolist() == [1, -1, -1]


def test_newcomers_borrow_rows_and_columns() -> None:
    matrix = sparse.csr_array(np.array([[0, 2, 0], [4, 0, 0], [0, 0, 0]], dtype=np.float32))
    known = np.eye(3, dtype=np.float32)
    new = np.array([[1, 0, 0], [0, 0, 0], [0.6, 0.8, 0]], dtype=np.float32)
    grown = with_newcomers(matrix, known, new).toarray()
    assert grown.shape == (6, 6)
    assert grown[:3, :3].tolist() == matrix.toarray().tolist()
    assert grown[:3, 3].tolist() == [0, 4, 0], "the twin of item 0 is pulled by what pulls item 0"
    assert grown[3, :3].tolist() == [0, 2, 0], "and pulls what item 0 pulls"
    assert not grown[:, 4].any(), "without text nothing is known"
    assert not grown[4].any()
    heavy, light = 0.8**4 / (0.6**4 + 0.8**4), 0.6**4 / (0.6**4 + 0.8**4)
    pulls = np.array([2 * heavy, 4 * light])
    height = heavy * 2 + light * 4
    np.testing.assert_allclose(grown[:2, 5], pulls * height / pulls.max(), rtol=1e-5)


def test_a_borrowed_column_is_as_high_as_those_it_is_made_of() -> None:
    """Two known items pulled by different ones: their average is half as high, and is raised to their height."""
    matrix = np.zeros((4, 4), dtype=np.float32)
    matrix[2, 0] = matrix[3, 1] = 6.0
    grown = with_newcomers(
        sparse.csr_array(matrix), np.eye(4, dtype=np.float32), np.array([[1, 1, 0, 0]], dtype=np.float32) / np.sqrt(2)
    )
    np.testing.assert_allclose(grown.toarray()[:, 4], [0, 0, 6, 6, 0], rtol=1e-5)


def test_a_borrowed_column_that_only_pushes_away_stays_so() -> None:
    matrix = sparse.csr_array(np.array([[0, 0], [-2, 0]], dtype=np.float32))
    grown = with_newcomers(matrix, np.eye(2, dtype=np.float32), np.array([[1, 0]], dtype=np.float32))
    assert grown.toarray()[:, 2].tolist() == [0, -2, 0]


def test_frames() -> None:
    data = chain()
    model = SequentialRules(window=1).fit(data)
    users = data.interactions.users.ids[:2]
    frame = recommend(model, users, data.interactions, k=2, filter_viewed=False)
    assert frame.columns == ["user_id", "item_id", "score", "rank"]
    assert set(frame["user_id"]) <= set(users)
    assert max(frame.group_by("user_id").len()["len"].to_list()) <= 2
    only = data.interactions.items.ids[1]
    limited = recommend(model, users, data.interactions, k=2, filter_viewed=False, items_to_recommend=[only])
    assert set(limited["item_id"]) <= {only}
    with pytest.raises(ModelError, match="not in the interactions"):
        recommend(model, ["nobody/没有"], data.interactions)
    assert recommend(model, ["nobody/没有"], data.interactions, on_unsupported="ignore").is_empty()
