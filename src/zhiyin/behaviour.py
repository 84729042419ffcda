"""What stored events say beside the models: how people act on items, and what they buy together.

All events are read for it, which takes seconds where there are many; so it lives as long as the bundle is served and
outlives the engines that new items renew. Events that came since count from the next bundle on, as they do for models.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zhiyin.preprocess.dataset import happened
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.types import NO_TIME, IdMap

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.acting import Learned, LearnedActing
    from zhiyin.candidates.together import Pairs, Takers
    from zhiyin.config import PreprocessSettings, ShopSettings
    from zhiyin.rerank.items import Items
    from zhiyin.rerank.social.actions import Actions
    from zhiyin.store.sql import SqlStore

HOUR = 3_600_000_000


class Counted(NamedTuple):
    """What is bought together, what is looked at together, and who took what at all."""

    bought: Pairs
    viewed: Pairs
    takers: Takers


class Behaviour:
    """Each part is learned when first asked for. Engines of several threads may share one."""

    def __init__(self, store: SqlStore, settings: ShopSettings, preprocess: PreprocessSettings, seed: int) -> None:
        """``preprocess`` says which events are no sign of interest."""
        self._store, self._settings, self._preprocess, self._seed = store, settings, preprocess, seed
        self._acting: dict[tuple[Actions, str | None], Learned | None] = {}
        self._counted: tuple[IdMap, Counted] | None = None
        # Two: whoever asks what goes with an item does not keep lists waiting.
        self._learning, self._counting = threading.Lock(), threading.Lock()

    def acting(self, actions: Actions, author: str | None, items: Items) -> LearnedActing | None:
        """How people take ``actions`` with ``items``, of which those that came since it was learned have no counts yet;
        None where no event said."""
        from zhiyin.acting import learned

        with self._learning:
            if (actions, author) not in self._acting:
                self._acting[actions, author] = learned(self._store, items, actions, author, self._seed)
            found = self._acting[actions, author]
        return None if found is None else found.over(items)

    def pairs(self, ids: IdMap) -> Counted:
        """By the rows of ``ids``. What came since it was counted is in no pair, and nobody took it."""
        with self._counting:
            if self._counted is None:
                self._counted = (ids, self._count(ids))
            own, found = self._counted
        if own is ids:
            return found
        rows = ids.rows(own.ids)
        bought, viewed = found.bought.over(rows, len(ids)), found.viewed.over(rows, len(ids))
        return Counted(bought, viewed, found.takers.over(own.rows(ids.ids)))

    def learn_as(self, other: Behaviour, items: Items) -> None:
        """Learn what ``other`` was asked for, so that the first who asks for it again need not wait for it."""
        if other is self:
            return
        for actions, author in list(other._acting):
            self.acting(actions, author, items)
        if other._counted is not None:
            self.pairs(items.ids)

    def _count(self, ids: IdMap) -> Counted:
        import polars as pl

        from zhiyin.candidates.together import Pairs, Takers

        events = happened(self._store.events())
        people = IdMap(events["user_id"].unique().sort().to_list())
        users, items = (of.rows(events[name].to_list()) for of, name in ((people, "user_id"), (ids, "item_id")))
        times = events["time"].cast(pl.Int64).fill_null(NO_TIME).to_numpy()

        def pairs(which: pl.Series, window: float) -> Pairs:
            some = which.to_numpy() & (items >= 0)
            return Pairs.of(users[some], items[some], times[some], len(ids), int(window * HOUR))

        kinds = events["event_type"].str.strip_chars().str.to_lowercase()
        bought, viewed = (kinds.is_in(_lower(names)) for names in (self._settings.bought, self._settings.viewed))
        # Without a single purchase nothing is bought together, and looks are all there is: they are no substitutes.
        viewed = viewed & bool(bought.any())
        took = events.select(weight_of_event(self._preprocess) > 0).to_series().fill_null(False).to_numpy() & (
            items >= 0
        )
        return Counted(
            pairs(bought, self._settings.basket_days * 24),
            pairs(viewed, self._settings.visit_hours),
            Takers.of(users[took], items[took], len(ids)),
        )


def _lower(names: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in names]
