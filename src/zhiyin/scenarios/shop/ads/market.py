"""Campaigns as columns, so that many requests are decided at once: C campaigns, A creatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.feedback.buckets import number_of
from zhiyin.scenarios.shop.ads.campaign import DAY, MILLION, Campaign, micros
from zhiyin.store.spending import Limits
from zhiyin.types import Ints, Longs

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
REMEMBERED = 1_000_000
UNBOUND = np.iinfo(np.int64).max // 4
"""A budget without a bound."""


@dataclass(frozen=True)
class Columns:
    """Aligned [C]; money in millionths, days since 1970."""

    bid: Values
    """For a click, or for one show."""
    by_click: Flags
    even: Flags
    total: Longs
    daily: Longs
    first_day: Longs
    last_day: Longs
    capped: Flags


class Market:
    """The campaigns that take part, by name in order. ``first`` [C + 1] are where each one's creatives begin among the
    A of all."""

    def __init__(self, campaigns: Mapping[str, Campaign], person_caps: tuple[tuple[int, int], ...] = ()) -> None:
        self.names = sorted(campaigns)
        self.campaigns = [campaigns[name] for name in self.names]
        self.place = {name: at for at, name in enumerate(self.names)}
        own = self.campaigns
        self.first: Ints = np.cumsum([0, *(len(one.creative) for one in own)]).astype(np.int32)
        self.creatives = [(name, one) for name in self.names for one in campaigns[name].creative]
        self.owner: Ints = np.repeat(np.arange(len(own), dtype=np.int32), np.diff(self.first))
        self.limits = {
            name: Limits(
                None if one.budget.total is None else micros(one.budget.total),
                None if one.budget.daily is None else micros(one.budget.daily),
                tuple((cap.shows, cap.window) for cap in one.cap),
                person_caps,
            )
            for name, one in campaigns.items()
        }
        bounds = [self.limits[name] for name in self.names]
        by_click = np.array([one.charge == "click" for one in own], dtype=np.bool_)
        bid = np.array([one.bid * MILLION for one in own], dtype=np.float64)
        self.columns = Columns(
            np.where(by_click, bid, bid / 1000),
            by_click,
            np.array([one.pace == "even" for one in own], dtype=np.bool_),
            np.array([UNBOUND if one.total is None else one.total for one in bounds], dtype=np.int64),
            np.array([UNBOUND if one.daily is None else one.daily for one in bounds], dtype=np.int64),
            np.array([one.first_day for one in own], dtype=np.int64),
            np.array([one.last_day for one in own], dtype=np.int64),
            np.array([bool(one.caps or person_caps) for one in bounds], dtype=np.bool_),
        )
        self.longest = max((window for one in bounds for _, window in (*one.caps, *one.person_caps)), default=0)
        self._held_out: dict[tuple[int, str], bool] = {}

    def __len__(self) -> int:
        return len(self.names)

    def runs(self, local: Longs) -> Flags:
        """Which campaigns run at each local moment: [len(local), C]."""
        day = (local // DAY)[:, None]
        found: Flags = (day >= self.columns.first_day) & (day <= self.columns.last_day)
        return found

    def held_out(self, campaign: int, user_id: str) -> bool:
        """Whether the campaign is withheld from somebody: always the same people, others for each campaign."""
        share = self.campaigns[campaign].holdout
        if not share:
            return False
        key = campaign, user_id
        found = self._held_out.get(key)
        if found is None:
            if len(self._held_out) >= REMEMBERED:
                self._held_out.clear()
            salt = f"ads\n{self.names[campaign]}"
            found = self._held_out[key] = number_of(salt, user_id) < share
        return found
