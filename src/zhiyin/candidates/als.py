"""Matrix factorisation of implicit feedback by alternating least squares, on the ``implicit`` library."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from scipy.linalg import lapack

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.matrix import user_items
from zhiyin.candidates.remembering import keys_of
from zhiyin.candidates.topn import threads
from zhiyin.types import Floats, Histories, Ints, Longs, TrainingData

Values = NDArray[np.float64]
KEPT_CELLS = 2_000_000
"""Cells of solved systems of the people asked about last that are kept, 16 MB at most."""


class ImplicitALSParams(Params):
    factors: int = Field(64, ge=1, le=2048)
    """Length of the user and item factors."""
    regularization: float = Field(30.0, gt=0, le=10_000)
    """Weight of the squared length of the factors in the loss."""
    alpha: float = Field(10.0, gt=0, le=10_000)
    """Confidence in an event of weight w is 1 + alpha w; in its absence 1."""
    iterations: int = Field(15, ge=1, le=500)
    """Rounds of solving for the users and then for the items."""


class ImplicitALS(Recommender):
    """Hu, Koren, Volinsky 2008. The factors of a user are solved for from the history given, with the item factors of
    the fit, so every history gets the scores it would have got in training. Items without events score 0."""

    name: ClassVar[str] = "als"
    params_type: ClassVar[type[Params]] = ImplicitALSParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "alpha": (10.0, 1.0, 40.0, 100.0),
        "regularization": (30.0, 0.1, 3.0, 10.0, 60.0, 100.0),
        "factors": (64, 128, 256, 512),
    }
    additive: ClassVar[bool] = True
    params: ImplicitALSParams

    def fit_seconds(self, data: TrainingData) -> float:
        events, users = len(data.interactions.histories.items), data.interactions.n_users
        width = self.params.factors
        # Conjugate gradients over the events, then one exact solution for each user asked about.
        return 0.5 + 8e-9 * (self.params.iterations * events * width + min(users, 20_000) * width**2)

    def fit(self, data: TrainingData) -> Self:
        n = data.interactions.n_items
        confidence = self._confidence(data.interactions.histories, n)
        with _one_blas_thread():
            learner = self._solver(data.seed)
            learner.fit(confidence, show_progress=False)
        factors = np.asarray(learner.item_factors, dtype=np.float32)
        factors[np.bincount(confidence.indices, minlength=n) == 0] = 0
        return self.restore({"item_factors": factors})

    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self.item_factors: Floats = np.asarray(arrays["item_factors"], dtype=np.float32)
        self.n_items = len(self.item_factors)
        exact = self.item_factors.astype(np.float64)
        self._gram: Values = exact.T @ exact
        self._latest: dict[bytes, Values] = {}
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return {"item_factors": self.item_factors}

    def user_factors(self, histories: Histories) -> Floats:
        """Float32 [len(histories), factors]: x = (Y'Y + Y'(C - I)Y + regularization I)^-1 Y'C 1 for each history; zeros
        for an empty one. Each is solved for by itself, so who else asks changes nothing."""
        self.check_asked(histories)
        taken = user_items(histories, self.n_items)
        width = self.item_factors.shape[1]
        found = np.zeros((len(histories), width), dtype=np.float32)
        alpha = self.params.alpha
        latest = {}
        keys = keys_of(histories) if len(histories) * width**2 <= KEPT_CELLS else None
        for person in np.flatnonzero(histories.lengths).tolist():
            low, high = taken.indptr[person], taken.indptr[person + 1]
            seen = self.item_factors[taken.indices[low:high]].astype(np.float64)
            confidence = 1.0 + alpha * taken.data[low:high].astype(np.float64)
            root = _root(self._system(seen, confidence))
            found[person] = _solved(root, confidence @ seen)
            if keys is not None:
                latest[keys[person]] = root
        self._latest = latest
        return found

    def score(self, histories: Histories) -> Floats:
        scores: Floats = self.user_factors(histories) @ self.item_factors.T
        return scores

    def contributions(self, history: Histories, item: int) -> Floats:
        return np.asarray(self.contributions_to(history, np.array([item], dtype=np.int32))[0], dtype=np.float32)

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        """Section 5 of the paper: the score is the sum over the history of y' A^-1 y_i c_i, with A the matrix inverted
        in ``user_factors``. Events of one item share its part by weight."""
        self.check_asked(history)
        if not len(history.items):
            return np.zeros((len(items), 0), dtype=np.float32)
        rows, places, totals, confidence = self._events(history)
        seen = self.item_factors[rows].astype(np.float64)
        root = self._latest.get(keys_of(history)[0])
        if root is None:
            root = _root(self._system(seen, confidence))
        asked = _solved(root, self.item_factors[items].astype(np.float64).T)
        parts = (seen @ asked) * (confidence / totals)[:, None]
        return np.asarray(parts[places].T * history.weights, dtype=np.float32)

    def _events(self, history: Histories) -> tuple[Ints, Longs, Values, Values]:
        """Items of one person, the place of each event among them, their summed weights and the confidence in them."""
        rows, places = np.unique(history.items, return_inverse=True)
        totals: Values = np.bincount(places, weights=history.weights.astype(np.float64)).astype(np.float64)
        return rows, places.astype(np.int64), totals, 1.0 + self.params.alpha * totals

    def _system(self, seen: Values, confidence: Values) -> Values:
        """Y'Y + Y'(C - I)Y + regularization I of somebody who took ``seen``: float64 [factors, factors]."""
        system: Values = self._gram + seen.T @ ((confidence - 1.0)[:, None] * seen)
        system[np.diag_indices_from(system)] += self.params.regularization
        return system

    def _confidence(self, histories: Histories, n_items: int) -> sparse.csr_matrix:
        counts = user_items(histories, n_items)
        counts.data = 1.0 + np.float32(self.params.alpha) * counts.data
        return sparse.csr_matrix(counts)

    def _solver(self, seed: int | None) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.params.factors,
            regularization=self.params.regularization,
            alpha=1.0,
            iterations=self.params.iterations,
            num_threads=threads(),
            random_state=seed,
        )


def _root(system: Values) -> Values:
    """Lower Cholesky factor of ``system``, which is symmetric, and above 0 by the regularization."""
    found, failed = lapack.dpotrf(system, lower=1)
    if failed:
        # Rounding made it 0: a little more of what keeps it above.
        found = np.linalg.cholesky(system + 1e-9 * np.trace(system) * np.eye(len(system)))
    return np.asarray(found, dtype=np.float64)


def _solved(root: Values, right: Values) -> Values:
    """What times the matrix of ``root`` gives ``right``."""
    return np.asarray(lapack.dpotrs(root, right, lower=1)[0], dtype=np.float64)


def _one_blas_thread() -> AbstractContextManager[Any]:
    """The library runs its own threads, each calling BLAS: BLAS threads below them slow it down tenfold."""
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


@cache
def _blas() -> Any:
    import implicit.cpu.als  # noqa: F401  (brings in every BLAS that the solver will call)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
