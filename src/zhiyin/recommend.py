"""Recommending: the stages 4-7 in order, from one person's events and words to a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from zhiyin.alike import alike
from zhiyin.answering import answer, with_surface
from zhiyin.answers import Recommendation, Recommended
from zhiyin.arranging import Arranger
from zhiyin.bundle import FOLDER, Bundle, active
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import known_to
from zhiyin.candidates.short import ByLength
from zhiyin.config import PreprocessSettings, Settings, load_settings
from zhiyin.errors import BundleError, ModelError, UsageError, ZhiyinError
from zhiyin.listing import ListRequest
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered, by_history, by_wishes, levelled
from zhiyin.pipeline import Ranked
from zhiyin.ports import LanguageModels, NoLanguageModels
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import happened, histories_of
from zhiyin.rank.probability import Probability
from zhiyin.secondopinion import SecondOpinion
from zhiyin.serving import served
from zhiyin.threads import single_threaded
from zhiyin.types import DEFAULT_SURFACE, Histories
from zhiyin.wants import Listener, Wanted, barring

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.explaining import Desk, Explanation
    from zhiyin.profiling import Profiler
    from zhiyin.scripts import Language
    from zhiyin.store.sql import SqlStore
    from zhiyin.understand.profiles import Profile
    from zhiyin.understand.wishes.asked import Asked

BATCH = 4096


class Engine:
    """A store and a trained bundle, ready to answer.

    Events count as soon as they are stored. Items that were added or hidden after the engine was opened are noticed
    by ``refresh``.
    """

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

    @classmethod
    def open(cls, project: Path | str = ".") -> Self:
        """The engine of a project folder, on its served bundle, with the language model that its settings ask for.
        Raises ConfigError, StoreError, BundleError."""
        from zhiyin.llm import open_models
        from zhiyin.store import open_store

        folder = Path(project)
        settings = load_settings(folder)
        store = open_store(settings.store.url, folder)
        try:
            return cls(store, active(store, folder / FOLDER), settings, open_models(settings.llm, store), folder)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        self.models.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self) -> None:
        """Take notice of items that were added or hidden since."""
        self._shelf = Shelf(self.store, self.bundle, self.settings)
        for name in ("_ranker", "_alike", "_second", "_arranger", "_listener", "_profiler", "_desk"):
            self.__dict__.pop(name, None)

    def warm(self) -> None:
        """Load what the first list needs."""
        self._ranker, self._arranger

    def renewed(self) -> Self:
        """An engine over the same bundle, with items that came since."""
        return type(self)(self.store, self.bundle, self.settings, self.models, self._project)

    def look_again(self) -> None:
        """Take notice of items that were hidden or deleted since."""
        self._shelf.__dict__.pop("allowed", None)

    def recommend_many(self, requests: Sequence[ListRequest]) -> list[Recommendation | ZhiyinError]:
        """One list for each request, or why there is none."""
        found: list[Recommendation | ZhiyinError] = []
        for one in requests:
            try:
                how = {"exclude": one.exclude, "include_seen": one.include_seen, "surface": one.surface}
                found.append(self.recommend(one.user_id, one.k, **how))  # type: ignore[arg-type]
            except ZhiyinError as refused:
                found.append(refused)
        return found

    @single_threaded
    def recommend(
        self,
        user_id: str | None,
        k: int = 10,
        *,
        query: str | None = None,
        exclude: Sequence[str] = (),
        include_seen: bool = False,
        surface: str = DEFAULT_SURFACE,
        trace: bool = False,
        visit: pl.DataFrame | None = None,
    ) -> Recommendation:
        """The best ``k`` items for ``user_id``, who may be unknown, or None where nobody in particular asks; fewer
        where the catalogue has no more. ``query`` is a request in words, Chinese or English. ``surface`` names the
        pipeline that re-ranks, ``trace`` asks what each of its stages did. ``visit`` are events in the columns of
        ``Store.events`` that count as the asker's beside those stored, for this list alone.

        Items of ``exclude``, hidden items, those that the person's words rule out and (unless ``include_seen``) the
        person's own never come out.
        """
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        if user_id is None and query is None and visit is None:
            raise UsageError("nobody asks, and for nothing", fix="give a user, a request in words, or both")
        history = self._history(user_id, visit)
        wanted = self._listener.hear(user_id, query)
        k = wanted.at_most(k)
        allowed = self._allowed(exclude)
        pipeline = self._arranger.pipeline(surface)
        order = self._ordered(history, wanted, allowed, max(k, pipeline.candidates), include_seen or pipeline.asks_seen)
        order, said = self._second.of(user_id, history, order, wanted)
        order, ranked = self._arranged(user_id, history, wanted, order, k, allowed, surface, include_seen)
        order = order.first(len(ranked.rows))
        model = self._ranker.of(history).model
        asked_for = self._listener.answered(wanted, order.rows)
        most = self.settings.recommend.reasons
        told = answer(user_id, history, order, model, self.bundle, self._shelf, wanted, asked_for, said, most)
        return with_surface(told, surface, ranked, self._names if trace else None)

    def recommend_all(
        self, k: int = 10, *, exclude: Sequence[str] = (), surface: str = DEFAULT_SURFACE
    ) -> Iterator[pl.DataFrame]:
        """Every stored user's list, in batches: columns ``user_id``, ``item_id``, ``score``, ``rank`` (from 1).

        What people said of their profiles is obeyed; no language model re-ranks here."""
        import polars as pl

        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        users = self.store.users()["user_id"].to_list()
        shelf = self._shelf
        histories = self._histories(self.store.events(), users)
        allowed = self._allowed(exclude)
        speakers = set(self.store.profiles.speakers())
        seen = self._arranger.pipeline(surface).asks_seen
        ids = np.array(shelf.items.ids, dtype=object)
        names = np.array(users, dtype=object)
        for start in range(0, len(users), BATCH):
            some = users[start : start + BATCH]
            own = histories.slice(start, start + BATCH)
            first = max(k, self._arranger.pipeline(surface).candidates)
            rows, scores = self._ranker.top_k(own, first, exclude_seen=not seen, allowed=allowed)
            chances = self._probability.of(scores, own.lengths)
            rows, scores = self._arranger.run_many(some, own, rows, scores, chances, k, allowed, surface)
            for place, user in enumerate(some):
                if user in speakers:
                    history = histories.slice(start + place, start + place + 1)
                    order = self._ordered(history, self._listener.hear(user, None), allowed, first, seen)
                    order = order.arranged(self._arranger.run(user, history, order, k, allowed, surface).rows).first(k)
                    rows[place], scores[place] = -1, -np.inf
                    rows[place, : len(order.rows)], scores[place, : len(order.rows)] = order.rows, order.scores
            taken = rows >= 0
            yield pl.DataFrame(
                {
                    "user_id": np.repeat(names[start : start + BATCH], taken.sum(axis=1)).tolist(),
                    "item_id": ids[rows[taken]].tolist(),
                    "score": scores[taken],
                    "rank": np.cumsum(taken, axis=1)[taken].astype(np.int32),
                },
                schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32, "rank": pl.Int32},
            )

    def similar(self, item_id: str, k: int = 10) -> list[Recommended]:
        """The ``k`` items that go with ``item_id`` most of all, whoever asks; fewer where the model knows no more.

        Raises UnknownItem for an id nobody has heard of, ModelError for an item that came after training and whose
        text the model cannot place.
        """
        return alike(self._alike, self._shelf, item_id, k)

    def history(self, user_id: str) -> list[tuple[str, str]]:
        """Ids and titles of what the person took, latest first."""
        history = self._history(user_id)
        return [(self._shelf.items.ids[row], self._shelf.catalogue.titles[row]) for row in history.items[::-1]]

    @single_threaded
    def explain(
        self,
        user_id: str,
        item_id: str,
        language: Language | None = None,
        *,
        k: int = 10,
        query: str | None = None,
        exclude: Sequence[str] = (),
        surface: str = DEFAULT_SURFACE,
        plain: bool = False,
    ) -> Explanation:
        """Why ``item_id`` is among the best ``k`` for ``user_id`` on ``surface``, each sentence with its evidence, or
        why it is not and what would change that. ``language`` None takes that of the titles the person chose; ``plain``
        leaves the words to templates, whatever model is configured."""
        from zhiyin.explain.evidence import Interested, Wished
        from zhiyin.explaining import explain

        if k < 1:
            raise UsageError(f"asked about the best {k} items", fix="ask about 1 or more")
        history = self._history(user_id)
        wanted = self._listener.hear(user_id, query)
        row = self._shelf.items.row(item_id)
        sources = ["profile"] * len(wanted.kept) + ["request"] * len(wanted.requested)
        pulls = {}
        if wanted.wishes and row >= 0:
            pulls = {part.wish: part for part in self._listener.parts(wanted, np.array([row], dtype=np.int32))[0]}
        told = [
            Wished(wish, source, pulls[wish].share if wish in pulls else 0.0)
            for wish, source in zip(wanted.wishes, sources, strict=True)
        ]
        allowed = self._allowed(exclude)
        n = len(self._shelf.items)
        k = wanted.at_most(k)
        again = self._arranger.pipeline(surface).asks_seen
        order = self._second.of(user_id, history, self._ordered(history, wanted, allowed, n, again), wanted)[0]
        order, ranked = self._arranged(user_id, history, wanted, order, k, allowed, surface)
        weights = self._profiler.shared(user_id, row) if row >= 0 else []
        return explain(
            self._desk,
            user_id,
            item_id,
            language,
            k=k,
            shown=len(ranked.rows),
            exclude=exclude,
            wishes=told,
            interests=[Interested(*one) for one in weights],
            ordered=order,
            again=lambda other: self._arranged(
                user_id, other, wanted, self._ordered(other, wanted, allowed, n, again), k, allowed, surface
            )[0],
            moved=ranked.moved(row, item_id),
            barring=barring(wanted.wishes, self._listener.matcher, row) if wanted.wishes and row >= 0 else None,
            named=bool(wanted.requested) and row >= 0 and bool(self._listener.matcher.named(wanted.requested)[row]),
            plain=plain,
        )

    def profile(self, user_id: str, language: str | None = None) -> Profile:
        """What is believed of ``user_id``, who may be unknown, and by which events; see ``Profile``."""
        return self._profiler.profile(user_id, language)

    def edit_profile(self, user_id: str, said: str, *, statement: str | None = None, remove: bool = False) -> int:
        """Keep what ``said`` says of the profile, in plain words; the number under which it can be taken back. It
        counts in the next list. See ``Profiler.edit``."""
        return self._profiler.edit(user_id, said, statement=statement, remove=remove)

    def read(self, words: str) -> Asked:
        """What a request or an edit in plain words is taken to say."""
        return self._listener.read(words)

    def undo_edit(self, user_id: str, edit: int) -> None:
        """Take back what was said. Raises UsageError where there is no such edit."""
        self._profiler.undo(user_id, edit)

    @cached_property
    def _ranker(self) -> ByLength:
        return served(self.bundle, self._shelf)

    @property
    def _model(self) -> Recommender:
        return self._ranker.long.model

    @cached_property
    def _arranger(self) -> Arranger:
        return Arranger(self.store, self.bundle, self._shelf, self._project)

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
        if user_id is None:
            return Histories.of([[]])
        return self._histories(self.store.events(user_id), [user_id])

    def _histories(self, events: pl.DataFrame, users: Sequence[str]) -> Histories:
        liked = positives(happened(events), self._preprocess, unit=self._unit)
        half_life = self._preprocess.half_life_days
        items, known = self._shelf.items, self.bundle.users
        return histories_of(liked, items, users, known=known, half_life_days=half_life, now=self._now)

    def _allowed(self, exclude: Sequence[str]) -> NDArray[np.bool_]:
        allowed = self._shelf.allowed.copy()
        barred = self._shelf.items.rows(exclude)
        allowed[barred[barred >= 0]] = False
        return allowed
