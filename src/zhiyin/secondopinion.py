"""The language model's bounded say on the first candidates, where training found that it helps."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from zhiyin.bundle import Bundle
from zhiyin.config import Settings
from zhiyin.errors import BundleError
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.ports import LanguageModels
from zhiyin.types import Histories, Job
from zhiyin.wants import Wanted

if TYPE_CHECKING:
    from zhiyin.rank.llm_ranker import LlmRanker, Reranked


class SecondOpinion:
    """Nothing is asked unless the bundle holds a re-ranker and the settings switch its job on."""

    def __init__(self, bundle: Bundle, settings: Settings, models: LanguageModels, shelf: Shelf) -> None:
        self._bundle, self._settings, self._models, self._shelf = bundle, settings, models, shelf

    @property
    def candidates(self) -> int:
        """How many of the best it looks at."""
        return 0 if self._ranker is None else self._ranker.params.candidates

    def asks(self, history: Histories) -> bool:
        """Whether it is asked about somebody with this history."""
        return self._ranker is not None and 0 < len(history.items) <= self._ranker.params.most_events

    def of(
        self, user_id: str | None, history: Histories, order: Ordered, wanted: Wanted
    ) -> tuple[Ordered, Reranked | None]:
        """The order after it, and what it said; the order as it was and None where it is not asked. A model that has
        just failed to read the request is not waited for again."""
        ranker = self._ranker
        failed = wanted.asked is not None and wanted.asked.failed is not None
        if ranker is None or failed or not self.asks(history) or len(order.rows) < 2:
            return order, None
        from zhiyin.reranking import asked_about, reordered

        first = ranker.params.candidates
        asked = asked_about(user_id or "", history, order.rows[:first], order.scores[:first], self._shelf.catalogue)
        said = ranker.rerank(asked, seconds=self._settings.llm.answer_seconds)
        rows, scores = reordered(order.rows, order.scores, said)
        # Chances belong to the places of the order that they were learned from.
        return Ordered(rows, scores, order.parts, None if order.chances is None else order.arranged(rows).chances), said

    @cached_property
    def _ranker(self) -> LlmRanker | None:
        told = self._bundle.manifest.config.get("rerank")
        if told is None or Job.RERANK not in self._settings.llm.jobs:
            return None
        from zhiyin.llm.prompts import render
        from zhiyin.rank.llm_ranker import LlmRanker, LlmRankerParams

        try:
            return LlmRanker(self._models, render, LlmRankerParams(**told))
        except (TypeError, ValueError) as other:
            raise BundleError(
                "the bundle's re-ranker is not known here", where=self._bundle.manifest.name, fix="run 'zhiyin train'"
            ) from other
