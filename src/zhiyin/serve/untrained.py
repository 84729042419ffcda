"""Lists before the first training: what most people took, of what the asker has not had."""

from __future__ import annotations

import time

from zhiyin.answers import Recommendation, Recommended
from zhiyin.config import Settings
from zhiyin.listing import ListRequest
from zhiyin.preprocess.clean import positives
from zhiyin.registry import FILLER
from zhiyin.store.sql import SqlStore
from zhiyin.types import Temperature, Tier

SECONDS = 5.0
"""How long a count of the events counts: they can be many."""
NO_BUNDLE = "none"


class Untrained:
    def __init__(self, store: SqlStore, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._until = 0.0
        self._counts: dict[str, int] = {}
        self._popular: list[tuple[str, str | None, int]] | None = None

    def items_changed(self) -> None:
        """What is hidden goes at once, what is new comes."""
        self._popular = None

    def recommend(self, request: ListRequest) -> Recommendation:
        """``where`` conditions are not held against items here: nothing was read in them yet."""
        out = set(request.exclude)
        if request.user_id is not None and not request.include_seen:
            out |= set(self._store.events(request.user_id)["item_id"])
        best = [one for one in self._order() if one[0] not in out][: request.k]
        items = [
            Recommended(key, title, place, float(count), None, [FILLER], [])
            for place, (key, title, count) in enumerate(best, 1)
        ]
        reason = "nothing is trained yet: popular items" if items else "there is nothing to recommend yet"
        told = {"reason": reason}
        return Recommendation(
            request.user_id, NO_BUNDLE, Tier.NONE, Temperature.COLD, told, None, None, items, request.surface
        )

    def _order(self) -> list[tuple[str, str | None, int]]:
        """Items by how many people took them, then by id."""
        if time.monotonic() > self._until:
            liked = positives(self._store.events(), self._settings.preprocess, unit=1.0)
            self._counts = dict(liked.group_by("item_id").len().iter_rows())
            self._until, self._popular = time.monotonic() + SECONDS, None
        found = self._popular
        if found is None:
            items = self._store.items()
            shown = items.filter(~items["hidden"]).select("item_id", "title").iter_rows()
            some = [(key, title, self._counts.get(key, 0)) for key, title in shown]
            found = self._popular = sorted(some, key=lambda one: (-one[2], one[0]))
        return found
