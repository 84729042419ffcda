from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from zhiyin.candidates import als
from zhiyin.candidates.als import ImplicitALS
from zhiyin.testing.fixtures import NEW_TEA, checkerboard, shop
from zhiyin.types import Histories


def test_checkerboard() -> None:
    data = checkerboard()
    model = ImplicitALS(factors=4, regularization=0.01).fit(data)
    rows, _ = model.top_k(data.interactions.histories, 1)
    assert rows.ravel().tolist() == list(range(20))


def test_user_factors_solve_the_normal_equations() -> None:
    """(Y'CY + regularization I) x = Y'C p: confidence C is 1 + alpha w and preference p 1 where taken, else 1 and 0."""
    model = ImplicitALS(factors=3, regularization=0.5, alpha=2.0).fit(shop())
    items = model.item_factors.astype(np.float64)
    history = Histories.of([[0, 3, 0]], weights=[[1, 2, 0.5]])
    confidence = np.ones(len(items))
    confidence[0] += 2.0 * 1.5
    confidence[3] += 2.0 * 2
    system = items.T @ (confidence[:, None] * items) + 0.5 * np.eye(3)
    expected = np.linalg.solve(system, items[0] * confidence[0] + items[3] * confidence[3])
    assert model.user_factors(history)[0] == pytest.approx(expected, rel=1e-3)
    assert model.score(history)[0] == pytest.approx(items @ expected, rel=1e-3, abs=1e-5)


def test_user_factors_match_the_library() -> None:
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    data = shop()
    model = ImplicitALS(factors=4, alpha=3.0, regularization=0.1, iterations=15).fit(data)
    histories = data.interactions.histories
    confidence = sparse.csr_matrix(
        (1 + 3 * histories.weights, histories.items.copy(), histories.indptr), shape=(len(histories), model.n_items)
    )
    confidence.sort_indices()
    with threadpool_limits(1, "blas"):
        library = AlternatingLeastSquares(factors=4, regularization=0.1, alpha=1.0, iterations=15, random_state=0)
        library.fit(confidence, show_progress=False)
        known = np.flatnonzero(confidence.sum(axis=0).A1)
        assert np.array_equal(library.item_factors[known], model.item_factors[known])
        library.item_factors = model.item_factors
        library._YtY = None
        expected = library.recalculate_user(np.arange(len(histories)), confidence)
    assert model.user_factors(histories) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = []
    for processors in (1, 2, 4):
        monkeypatch.setattr(als, "threads", lambda count=processors: count)
        model = ImplicitALS(factors=8).fit(checkerboard(60))
        learned.append((model.item_factors, model.score(checkerboard(60).interactions.histories)))
    for factors, scores in learned[1:]:
        assert np.array_equal(factors, learned[0][0])
        assert np.array_equal(scores, learned[0][1])


def test_seed_decides_the_start() -> None:
    one, other = (ImplicitALS(factors=3, iterations=1).fit(shop(seed=seed)).item_factors for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_items_without_events_stay_unsaid() -> None:
    data = shop()
    model = ImplicitALS(factors=4).fit(data)
    new = data.interactions.items.row(NEW_TEA)
    assert not model.item_factors[new].any()
    rows, _ = model.top_k(data.interactions.histories, 8)
    assert new not in rows


def test_empty_history_says_nothing() -> None:
    rows, _ = ImplicitALS(factors=4).fit(shop()).top_k(Histories.of([[]]), 3)
    assert rows.tolist() == [[-1, -1, -1]]
