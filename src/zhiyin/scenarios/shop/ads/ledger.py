"""What was shown and spent, and the word whether one more may be: every limit is held here and nowhere else.

A ledger is kept by a store (``store.ads``), where a claim is part of a transaction, or in memory (``MemoryLedger``) for
simulations. Both keep the rules of ``store.spending``, and one suite tests both.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from zhiyin.store.spending import Clicked, Limits, Show, Spent, Tried, capped, charged, everywhere, fits


class Ledger(Protocol):
    def claim(self, show: Show, limits: Limits) -> bool:
        """Count ``show``, unless a limit would be broken: then nothing happens and it is False."""
        ...

    def click(self, show_id: str, time: int, day: int, limits: Mapping[str, Limits], window: int) -> Clicked | None:
        """None where it does not count: an unknown show, a withheld one, a second click, or one after ``window``."""
        ...

    def spent(self, campaigns: Sequence[str], days: Sequence[int]) -> list[Spent]:
        """What each of ``campaigns`` spent in all, and on its day of ``days``."""
        ...

    def tried(self) -> dict[tuple[str, str], Tried]:
        """Shows and clicks by campaign and creative."""
        ...

    def seen(self, user_id: str, since: int) -> Mapping[str, Sequence[int]]:
        """By campaign the times, rising, of what was shown to a person (or withheld); those before ``since`` may be
        left out."""
        ...


class MemoryLedger:
    """For one process and as long as it lives."""

    def __init__(self) -> None:
        self._total: dict[str, int] = defaultdict(int)
        self._day: dict[tuple[str, int], int] = defaultdict(int)
        self._shows: dict[tuple[str, str], int] = defaultdict(int)
        self._clicks: dict[tuple[str, str], int] = defaultdict(int)
        self._seen: dict[str, dict[str, list[int]]] = {}
        """Times by person and campaign, rising."""
        self._open: dict[str, Show] = {}
        """Shows that nobody clicked so far."""

    def claim(self, show: Show, limits: Limits) -> bool:
        campaign, user = show.campaign, show.user_id
        if not fits(show, limits, self._total[campaign], self._day[campaign, show.day]):
            return False
        seen = self._seen.get(user)
        if seen is None:
            seen = self._seen[user] = {}
        if capped(seen.get(campaign, ()), limits.caps, show.time) or everywhere(seen, limits.person_caps, show.time):
            return False
        insort(seen.setdefault(campaign, []), show.time)
        if show.withheld:
            return True
        self._open[show.show_id] = show
        self._shows[campaign, show.creative] += 1
        if show.pays == "show":
            self._pay(show, show.day, show.price)
        return True

    def click(self, show_id: str, time: int, day: int, limits: Mapping[str, Limits], window: int) -> Clicked | None:
        show = self._open.get(show_id)
        if show is None or time > show.time + window:
            return None
        del self._open[show_id]
        self._clicks[show.campaign, show.creative] += 1
        paid = 0
        if show.pays == "click":
            own = limits.get(show.campaign)
            paid = charged(show.price, own, self._total[show.campaign], self._day[show.campaign, day])
            self._pay(show, day, paid)
        return Clicked(show.campaign, show.creative, paid)

    def spent(self, campaigns: Sequence[str], days: Sequence[int]) -> list[Spent]:
        return [
            Spent(self._total.get(one, 0), self._day.get((one, day), 0))
            for one, day in zip(campaigns, days, strict=True)
        ]

    def tried(self) -> dict[tuple[str, str], Tried]:
        return {key: Tried(shows, self._clicks.get(key, 0)) for key, shows in self._shows.items()}

    def seen(self, user_id: str, since: int) -> Mapping[str, Sequence[int]]:
        return self._seen.get(user_id, {})

    def _pay(self, show: Show, day: int, price: int) -> None:
        self._total[show.campaign] += price
        self._day[show.campaign, day] += price
