"""What an engine is made of, each part loaded when first asked for: the stages of ``recommend`` over one store, one
bundle and the items of this moment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from zhiyin.arranging import Arranger
from zhiyin.behaviour import Behaviour
from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.candidates.short import ByLength
from zhiyin.config import PreprocessSettings, Settings
from zhiyin.errors import BundleError, ModelError
from zhiyin.holding import Conditions, holding
from zhiyin.kept import KeptHistories, Known, together
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered, by_history, by_wishes, levelled
from zhiyin.pipeline import Ranked, surfaces
from zhiyin.ports import LanguageModels, NoLanguageModels
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import CLOCKS_DIFFER, happened, histories_of
from zhiyin.preprocess.few import histories_now, without_interest
from zhiyin.rank.probability import Probability
from zhiyin.secondopinion import SecondOpinion
from zhiyin.serving import Models, served
from zhiyin.types import Histories
from zhiyin.wants import Listener, Wanted

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.explaining import Desk
    from zhiyin.goes_with import GoesWith
    from zhiyin.profiling import Profiler
    from zhiyin.store.sql import SqlStore


class Wired:
    """The parts of an engine. ``renewed`` gives them over the items that came since."""

    def __init__(
        self,
        store: SqlStore,
        bundle: Bundle,
        settings: Settings,
        models: LanguageModels | None = None,
        project: Path | None = None,
    ) -> None:
        """``models`` None does without a language model, whatever the settings say. ``project`` is the folder whose
        pipelines re-rank; None takes the default."""
        self.store = store
        self._project = project
        self.bundle = bundle
        self.settings = settings
        self.models = models or NoLanguageModels()
        try:
            self._preprocess = PreprocessSettings(**bundle.manifest.config["preprocess"])
            self._unit, self._now = float(bundle.manifest.config["unit"]), int(bundle.manifest.config["now"])
            self._probability = Probability.from_dict(bundle.manifest.metrics["probability"])
        except (KeyError, TypeError, ValueError, ModelError) as other:
            raise BundleError(
                "the bundle was trained by another version, and this one does not know what it holds, or lacks a part",
                where=bundle.manifest.name,
                fix="run 'zhiyin train'",
            ) from other
        self._shelf = Shelf(store, bundle, settings)
        self._models = Models(bundle)
        self._behaviour = Behaviour(store, settings.shop, self._preprocess, bundle.manifest.seed)

    def refresh(self) -> None:
        """Take notice of items that were added or hidden since."""
        self._shelf = self._shelf.renewed()
        for name in (
            "_ranker",
            "_alike",
            "_second",
            "_arranger",
            "_listener",
            "_profiler",
            "_desk",
            "_many",
            "_kept",
            "_goes_with",
        ):
            self.__dict__.pop(name, None)

    def renewed(self) -> Self:
        """An engine over the same bundle and the same models, with items that came since."""
        other = self.beside()
        other._shelf, other._models = self._shelf.renewed(), self._models
        return other

    def beside(self) -> Self:
        """An engine over the same bundle for another thread: what models keep of the person asked about last is its
        own, what was learned of events is shared."""
        other = type(self)(self.store, self.bundle, self.settings, self.models, self._project)
        other._behaviour = self._behaviour
        return other

    def check_pipelines(self) -> None:
        """Read every pipeline that the project has. Raises ConfigError for one that is wrong, or does not fit the
        items."""
        for name in surfaces(self._project) if self._project else ():
            self._arranger.pipeline(name)

    def look_again(self) -> None:
        """Take notice of items that were hidden, shown or deleted since: they come out nowhere from now on. Items that
        were added are noticed by ``refresh`` and ``renewed``."""
        self._shelf.look_again()

    def forget(self, user_ids: Iterable[str]) -> None:
        """Let go of what is kept of people between requests. No list depends on it: whether it still holds is asked of
        the store each time. For people who are erased."""
        self._kept.forget(user_ids)

    @cached_property
    def _ranker(self) -> ByLength:
        return served(self.bundle, self._shelf, self._models)

    @property
    def _model(self) -> Recommender:
        return self._ranker.long.model

    @cached_property
    def _arranger(self) -> Arranger:
        parts = (self.store, self.bundle, self._shelf, self._project, self._behaviour, self._models)
        return Arranger(*parts, histories=self._histories_now)

    @property
    def _names(self) -> list[str]:
        """Titles by row, ids where there are none."""
        shelf = self._shelf
        return [title or key for title, key in zip(shelf.catalogue.titles, shelf.items.ids, strict=True)]

    @cached_property
    def _second(self) -> SecondOpinion:
        return SecondOpinion(self.bundle, self.settings, self.models, self._shelf)

    @cached_property
    def _listener(self) -> Listener:
        return Listener(self.store, self.bundle, self._shelf, self.settings, self.models)

    @cached_property
    def _profiler(self) -> Profiler:
        from zhiyin.llm.prompts import render
        from zhiyin.profiling import Profiler

        return Profiler(
            self.store,
            self.bundle,
            self._shelf,
            self._preprocess,
            self._unit,
            self._now,
            parse=lambda words: self._listener.read(words).wishes,
            affinity=lambda wish: self._listener.matcher.affinity(wish),
            models=self.models,
            render=render,
            seconds=self.settings.llm.answer_seconds,
        )

    @cached_property
    def _desk(self) -> Desk:
        from zhiyin.explaining import Desk

        seconds = self.settings.llm.answer_seconds
        where = (self.store, self.bundle, self._shelf, self._ranker)
        return Desk(*where, self._preprocess, self._unit, self._now, self.models, seconds)

    @cached_property
    def _alike(self) -> Recommender:
        """The served model without what is popular with everybody."""
        return self._model.without_common()

    @cached_property
    def _goes_with(self) -> GoesWith:
        from zhiyin.goes_with import GoesWith

        return GoesWith(self._behaviour, self._shelf, self._alike, self.settings.shop)

    def _ordered(
        self, history: Histories, wanted: Wanted, allowed: NDArray[np.bool_], k: int, include_seen: bool
    ) -> Ordered:
        """4-5: candidates in the order of the model, then of what the person said."""
        most = k if not wanted.wishes else len(self._shelf.items)
        base = by_history(
            self._ranker, history, max(most, self._second.candidates), allowed, exclude_seen=not include_seen
        )
        if not wanted.wishes:
            chances = self._probability.of(base.scores[None], history.lengths)[0]
            return Ordered(base.rows, base.scores, base.parts, chances)
        model = self._ranker.of(history).model
        own = by_history(model, known_to(history, model.n_items), most, allowed[: model.n_items])
        base = levelled(own, base)
        prior = None if len(history.items) else self._ranker.long.filler
        unplaced = None
        if wanted.requested:
            unplaced = allowed.copy()
            unplaced[: len(self.bundle.items)] = False
            if not include_seen:
                unplaced[history.items] = False
        return by_wishes(base, wanted, self._listener.matcher, allowed, prior=prior, unplaced=unplaced)

    def _arranged(
        self,
        user_id: str | None,
        history: Histories,
        wanted: Wanted,
        order: Ordered,
        k: int,
        allowed: NDArray[np.bool_],
        surface: str,
        include_seen: bool = False,
    ) -> tuple[Ordered, Ranked]:
        """6: the first ``k`` as the pipeline of ``surface`` has them, the others behind."""
        how = {"asked_in_words": bool(wanted.requested), "include_seen": include_seen}
        ranked = self._arranger.run(user_id, history, order, k, allowed, surface, **how)
        return order.arranged(ranked.rows), ranked

    def _history(self, user_id: str | None, visit: pl.DataFrame | None = None) -> Histories:
        if visit is not None:
            import polars as pl

            who = "" if user_id is None else user_id
            events = visit.with_columns(pl.lit(who).alias("user_id")).select(visit.columns)
            if user_id is not None:
                events = pl.concat([self.store.events(user_id), events])
            return self._histories(events, [who])
        return Histories.of([[]]) if user_id is None else self._histories_now([user_id])

    def _histories_now(self, users: Sequence[str]) -> Histories:
        """The same as ``_histories`` gives of each of ``users`` alone."""
        return together([one.history for one in self._kept.of(users).values()])

    @cached_property
    def _kept(self) -> KeptHistories:
        return KeptHistories(self.store, self._read)

    def _read(self, users: Sequence[str]) -> tuple[dict[str, Known], set[str]]:
        """What the store knows of each of ``users``, and those who have an event with a time to come."""
        events = self.store.events_of(users)
        until = time.time_ns() // 1000 + CLOCKS_DIFFER
        histories = histories_now(
            events,
            users,
            self._shelf.items,
            self._preprocess,
            unit=self._unit,
            known=self.bundle.users,
            now=self._now,
            until=until,
        )
        turned = without_interest(events, self._preprocess, until)
        found = {
            user: Known(histories.slice(place, place + 1), tuple(turned.get(user, ())))
            for place, user in enumerate(users)
        }
        dated = zip(events.user_id, events.time, strict=True)
        return found, {user for user, stamp in dated if stamp is not None and stamp > until}

    def _histories(self, events: pl.DataFrame, users: Sequence[str]) -> Histories:
        liked = positives(happened(events), self._preprocess, unit=self._unit)
        half_life = self._preprocess.half_life_days
        items, known = self._shelf.items, self.bundle.users
        return histories_of(liked, items, users, known=known, half_life_days=half_life, now=self._now)

    def _allowed(self, exclude: Sequence[str], conditions: Conditions = ()) -> NDArray[np.bool_]:
        allowed = self._shelf.allowed.copy()
        barred = self._shelf.items.rows(exclude)
        allowed[barred[barred >= 0]] = False
        held = holding(conditions, self._arranger.items, time.time_ns() // 1000) if conditions else None
        return allowed if held is None else allowed & held

    def _spoken(self, user: str, history: Histories, k: int, allowed: NDArray[np.bool_], surface: str) -> Ordered:
        """The list of somebody who said something of the profile, without a language model."""
        pipeline = self._arranger.pipeline(surface)
        wanted = self._listener.hear(user, None)
        order = self._ordered(history, wanted, allowed, max(k, pipeline.candidates), pipeline.asks_seen)
        return order.arranged(self._arranger.run(user, history, order, k, allowed, surface).rows).first(k)
