"""Matrix factorisation of implicit feedback by alternating least squares, on the ``implicit`` library."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.matrix import user_items
from zhiyin.candidates.topn import threads
from zhiyin.types import Floats, Histories, TrainingData


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
        "alpha": (10.0, 1.0, 20.0, 40.0, 100.0),
        "regularization": (30.0, 0.1, 3.0, 10.0, 60.0, 100.0),
        "factors": (64, 96, 128, 256),
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
        # The library's compiled solver wants memory it could write to.
        self.item_factors: Floats = np.array(arrays["item_factors"], dtype=np.float32, order="C")
        self.n_items = len(self.item_factors)
        with _one_blas_thread():
            self._learner = self._solver(None)
        self._learner.item_factors = self.item_factors
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        self.check_fitted()
        return {"item_factors": self.item_factors}

    def user_factors(self, histories: Histories) -> Floats:
        """Float32 [len(histories), factors]: x = (Y'Y + Y'(C - I)Y + regularization I)^-1 Y'C 1 for each history."""
        self.check_asked(histories)
        with _one_blas_thread():
            factors: Floats = self._learner.recalculate_user(
                np.arange(len(histories)), self._confidence(histories, self.n_items)
            )
        return factors

    def score(self, histories: Histories) -> Floats:
        scores: Floats = self.user_factors(histories) @ self.item_factors.T
        return scores

    def contributions(self, history: Histories, item: int) -> Floats:
        """Section 5 of the paper: the score is the sum over the history of y' A^-1 y_i c_i, with A the matrix inverted
        in ``user_factors``. Events of one item share its part by weight."""
        self.check_asked(history)
        if not len(history.items):
            return np.zeros(0, dtype=np.float32)
        rows, places = np.unique(history.items, return_inverse=True)
        weights = history.weights.astype(np.float64)
        totals = np.bincount(places, weights=weights)
        confidence = 1.0 + self.params.alpha * totals
        everything = self.item_factors.astype(np.float64)
        seen = everything[rows]
        system = everything.T @ everything + seen.T @ ((confidence - 1.0)[:, None] * seen)
        system[np.diag_indices_from(system)] += self.params.regularization
        parts = (seen @ np.linalg.solve(system, everything[item])) * confidence
        return ((parts / totals)[places] * weights).astype(np.float32)

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


def _one_blas_thread() -> AbstractContextManager[Any]:
    """The library runs its own threads, each calling BLAS: BLAS threads below them slow it down tenfold."""
    limit: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limit


@cache
def _blas() -> Any:
    import implicit.cpu.als  # noqa: F401  (brings in every BLAS that the solver will call)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
