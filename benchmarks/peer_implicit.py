"""The models of the ``implicit`` library as the library ships them, asked with any history."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from zhiyin.candidates.matrix import user_items
from zhiyin.types import Floats, Histories, Ints, TrainingData


class ImplicitPeer:
    """Fit and rank by the library's own calls; ``kind`` and its arguments make the model."""

    def __init__(self, kind: Literal["als", "cosine", "tfidf", "bm25"], **values: Any) -> None:
        self._kind = kind
        self._values = values

    def fit(self, data: TrainingData) -> Self:
        self.n_items = data.interactions.n_items
        with one_blas_thread(), warnings.catch_warnings():
            # The library warns of its own conversions between sparse formats.
            warnings.simplefilter("ignore")
            self._model = self._make(data.seed)
            self._model.fit(counts(data.interactions.histories, self.n_items), show_progress=False)
        return self

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """ALS solves for each user's factors anew from the history given."""
        more: dict[str, Any] = {"recalculate_user": True} if self._kind == "als" else {}
        if allowed is not None and not allowed.all():
            more["filter_items"] = np.flatnonzero(~allowed)
        asked = counts(histories, self.n_items)
        with one_blas_thread():
            rows, scores = self._model.recommend(
                np.arange(len(histories)), asked, N=k, filter_already_liked_items=exclude_seen, **more
            )
        return tidy(rows, scores)

    def _make(self, seed: int) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

        if self._kind == "als":
            return AlternatingLeastSquares(random_state=seed, **self._values)
        kinds = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        return kinds[self._kind](**self._values)


def counts(histories: Histories, n_items: int) -> sparse.csr_matrix:
    return sparse.csr_matrix(user_items(histories, n_items))


def tidy(rows: NDArray[Any], scores: NDArray[Any]) -> tuple[Ints, Floats]:
    """What the library pads or scores 0 (it has nothing to say of that item) becomes -1, at the end of the list."""
    none = (rows < 0) | (scores == 0) | (scores <= -1e30)
    order = np.argsort(none, axis=1, kind="stable")
    none = np.take_along_axis(none, order, axis=1)
    tidied = np.where(none, -1, np.take_along_axis(rows, order, axis=1)).astype(np.int32)
    return tidied, np.where(none, -np.inf, np.take_along_axis(scores, order, axis=1)).astype(np.float32)


def one_blas_thread() -> Any:
    """The library's setting for best speed: its own threads call BLAS, which must not start more."""
    return threadpool_limits(limits=1, user_api="blas")
