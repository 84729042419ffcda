"""Recommending: the stages 4-7 in order, from one person's events and words to a list with reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zhiyin.alike import alike
from zhiyin.answering import Asking, answer
from zhiyin.answers import Recommendation, Recommended
from zhiyin.bundle import FOLDER, active
from zhiyin.config import load_settings
from zhiyin.errors import UsageError, ZhiyinError
from zhiyin.holding import conditions_of, described
from zhiyin.listing import ListRequest
from zhiyin.many import Many
from zhiyin.ordering import Ordered
from zhiyin.pipeline import SHIPPED, surfaces
from zhiyin.stages import stage
from zhiyin.threads import single_threaded
from zhiyin.types import DEFAULT_SURFACE, Histories
from zhiyin.wants import barring
from zhiyin.wiring import Wired

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.explaining import Explanation
    from zhiyin.scripts import Language
    from zhiyin.understand.profiles import Profile
    from zhiyin.understand.wishes.asked import Asked

WARMING = 4
"""People whose lists are made before anybody asks."""
LATEST = 1000
"""Lists shown last, whose surfaces are made ready."""
GOES_WITH = ("complementary", "cart")
"""Surfaces of what goes with one item, and with several."""


class Engine(Wired):
    """A store and a trained bundle, ready to answer.

    Events count as soon as they are stored. Items that were added or hidden after the engine was opened are noticed
    by ``refresh``.
    """

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

    def warm(self, before: Engine | None = None) -> None:
        """Load what the first list needs, by making a few: on the default surface, on those that the project has files
        of, and on those shown of late. What ``before``, in whose place this engine comes, had learned of events is
        learned, too."""
        users = self.bundle.users.ids[:: max(1, len(self.bundle.users) // WARMING)][:WARMING]
        wanted = {DEFAULT_SURFACE, *self._surfaces()}
        self.recommend_many([ListRequest(user, surface=name) for name in sorted(wanted) for user in (None, *users)])
        if not wanted.isdisjoint(GOES_WITH):
            self._behaviour.pairs(self._shelf.items)
        if before is not None:
            self._behaviour.learn_as(before._behaviour, self._arranger.items)

    def _surfaces(self) -> set[str]:
        if self._project is None:
            return set()
        shown, there = self.store.impressions.surfaces(LATEST), surfaces(self._project)
        return {name for name, path in there.items() if name in shown or path.parent != SHIPPED}

    @single_threaded
    def recommend_many(self, requests: Sequence[ListRequest]) -> list[Recommendation | ZhiyinError]:
        """One list for each request, the same as ``recommend`` makes one by one, or why there is none. Nobody in
        particular (``user_id`` None) gets what is popular."""
        return self._many.lists(requests)

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
        where: Sequence[Mapping[str, Any] | str] = (),
        categories: Sequence[str] = (),
    ) -> Recommendation:
        """The best ``k`` items for ``user_id``, who may be unknown, or None where nobody in particular asks; fewer
        where the catalogue has no more. ``query`` is a request in words, Chinese or English. ``surface`` names the
        pipeline that re-ranks, ``trace`` asks what each of its stages did. ``visit`` are events in the columns of
        ``Store.events`` that count as the asker's beside those stored, for this list alone.

        Items of ``exclude``, hidden items, those that the person's words rule out and (unless ``include_seen``) the
        person's own never come out; nor do those for which a condition of ``where`` (as pipeline files have them, or
        that as JSON) does not hold, or that are not in all of ``categories``.
        """
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        if user_id is None and query is None and visit is None:
            raise UsageError("nobody asks, and for nothing", fix="give a user, a request in words, or both")
        with stage("histories"):
            history = self._history(user_id, visit)
        with stage("wishes"):
            wanted = self._listener.hear(user_id, query)
        k = wanted.at_most(k)
        conditions = conditions_of(where, categories)
        allowed = self._allowed(exclude, conditions)
        pipeline = self._arranger.pipeline(surface)
        seen = include_seen or pipeline.asks_seen
        with stage("candidates"):
            order = self._ordered(history, wanted, allowed, max(k, pipeline.candidates), seen)
        order, said = self._second.of(user_id, history, order, wanted)
        with stage("reranking"):
            order, ranked = self._arranged(user_id, history, wanted, order, k, allowed, surface, include_seen)
        order = order.first(len(ranked.rows))
        asked_for = self._listener.answered(wanted, order.rows)
        model, most = self._ranker.of(history).model, self.settings.recommend.reasons
        held = described(conditions) if conditions else None
        asking = Asking(user_id, history, model, most, wanted, asked_for, said, held)
        with stage("reasons"):
            return answer(asking, order, self.bundle, self._shelf, surface, ranked, self._names if trace else None)

    def recommend_all(
        self, k: int = 10, *, exclude: Sequence[str] = (), surface: str = DEFAULT_SURFACE
    ) -> Iterator[pl.DataFrame]:
        """Every stored user's list, in batches: columns ``user_id``, ``item_id``, ``score``, ``rank`` (from 1).

        What people said of their profiles is obeyed; no language model re-ranks here."""
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        users = self.store.users()["user_id"].to_list()
        return self._many.everyone(users, self._histories(self.store.events(), users), k, exclude, surface)

    def similar(self, item_id: str, k: int = 10) -> list[Recommended]:
        """The ``k`` items that go with ``item_id`` most of all, whoever asks; fewer where the model knows no more.

        Raises UnknownItem for an id nobody has heard of, ModelError for an item that came after training and whose
        text the model cannot place.
        """
        return alike(self._alike, self._shelf, item_id, k)

    @single_threaded
    def goes_with(self, item_ids: Sequence[str], k: int = 10, *, surface: str | None = None) -> list[Recommended]:
        """Up to ``k`` items that go with all of ``item_ids``, one product or a cart: bought together with them and not
        looked at in their place. ``surface`` names the pipeline that re-ranks; None takes "complementary" for one item
        and "cart" for several. None of ``item_ids`` comes out.

        Raises UnknownItem, UsageError, and ModelError where nothing is known of any of them.
        """
        if k < 1:
            raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
        surface = surface or GOES_WITH[len(item_ids) > 1]
        pipeline = self._arranger.pipeline(surface)
        allowed = self._allowed(item_ids)
        rows, scores, sources = self._goes_with.candidates(item_ids, max(k, pipeline.candidates), allowed)
        ranked = self._arranger.run(None, Histories.of([[]]), Ordered(rows, scores), k, allowed, surface)
        said = dict(zip(rows.tolist(), sources, strict=True))
        return self._goes_with.answers(item_ids, ranked.rows, ranked.scores, said)

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
        where: Sequence[Mapping[str, Any] | str] = (),
        categories: Sequence[str] = (),
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
        conditions = conditions_of(where, categories)
        allowed = self._allowed(exclude, conditions)
        unmet = [one for one in conditions if row >= 0 and not self._allowed((), (one,))[row]]
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
            unmet=described(tuple(unmet)) if unmet else None,
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
    def _many(self) -> Many:
        return Many(
            self.store,
            self.bundle,
            self._shelf,
            self._ranker,
            self._probability,
            self._arranger,
            self._second,
            self.settings.recommend.reasons,
            self._kept,
            self._allowed,
            self._alone,
            self._spoken,
        )

    def _alone(self, request: ListRequest) -> Recommendation:
        return self.recommend(
            request.user_id,
            request.k,
            exclude=request.exclude,
            include_seen=request.include_seen,
            surface=request.surface,
            where=request.where,
        )
