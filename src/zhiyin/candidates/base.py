"""What every model is: fitted on training data, asked with histories, answering with scores over the catalogue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from zhiyin.candidates.topn import best_of
from zhiyin.errors import ConfigError, ModelError
from zhiyin.types import Floats, Histories, Ints, TrainingData

CHUNK_CELLS = 32_000_000
"""Cells of a dense users x items score block: 128 MB of float32."""


class Params(BaseModel):
    """Hyper-parameters of one model: each stated once, typed, bounded, documented on its field."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Recommender(ABC):
    """One model. Scores depend on the history given, so people and events that training never saw are served too."""

    name: ClassVar[str]
    params_type: ClassVar[type[Params]] = Params
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {}
    """Values worth trying by parameter, searched one parameter after the other in this order."""
    additive: ClassVar[bool] = False
    """Whether ``contributions`` sum to the score."""
    because: ClassVar[tuple[str, str]] = ("", "")
    """Why it proposes an item, as a short clause in English and in Chinese; empty says nothing."""

    def __init__(self, params: Params | None = None, **values: Any) -> None:
        self.params = params if params is not None else self.make_params(values)
        self.n_items = -1

    @classmethod
    def make_params(cls, values: dict[str, Any]) -> Params:
        """Validate hyper-parameters. Raises ConfigError for an unknown name or a value out of bounds."""
        try:
            return cls.params_type(**values)
        except ValidationError as invalid:
            first = invalid.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            known = ", ".join(cls.params_type.model_fields) or "none"
            unknown = first["type"] == "extra_forbidden"
            raise ConfigError(
                f"unknown parameter '{key}'" if unknown else f"parameter '{key}': {first['msg']}",
                where=f"models.{cls.name}",
                fix=f"use one of: {known}" if unknown else "give a value within bounds",
            ) from invalid

    def variant(self, params: Params) -> Self:
        """An unfitted model of the same kind with other parameters; a kind may hand on work that both can use."""
        return type(self)(params)

    def fit_seconds(self, data: TrainingData) -> float:
        """Nominal seconds that ``fit`` would take on two cores: a formula, not a clock, so that a search that spends a
        budget does the same on every machine."""
        return 0.2 + 1e-5 * len(data.interactions.histories.items)

    def lighter(self) -> Params | None:
        """Parameters with which a fit takes about half of the time, where they are worth having; else None."""
        return None

    def rough(self) -> Params | None:
        """Parameters with which a fit takes a small part of the time and still tells which values of the others are
        better, for a search that can pay for few fits; None where there are none."""
        return None

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

        They sum to the score where ``additive``; zeros where the model does not use the history.
        """
        self.check_asked(history)
        return np.zeros(len(history.items), dtype=np.float32)

    def contributions_to(self, history: Histories, items: Ints) -> Floats:
        """``contributions`` to each of ``items``: float32 [len(items), events]."""
        parts = [self.contributions(history, int(item)) for item in items]
        return np.stack(parts) if parts else np.zeros((0, len(history.items)), dtype=np.float32)

    def common(self, items: Ints) -> Floats:
        """Part of the scores of ``items`` that is the same for everybody, float32 [len(items)]."""
        return np.zeros(len(items), dtype=np.float32)

    def without_common(self) -> Recommender:
        """A model whose scores lack the part that is the same for everybody; itself where there is none."""
        return self

    def with_newcomers(self, known: Floats, new: Floats) -> Self:
        """A copy that also knows items that came after training, as rows ``n_items`` onwards, by their text vectors.

        ``known`` [n_items, d] are the vectors of the items it was fitted on, ``new`` [m, d] of the new ones. A model
        that has no way to place a new item returns itself, its ``n_items`` unchanged.
        """
        return self

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

        Where the model has something to say (a score other than 0) of fewer than ``k`` items, rows end in -1 and
        scores in -inf. ``allowed`` (bool [n_items]) limits what may come out.
        """
        self.check_request(histories, k)
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

    def check_asked(self, histories: Histories) -> None:
        """Raise ModelError where the model is not fitted or a history names a row outside the catalogue."""
        self.check_fitted()
        items = histories.items
        if len(items) and (items.min() < 0 or items.max() >= self.n_items):
            raise ModelError(
                f"model '{self.name}' was asked about an item outside its {self.n_items} items",
                fix="map items with the ids the model was fitted on and leave out those it does not know",
            )

    def check_request(self, histories: Histories, k: int) -> None:
        self.check_asked(histories)
        if k < 1:
            raise ModelError(f"model '{self.name}' was asked for the best {k} items", fix="ask for 1 or more")
