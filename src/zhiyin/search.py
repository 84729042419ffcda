"""Choosing hyper-parameters on validation, within a stated budget.

Coordinate by coordinate: from the default, step through the neighbouring values of one parameter as long as
validation NDCG@10 rises, and once more to 0 where that is among them, then go on to the next; a second pass follows
while there is budget. The budget is nominal seconds by each model's own formula, never the clock, so the same data give
the same choice on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.errors import ModelError
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import accuracy
from zhiyin.preprocess.splits import Trial
from zhiyin.types import Catalogue, TrainingData

K = 10
OBJECTIVE = f"NDCG@{K}"
PASSES = 2
LEAST = 60.0
"""A model whose first fit takes less than this (nominal seconds) is tried whatever its share of the budget."""
FEW = 6
"""A search that can pay for fewer fits than this finds its way with rough ones, where it can pay for as many of those
and for an exact one in the end."""
OFF = 0.0
"""Leaves a part of a model out: tried also where the values beside it are no better."""
UNFIT = -1.0
"""Score of parameters with which a model has no solution."""


@dataclass
class Found:
    """What the search found: ``values`` are the chosen parameters, ``score`` their validation NDCG@10."""

    model: str
    params: Params
    score: float
    trials: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    """Nominal seconds spent."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "params": self.params.model_dump(),
            OBJECTIVE: self.score,
            "trials": len(self.trials),
            "nominal_seconds": round(self.seconds, 1),
        }


class Search:
    """One model's search on one trial (a Trial of part "validation")."""

    def __init__(
        self,
        kind: type[Recommender],
        trial: Trial,
        catalogue: Catalogue,
        *,
        seed: int,
        budget: float,
        filler: Recommender | None,
        first_fit: float = np.inf,
    ) -> None:
        """``filler`` completes short lists. A model gives up where even one fit takes more than ``first_fit`` nominal
        seconds; one fit is made even where it takes more than the budget."""
        self._first_fit = first_fit
        self._filler = filler
        self._trial = trial
        self._catalogue = catalogue
        self._data = TrainingData(trial.train, catalogue, seed, trial.now)
        self._budget = budget
        self._spent = 0.0
        self._known: dict[str, float] = {}
        self._kind = kind
        self._last: Recommender | None = None
        self.best: Recommender | None = None
        """The fitted model of the best parameters so far."""
        self._best_score = -1.0
        self._trials: list[dict[str, Any]] = []

    def run(self, fixed: dict[str, Any], search: bool) -> Found:
        """The best parameters, those in ``fixed`` kept as given; the defaults alone where ``search`` is off."""
        start = self._kind.make_params(fixed)
        start = self._affordable_first(start, fixed)
        rough = self._rough(start, fixed) if search else {}
        best = start.model_copy(update=rough)
        score = self._measure(best)
        space = {name: values for name, values in self._kind.search_space.items() if name not in fixed}
        whole = self._budget
        if rough:
            # What was found is fitted as it should be, at the end.
            self._budget -= self._model(start).fit_seconds(self._data)
        for _ in range(PASSES if search else 0):
            before = score
            for name, values in space.items():
                best, score = self._climb(best, score, name, values)
            if score == before:
                break
        self._budget = whole
        exact = best.model_copy(update={name: getattr(start, name) for name in rough})
        if rough and self._affordable(exact) and (reached := self._measure(exact)) > score:
            best, score = exact, reached
        return Found(self._kind.name, best, score, self._trials, self._spent)

    def _rough(self, start: Params, fixed: dict[str, Any]) -> dict[str, Any]:
        """What is different where ``start`` is fitted roughly; empty where the budget pays for enough exact fits, or
        for too few rough ones, or what would have to differ is ``fixed``."""
        model = self._model(start)
        other, cost = model.rough(), model.fit_seconds(self._data)
        if other is None or cost * FEW <= self._budget:
            return {}
        if cost + FEW * self._model(other).fit_seconds(self._data) > self._budget:
            return {}
        differs = {name: value for name, value in other.model_dump().items() if value != getattr(start, name)}
        return {} if set(differs) & set(fixed) else differs

    def _affordable_first(self, params: Params, fixed: dict[str, Any]) -> Params:
        """``params``, or lighter ones that keep what is ``fixed``, with which one fit is within its means."""
        limit = max(self._first_fit, LEAST)
        while (cost := self._model(params).fit_seconds(self._data)) > limit:
            lighter = self._model(params).lighter()
            if lighter is None or any(getattr(lighter, name) != value for name, value in fixed.items()):
                raise ModelError(
                    f"one fit would take about {cost:.0f} s, more than half of what the search may take",
                    fix="raise train.search_seconds",
                )
            params = lighter
        return params

    def _climb(self, best: Params, score: float, name: str, values: tuple[Any, ...]) -> tuple[Params, float]:
        start = getattr(best, name)
        for direction in directions(start, values):
            moved = False
            for value in direction:
                tried = best.model_copy(update={name: value})
                if not self._affordable(tried):
                    break
                reached = self._measure(tried)
                if reached <= score:
                    break
                best, score, moved = tried, reached, True
            if moved and numeric(values):
                break  # uphill in this direction: the other side was lower already
        if OFF in values and numeric(values) and getattr(best, name) != OFF:
            # What does harm may do the more, the less of it there is: text that says nothing, at any weight above 0,
            # brings items in that nobody took.
            tried = best.model_copy(update={name: OFF})
            if self._affordable(tried) and (reached := self._measure(tried)) > score:
                best, score = tried, reached
        return best, score

    def _model(self, params: Params) -> Recommender:
        return self._kind(params) if self._last is None else self._last.variant(params)

    def _affordable(self, params: Params) -> bool:
        if repr(params) in self._known:
            return True
        return self._spent + self._model(params).fit_seconds(self._data) <= self._budget

    def _measure(self, params: Params) -> float:
        key = repr(params)
        if key not in self._known:
            model = self._model(params)
            self._spent += model.fit_seconds(self._data)
            try:
                self._last = model.fit(self._data)
            except ModelError:
                if not self._known:
                    raise  # the model does not suit these data at all
                self._known[key] = UNFIT
                return UNFIT
            asked = model if self._filler is None else Filled(model, self._filler)
            self._known[key] = validation_score(asked, self._trial, self._catalogue)
            if self._known[key] > self._best_score:
                self.best, self._best_score = model, self._known[key]
            self._trials.append({"params": params.model_dump(), OBJECTIVE: self._known[key]})
        return self._known[key]


def validation_score(model: Ranker, trial: Trial, catalogue: Catalogue) -> float:
    """Mean NDCG@10 over the users of ``trial``, the full catalogue ranked, seen items left out."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, _ = model.top_k(trial.histories, K, allowed=allowed)
    return float(np.nanmean(accuracy(rows, trial.targets, [K])[OBJECTIVE]))


def numeric(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def directions(start: Any, values: tuple[Any, ...]) -> Iterator[list[Any]]:
    """Numbers: the values above ``start`` upwards, then those below downwards. Others: each value by itself."""
    if numeric(values):
        yield sorted(value for value in values if value > start)
        yield sorted((value for value in values if value < start), reverse=True)
    else:
        yield from ([value] for value in values if value != start)
