"""Places given to campaigns, many requests at once: who may, who wins, and the ledger's word.

    runs today, meant for the person    the caller says whom a campaign is meant for
    takes part                          drawn by the pacer's share
    a creative for each campaign        drawn by the explorer's chances
    offers                              bid x chance of a click
    auction                             the best takes the place, unless the ledger refuses: then the next best

Campaigns that withhold from a person win like others, are noted, and leave the place to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from zhiyin.scenarios.shop.ads.auction import auction, prices
from zhiyin.scenarios.shop.ads.campaign import DAY, MILLION, Creative
from zhiyin.scenarios.shop.ads.ledger import Ledger
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.scenarios.shop.ads.pacing import Pacer
from zhiyin.scenarios.shop.ads.traffic import Shape, local
from zhiyin.store.spending import Show, capped, everywhere
from zhiyin.types import Longs

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
FEW = 20
"""Requests for whose people it is looked up beforehand what they have seen. With more of them the ledger's refusals, a
second auction each, cost less."""


@dataclass(frozen=True)
class Asks:
    """B requests at ``times`` (int64 microseconds UTC, rising). ``meant`` bool [B, C]: is the campaign for this person
    and place? ``chance`` float64 [B, A]: the chance that each creative is clicked. ``slots`` int [B]: places there are.
    ``told`` float64 [B, A, F] is kept with the shows; None keeps nothing."""

    users: Sequence[str]
    surface: str
    times: Longs
    meant: Flags
    chance: Values
    slots: Longs
    told: NDArray[np.float64] | None = None
    draws: Values | None = None
    """Other chances [A] of the creatives than those of the desk, for all B."""


@dataclass(frozen=True)
class Placed:
    show: Show
    creative: Creative


class Desk:
    """One process's view of ``market``: shares of the pacer, ``draws`` float64 [A] (the chance that a creative stands
    for its campaign, summing to 1 over each campaign's). ``ids`` makes numbers for shows."""

    def __init__(
        self,
        market: Market,
        shape: Shape,
        zone: ZoneInfo,
        draws: Values,
        *,
        reserve: float,
        spare: float,
        ids: Callable[[], str],
        pacer: Pacer | None = None,
    ) -> None:
        """``reserve`` in units of the currency for a thousand shows."""
        self.market, self.shape, self.zone = market, shape, zone
        self.pacer = pacer or Pacer(market.columns, shape)
        self._reserve, self._spare, self._ids = reserve * MILLION / 1000, spare, ids
        self._left = np.ones(len(market), dtype=np.bool_)
        self.draws = draws

    def local(self, times: Longs) -> Longs:
        return local(times, self.zone)

    def look(self, ledger: Ledger, now: int) -> None:
        """Take notice of what was spent by ``now`` (microseconds UTC), and share anew where it is time."""
        here = int(self.local(np.array([now]))[0])
        names = self.market.names
        spent = ledger.spent(names, [here // DAY] * len(names))
        total = np.array([one.total for one in spent], dtype=np.int64)
        today = np.array([one.day for one in spent], dtype=np.int64)
        columns = self.market.columns
        self._left = (total < columns.total) & (today < columns.daily)
        if self.pacer.due(here):
            self.pacer.look(here, total, today)

    def place(self, asks: Asks, ledger: Ledger, random: np.random.Generator) -> list[list[Placed]]:
        """What stands in the places of each request, in order of place; fewer where nobody fits. Shows that are
        withheld are noted in the ledger and are in no list."""
        market, columns = self.market, self.market.columns
        size = len(asks.users)
        found: list[list[Placed]] = [[] for _ in range(size)]
        if not size or not len(market):
            return found
        here = self.local(asks.times)
        takes = asks.meant & market.runs(here) & self._left
        takes &= random.random(takes.shape) < self.pacer.share
        if size <= FEW and columns.capped.any():
            self._cap(takes, asks, ledger)
        draws = self.draws if asks.draws is None else asks.draws
        creative = self._drawn(draws, size, random)
        chance = np.take_along_axis(asks.chance, creative, axis=1)
        offers = np.where(takes, columns.bid * np.where(columns.by_click, chance, 1.0), -np.inf)
        waiting = np.flatnonzero(takes.any(axis=1) & (asks.slots > 0))
        while len(waiting):
            won = auction(offers[waiting], self._reserve, self._spare, random)
            some = won.campaign >= 0
            waiting, winner = waiting[some], won.campaign[some]
            own = chance[waiting, winner]
            price = prices(won.worth[some], own, columns.bid[winner], columns.by_click[winner])
            stays = np.ones(len(waiting), dtype=np.bool_)
            chosen = creative[waiting, winner]
            propensity = won.chance[some] * draws[chosen]
            told = [()] * len(waiting) if asks.told is None else asks.told[waiting, chosen].tolist()
            rows = zip(
                waiting.tolist(), winner.tolist(), chosen.tolist(), price.tolist(), own.tolist(), propensity.tolist(),
                (here[waiting] // DAY).tolist(), asks.times[waiting].tolist(), told, strict=True,
            )  # fmt: skip
            for at, (row, campaign, which, cost, p, drawn, day, time, known) in enumerate(rows):
                name, shown = market.creatives[which]
                user = asks.users[row]
                withheld = market.held_out(campaign, user)
                show = Show(
                    self._ids(), name, shown.id, user, asks.surface, time, day, cost, market.campaigns[campaign].charge,
                    p, drawn, withheld, tuple(known),
                )  # fmt: skip
                if ledger.claim(show, market.limits[name]) and not withheld:
                    found[row].append(Placed(show, shown))
                    stays[at] = len(found[row]) < asks.slots[row]
            offers[waiting, winner] = -np.inf
            waiting = waiting[stays]
        return found

    def _cap(self, takes: Flags, asks: Asks, ledger: Ledger) -> None:
        """Leave out whom a person has seen often enough: the ledger would refuse them one by one."""
        market = self.market
        caps = {name: (at, market.limits[name].caps) for name, at in market.place.items() if market.limits[name].caps}
        everyone = market.limits[market.names[0]].person_caps
        for row, (user, now) in enumerate(zip(asks.users, asks.times.tolist(), strict=True)):
            seen = ledger.seen(user, now - market.longest)
            for campaign, times in seen.items():
                own = caps.get(campaign)
                if own is not None and capped(times, own[1], now):
                    takes[row, own[0]] = False
            if everyone and everywhere(seen, everyone, now):
                takes[row] = False

    def _drawn(self, draws: Values, size: int, random: np.random.Generator) -> Longs:
        """One creative for each request and campaign, [B, C]."""
        first = self.market.first
        sums = np.concatenate(([0.0], np.cumsum(draws)))
        point = sums[first[:-1]] + random.random((size, len(self.market))) * (sums[first[1:]] - sums[first[:-1]])
        # A creative without a chance ends where the one before it does, so that "right" passes it over.
        found = np.searchsorted(sums[1:], point, side="right")
        return np.asarray(np.clip(found, first[:-1], first[1:] - 1), dtype=np.int64)
