"""The whole as a stage: how the models are combined, every model as it stands after its own turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.errors import ModelError
from zhiyin.evaluate.measure import Ranker
from zhiyin.fused import FusedModel
from zhiyin.fusing import FusingParams, fuse
from zhiyin.ports import Silent
from zhiyin.registry import CORE, FILLER, MODELS
from zhiyin.tuning.stages import Bench, paced, part_of, values_of

NOMINAL = 1.0
"""Seconds that one combination is said to take; the pace makes real ones of them."""


class FusionStage:
    """The combination over ``members``, by name with their parameters.

    It learns from one half of the search half and is measured on the other, so no trial is measured on people it
    learned from; neither half meets the people it is confirmed with.
    """

    name = FusedModel.name
    params_type = FusingParams
    search_space: Mapping[str, tuple[Any, ...]] = getattr(FusingParams, "search_space", {})
    stepped: frozenset[str] = frozenset()

    def __init__(self, bench: Bench, members: Mapping[str, Params], fixed: Mapping[str, Any]) -> None:
        half = np.arange(len(bench.search.users))
        self.taught = part_of(bench.search, half[::2])
        self.bench = replace(bench, search=part_of(bench.search, half[1::2]))
        self.fixed = fixed
        self._params = dict(members)
        self._members: dict[str, Recommender] = {}
        self._single = CORE

    def make(self, values: Mapping[str, Any]) -> FusingParams:
        return FusingParams(**{**self.fixed, **values})

    def look(self) -> float:
        """Fit the members, those that these data allow, and find the best of them. Raises ModelError where there are
        fewer than two, or settings want no combination."""
        if not self.make({}).enabled:
            raise ModelError("settings want no combination")
        for name, params in self._params.items():
            try:
                self._members[name] = MODELS[name](params).fit(self.bench.data)
            except ModelError:
                continue
        if len(self._members) < 2:
            raise ModelError("fewer than two models suit these data")
        scores = {
            name: float(np.nanmean(values_of(self._filled(model), self.taught, self.bench.catalogue)))
            for name, model in self._members.items()
        }
        self._single = max(scores, key=lambda name: (scores[name], name == CORE))
        return paced(self._first, self.bench, NOMINAL)

    def seconds(self, params: FusingParams) -> float:
        if self._members:
            return NOMINAL
        return NOMINAL + sum(MODELS[name](own).fit_seconds(self.bench.data) for name, own in self._params.items())

    def ranker(self, params: FusingParams) -> Ranker:
        """Raises ModelError where the combination is not better than the best member, cross-fitted."""
        found = fuse(
            self._members,
            self._single,
            self._members.get(FILLER, self.bench.filler),
            self.taught,
            self.bench.catalogue,
            params.model_copy(update={"confidence": 0.0}),
            seed=self.bench.data.seed,
            progress=Silent(),
        )
        if found.model is None:
            raise ModelError(f"combined they are no better than {self._single}")
        return self._filled(found.model)

    def told(self) -> dict[str, Any]:
        return {
            "filler": self.bench.filler.params.model_dump(),
            "members": {name: params.model_dump() for name, params in self._params.items()},
        }

    def _first(self) -> Ranker:
        try:
            return self.ranker(self.make({}))
        except ModelError:
            return self._filled(self._members[self._single])

    def _filled(self, model: Recommender) -> Filled:
        return Filled(model, self.bench.filler)
