"""What can be tuned: something with parameters that answers with lists, measured on validation users."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.errors import NotEnoughData
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.preprocess.splits import Trial
from zhiyin.registry import FILLER, MODELS
from zhiyin.search import OBJECTIVE, K
from zhiyin.tuning.space import space_of
from zhiyin.types import Catalogue, TrainingData

LEAST_USERS = 10
"""Validation users without whom two halves say nothing."""
KEPT = 4
"""Fitted models kept for the expensive part that others can use: each may hold hundreds of megabytes."""
EXPENSIVE = 3.0
"""A parameter is expensive where another value of it makes a fit cost this many times as much ..."""
WORTH_SAVING = 1.0
"""... and at least so many nominal seconds more."""


class Stage(Protocol):
    """One thing tuned at a time, on its ``bench``. ``name`` is its table under ``[models.NAME]``; ``params_type`` and
    ``search_space`` are as with a model, ``fixed`` are the values that settings give."""

    @property
    def name(self) -> str: ...
    @property
    def bench(self) -> Bench: ...
    @property
    def params_type(self) -> type[BaseModel]: ...
    @property
    def search_space(self) -> Mapping[str, tuple[Any, ...]]: ...
    @property
    def fixed(self) -> Mapping[str, Any]: ...
    @property
    def stepped(self) -> frozenset[str]:
        """Parameters of which only the values of ``search_space`` are tried."""
        ...

    def make(self, values: Mapping[str, Any]) -> Any:
        """Parameters: ``fixed``, then ``values``, then defaults."""
        ...

    def look(self) -> float:
        """Make ready. Returns how many seconds of the clock a nominal one takes here, asking included; 1 or more.
        Raises ModelError where the data do not allow it."""
        ...

    def seconds(self, params: Any) -> float:
        """Nominal seconds that ``ranker`` would take, by formula."""
        ...

    def ranker(self, params: Any) -> Ranker:
        """What these parameters make of the training part. Raises ModelError where they make nothing."""
        ...

    def told(self) -> dict[str, Any]:
        """What else decides the scores, for a fingerprint."""
        ...


@dataclass(frozen=True)
class Bench:
    """What parameters are tried on. ``search`` and ``check`` are two halves of the validation users, drawn by seed: one
    to choose by, the other to see whether the choice holds. ``filler`` completes short lists, the same in every
    trial."""

    data: TrainingData
    search: Trial
    check: Trial
    filler: Recommender

    @property
    def catalogue(self) -> Catalogue:
        return self.data.catalogue


def make_bench(validation: Trial, catalogue: Catalogue, models: Mapping[str, Mapping[str, Any]], seed: int) -> Bench:
    """The two halves of ``validation``, in random order. ``models`` are the settings under ``[models]``.

    Raises NotEnoughData with fewer than ``LEAST_USERS`` users.
    """
    if len(validation.users) < LEAST_USERS:
        raise NotEnoughData(
            f"{len(validation.users)} people can be measured on validation, too few to tune by",
            fix=f"import events until {LEAST_USERS} have enough of them, or leave the defaults",
        )
    data = TrainingData(validation.train, catalogue, seed, validation.now)
    filler = MODELS[FILLER](MODELS[FILLER].make_params(dict(models.get(FILLER, {})))).fit(data)
    order = np.random.default_rng([seed, len(validation.users)]).permutation(len(validation.users))
    half = (len(order) + 1) // 2
    return Bench(data, part_of(validation, order[:half]), part_of(validation, order[half:]), filler)


def part_of(trial: Trial, rows: Any) -> Trial:
    """The same trial with only the users in ``rows``, in that order."""
    return replace(
        trial, users=trial.users[rows], histories=trial.histories.take(rows), targets=trial.targets.take(rows)
    )


def values_of(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> Values:
    """NDCG@10 of each user of ``trial``: float64 [users], the full catalogue ranked, seen and hidden items left out."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, _ = ranker.top_k(trial.histories, K, allowed=allowed)
    return accuracy(rows, trial.targets, [K])[OBJECTIVE]


def paced(make: Callable[[], Ranker], bench: Bench, nominal: float) -> float:
    """Seconds of the clock for a nominal one, 1 or more, where making a ranker is said to take ``nominal``."""
    began = time.perf_counter()
    values_of(make(), bench.search, bench.catalogue)
    return max(1.0, (time.perf_counter() - began) / nominal)


class ModelStage:
    """One model by itself, its short lists filled: what the built-in search measures too."""

    def __init__(self, kind: type[Recommender], bench: Bench, fixed: Mapping[str, Any]) -> None:
        self.kind = kind
        self.name = kind.name
        self.params_type = kind.params_type
        self.search_space: Mapping[str, tuple[Any, ...]] = kind.search_space
        self.fixed = fixed
        self.stepped: frozenset[str] = frozenset()
        self.bench = bench
        self._shared: OrderedDict[tuple[Any, ...], Recommender] = OrderedDict()

    def make(self, values: Mapping[str, Any]) -> Params:
        return self.kind.make_params({**self.fixed, **values})

    def look(self) -> float:
        """Try the defaults, and see by the model's own formula which parameters cost the expensive part again."""
        params = self.make({})
        fitted, nominal = self.kind(params), self.seconds(params)
        pace = paced(lambda: Filled(fitted.fit(self.bench.data), self.bench.filler), self.bench, nominal)
        again = fitted.variant(params).fit_seconds(self.bench.data)
        space = space_of(self.params_type, self.search_space, fixed=self.fixed)
        others = {
            name: [fitted.variant(params.model_copy(update={name: value})) for value in axis.values]
            for name, axis in space.items()
        }
        self.stepped = frozenset(
            name for name, models in others.items() if any(self._costly(model, again) for model in models)
        )
        if self.stepped:
            self._shared[self._key(params)] = fitted
        return pace

    def seconds(self, params: Params) -> float:
        return self._model(params).fit_seconds(self.bench.data)

    def ranker(self, params: Params) -> Ranker:
        model = self._model(params).fit(self.bench.data)
        if self.stepped:
            self._shared[self._key(params)] = model
            self._shared.move_to_end(self._key(params))
            if len(self._shared) > KEPT:
                self._shared.popitem(last=False)
        return Filled(model, self.bench.filler)

    def told(self) -> dict[str, Any]:
        return {"filler": self.bench.filler.params.model_dump()}

    def _costly(self, model: Recommender, again: float) -> bool:
        seconds = model.fit_seconds(self.bench.data)
        return seconds >= EXPENSIVE * again and seconds - again >= WORTH_SAVING

    def _key(self, params: Params) -> tuple[Any, ...]:
        return tuple(getattr(params, name) for name in sorted(self.stepped))

    def _model(self, params: Params) -> Recommender:
        """Unfitted; of a model that shares the expensive part, where one with the same is at hand. Others start anew,
        or all that was ever solved would stay in memory."""
        known = self._shared.get(self._key(params)) if self.stepped else None
        return self.kind(params) if known is None else known.variant(params)
