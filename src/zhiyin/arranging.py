"""6: re-ranking in an engine: the pipeline of a surface over the best candidates of one person, or of many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import Bundle
from zhiyin.candidates.fill import known_to
from zhiyin.itemview import items_of, seen_of, shown_of
from zhiyin.nearby import near_of, taken_by
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.pipeline import Pipeline, Ranked, Request, pipeline_for
from zhiyin.rerank import Asked, Items
from zhiyin.rerank.base import Values
from zhiyin.serving import Models
from zhiyin.types import Floats, Histories, Ints

if TYPE_CHECKING:
    from zhiyin.behaviour import Behaviour
    from zhiyin.interest_scorer import InterestScorer
    from zhiyin.rerank.arms import Chooser
    from zhiyin.rerank.social.actions import Acting, Actions
    from zhiyin.rerank.trace import Said
    from zhiyin.store.sql import SqlStore

TASTE = frozenset(
    "novelty freshness calibration diversity exposure repeated explore network actions authors mix".split()
)
"""Stages that weigh relevance against something else. A request in words has said what is wanted: rules alone apply."""


class Arranger:
    """Pipelines are read once per surface and engine."""

    def __init__(
        self,
        store: SqlStore,
        bundle: Bundle,
        shelf: Shelf,
        project: Path | None,
        behaviour: Behaviour,
        models: Models | None = None,
        histories: Callable[[Sequence[str]], Histories] | None = None,
    ) -> None:
        """``histories`` tells what people near somebody took; None reads it anew each time."""
        self._taken = histories or taken_by(store, bundle, shelf)
        self._store, self._bundle, self._shelf, self._project = store, bundle, shelf, project
        self._models = models or Models(bundle)
        self._behaviour = behaviour
        self._pipelines: dict[str, Pipeline] = {}
        self.clock: Callable[[], int] = lambda: time.time_ns() // 1000
        """The time, in microseconds."""

    def pipeline(self, surface: str) -> Pipeline:
        """Raises ConfigError where its file is wrong, or names what is nowhere in the catalogue."""
        found = self._pipelines.get(surface)
        if found is None:
            found = pipeline_for(self._project, surface) if self._project else Pipeline.default()
            found.check(self.items)
            self._pipelines[surface] = found
        return found

    @cached_property
    def items(self) -> Items:
        shelf = self._shelf
        # Counted when a stage asks: the filler's popularity is of late, and no word on who is known and who is new.
        return items_of(
            shelf.items,
            shelf.catalogue,
            self._store,
            interests=self._interests,
            choosers=self._chooser,
            acting=self._acting,
        )

    def _acting(self, actions: Actions, author: str | None) -> Acting | None:
        return self._behaviour.acting(actions, author, self.items)

    def _chooser(self, name: str) -> Chooser:
        from zhiyin.exploring import Explorer

        return Explorer(self._store).chooser(name, self.items)

    def run(
        self,
        user_id: str | None,
        history: Histories,
        order: Ordered,
        k: int,
        allowed: NDArray[np.bool_],
        surface: str,
        *,
        asked_in_words: bool = False,
        include_seen: bool = False,
    ) -> Ranked:
        """The first ``k`` of ``order`` as the pipeline of ``surface`` arranges its best candidates."""
        pipeline = self.pipeline(surface)
        if asked_in_words:
            rules = [stage for stage in pipeline.stages if stage.kind not in TASTE]
            pipeline = Pipeline(pipeline.name, rules, pipeline.candidates, pipeline.where)
        first = max(pipeline.candidates, k)
        best = order.first(first)
        asked = self._asked(user_id, history, allowed, surface, pipeline, include_seen)
        # The level is a chance: scores have none of their own.
        level = None if best.chances is None else self._level
        return pipeline.run(Request(best.rows, best.scores, self.items, asked, k, level, best.chances))

    def run_many(
        self,
        users: Sequence[str | None],
        histories: Histories,
        rows: Ints,
        scores: Floats,
        chances: Floats | None,
        k: int,
        allowed: NDArray[np.bool_],
        surface: str,
        *,
        include_seen: bool = False,
        said: Sequence[dict[int, list[Said]]] | None = None,
    ) -> tuple[Ints, Floats, Values]:
        """The same for many people, without traces: rows, scores and propensities [B, k]. See ``Pipeline.run_many``."""
        pipeline = self.pipeline(surface)
        asked = [
            self._asked(user, histories.slice(place, place + 1), allowed, surface, pipeline, include_seen)
            for place, user in enumerate(users)
        ]
        return pipeline.run_many(rows, scores, self.items, asked, k=k, level=self._level, chances=chances, said=said)

    def _asked(
        self,
        user_id: str | None,
        history: Histories,
        allowed: NDArray[np.bool_],
        surface: str,
        pipeline: Pipeline,
        include_seen: bool,
    ) -> Asked:
        if not include_seen and not pipeline.asks_seen and any(stage.adds for stage in pipeline.stages):
            # Candidates lack the person's own already; what a stage adds must, too.
            allowed = allowed.copy()
            allowed[history.items] = False
        mix = None
        if any(stage.kind == "calibration" for stage in pipeline.stages) and len(history.items):
            model = self._scorer.model
            # What came after training may have no interests: without an encoder nothing tells them.
            own = known_to(history, len(model.items))
            mix = model.users(own)[0] if len(own.items) else None
        seen = None
        if pipeline.asks_events and user_id is not None:
            seen = seen_of(self._store, self._shelf.items, user_id)
        shown = None
        if pipeline.asks_shown and user_id is not None:
            shown = shown_of(self._store, self._shelf.items, user_id)
        near = None
        if user_id is not None and pipeline.asks_near(len(history.items)):
            near = near_of(self._store, user_id, self._taken)
        # How new an item is, and how long ago something was bought, is told by the clock and not by the training.
        seed = self._bundle.manifest.seed
        return Asked(user_id, history, mix, seen, allowed, self.clock(), seed, surface, shown, near)

    @cached_property
    def _scorer(self) -> InterestScorer:
        from zhiyin.interest_scorer import InterestScorer

        scorer = self._models.get(InterestScorer.name)
        assert isinstance(scorer, InterestScorer)
        grown = self._shelf.with_newcomers(scorer)
        assert isinstance(grown, InterestScorer)
        return grown

    def _interests(self) -> Floats:
        """q(z|c) of every item on the shelf, zeros for newcomers of whom nothing is known."""
        known = self._scorer.model.items
        missing = len(self._shelf.items) - len(known)
        return np.pad(known, ((0, missing), (0, 0))) if missing else known

    @property
    def _level(self) -> float | None:
        level = self._bundle.manifest.metrics.get("first_place")
        return None if level is None else float(level)
