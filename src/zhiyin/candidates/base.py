"""What every model is: fitted on training data, asked with histories, answering with scores over the catalogue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, Ints, TrainingData

CHUNK_CELLS = 32_000_000
"""Cells of a dense users x items score block: 128 MB of float32."""


class Params(BaseModel):
    """Hyper-parameters of one model: each stated once, typed, bounded, documented on its field."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Recommender(ABC):
    """One model. Scores depend on the history given, so people and events that training never saw are served too."""

    name: ClassVar[str]
    params_type: ClassVar[type[Params]] = Params

    def __init__(self, params: Params | None = None, **values: Any) -> None:
        self.params = params if params is not None else self.params_type(**values)
        self.n_items = -1

    @abstractmethod
    def fit(self, data: TrainingData) -> Self:
        """Learn from ``data``; fitting again replaces what was learned."""

    @abstractmethod
    def score(self, histories: Histories) -> Floats:
        """Float32 [len(histories), n_items]; higher is better, 0 where the model has nothing to say.

        Only the order within a row is meaningful. Items already in the history are scored like any other.
        """

    def contributions(self, history: Histories, item: int) -> Floats:
        """How much each event of the single history adds to the score of ``item``: float32 [events].

        They sum to the score for the linear models; zeros where the model does not use the history.
        """
        return np.zeros(len(history.items), dtype=np.float32)

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned, as named arrays that ``restore`` takes back."""

    @abstractmethod
    def restore(self, arrays: dict[str, NDArray[Any]]) -> Self:
        """Take back what ``arrays`` gave; arrays may be read-only and memory-mapped."""

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """The best ``k`` items per user: rows int32 [B, k] and scores float32 [B, k], best first, ties by row.

        Where fewer than ``k`` items can be recommended, rows end in -1 and scores in -inf. ``allowed`` (bool
        [n_items]) limits what may come out.
        """
        self.check_fitted()
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        scores = np.full((len(histories), k), -np.inf, dtype=np.float32)
        step = max(1, CHUNK_CELLS // max(1, self.n_items))
        for start in range(0, len(histories), step):
            chunk = histories.slice(start, start + step)
            block = self.score(chunk)
            if exclude_seen:
                block[chunk.owners(), chunk.items] = -np.inf
            if allowed is not None:
                block[:, ~allowed] = -np.inf
            rows[start : start + step], scores[start : start + step] = best_of(block, k)
        return rows, scores

    def check_fitted(self) -> None:
        if self.n_items < 0:
            raise ModelError(f"model '{self.name}' is not fitted", fix="call fit() first")


def best_of(block: Floats, k: int) -> tuple[Ints, Floats]:
    """The ``k`` highest cells of each row, best first, ties by column; -1 and -inf where fewer cells are finite."""
    users, n = block.shape
    width = min(k, n)
    if width < n:
        # argpartition leaves ties at the boundary in an arbitrary order; one column more shows whether there are any.
        picked = np.argpartition(-block, width - 1, axis=1)[:, :width]
        values = np.take_along_axis(block, picked, axis=1)
        edge = values.min(axis=1)
        ties = np.flatnonzero((block >= edge[:, None]).sum(axis=1) > width)
        for row in ties:
            if np.isfinite(edge[row]):
                above = np.flatnonzero(block[row] > edge[row])
                level = np.flatnonzero(block[row] == edge[row])[: width - len(above)]
                picked[row] = np.concatenate((above, level))
        picked.sort(axis=1)
    else:
        picked = np.broadcast_to(np.arange(n), (users, n))
    values = np.take_along_axis(block, picked, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    rows = np.full((users, k), -1, dtype=np.int32)
    scores = np.full((users, k), -np.inf, dtype=np.float32)
    rows[:, :width] = np.take_along_axis(picked, order, axis=1)
    scores[:, :width] = np.take_along_axis(values, order, axis=1)
    rows[~np.isfinite(scores)] = -1
    return rows, scores
