"""What stored events say beside the models: how people act on items, and what they buy together.

All events are read for it, which takes seconds where there are many; so it lives as long as the bundle is served and
outlives the engines that new items renew. Events that came since count from the next bundle on, as they do for models.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zhiyin.preprocess.dataset import happened
from zhiyin.types import NO_TIME, IdMap

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.acting import Learned, LearnedActing
    from zhiyin.candidates.together import Pairs
    from zhiyin.config import ShopSettings
    from zhiyin.rerank.items import Items
    from zhiyin.rerank.social.actions import Actions
    from zhiyin.store.sql import SqlStore

HOUR = 3_600_000_000


class Behaviour:
    """Each part is learned when first asked for. Engines of several threads may share one."""

    def __init__(self, store: SqlStore, settings: ShopSettings, seed: int) -> None:
        self._store, self._settings, self._seed = store, settings, seed
        self._acting: dict[tuple[Actions, str | None], Learned | None] = {}
        self._counted: tuple[IdMap, Pairs, Pairs] | None = None
        self._lock = threading.Lock()

    def acting(self, actions: Actions, author: str | None, items: Items) -> LearnedActing | None:
        """How people take ``actions`` with ``items``, of which those that came since it was learned have no counts yet;
        None where no event said."""
        from zhiyin.acting import learned

        with self._lock:
            if (actions, author) not in self._acting:
                self._acting[actions, author] = learned(self._store, items, actions, author, self._seed)
            found = self._acting[actions, author]
        return None if found is None else found.over(items)

    def pairs(self, ids: IdMap) -> tuple[Pairs, Pairs]:
        """What is bought together and what is looked at together, by the rows of ``ids``. What came since it was
        counted is in no pair."""
        with self._lock:
            if self._counted is None:
                self._counted = (ids, *self._count(ids))
            own, bought, viewed = self._counted
        if own is ids:
            return bought, viewed
        rows = ids.rows(own.ids)
        return bought.over(rows, len(ids)), viewed.over(rows, len(ids))

    def learn_as(self, other: Behaviour, items: Items) -> None:
        """Learn what ``other`` was asked for, so that the first who asks for it again need not wait for it."""
        for actions, author in list(other._acting):
            self.acting(actions, author, items)
        if other._counted is not None:
            self.pairs(items.ids)

    def _count(self, ids: IdMap) -> tuple[Pairs, Pairs]:
        import polars as pl

        events = happened(self._store.events()).select("user_id", "item_id", "event_type", "time")
        kinds = pl.col("event_type").str.strip_chars().str.to_lowercase()
        bought = events.filter(kinds.is_in(_lower(self._settings.bought)))
        viewed = events.filter(kinds.is_in(_lower(self._settings.viewed)))
        # Without a single purchase nothing is bought together, and looks are all there is: they are no substitutes.
        if bought.is_empty():
            viewed = viewed.clear()
        days, hours = self._settings.basket_days, self._settings.visit_hours
        return _pairs(bought, ids, int(days * 24 * HOUR)), _pairs(viewed, ids, int(hours * HOUR))


def _pairs(events: pl.DataFrame, ids: IdMap, window: int) -> Pairs:
    import polars as pl

    from zhiyin.candidates.together import Pairs

    people = IdMap(events["user_id"].unique().sort().to_list())
    rows = ids.rows(events["item_id"].to_list())
    known = rows >= 0
    users = people.rows(events["user_id"].to_list())[known]
    times = events["time"].cast(pl.Int64).fill_null(NO_TIME).to_numpy()[known]
    return Pairs.of(users, rows[known], times, len(ids), window)


def _lower(names: Sequence[str]) -> list[str]:
    return [name.strip().lower() for name in names]
