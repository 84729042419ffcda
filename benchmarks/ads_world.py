"""A made-up week of a shop with advertisements: people with interests, campaigns of all kinds, hours that differ.

Whether a show is clicked is drawn from chances that the service does not know: each creative's own, moved by how far
the person's interests meet the creative's. What the service does (auction, pacing, caps, rates, slopes) is the code of
``zhiyin.scenarios.shop.ads``, over the ledger in memory.
"""

from __future__ import annotations

import datetime
import gc
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from zhiyin.scenarios.shop.ads import clicks
from zhiyin.scenarios.shop.ads.campaign import DAY, EPOCH, HOUR, MILLION, Campaign
from zhiyin.scenarios.shop.ads.desk import Asks, Desk
from zhiyin.scenarios.shop.ads.ledger import MemoryLedger
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.scenarios.shop.ads.policy import Policy
from zhiyin.scenarios.shop.ads.traffic import Shape
from zhiyin.types import Longs

Values = NDArray[np.float64]
FIRST = datetime.date(2026, 3, 2)
DAYS, INTERESTS = 7, 16
ZONE = ZoneInfo("Asia/Shanghai")
AHEAD = 8 * HOUR
HOURS: tuple[float, ...] = (
    0.3,
    0.2,
    0.15,
    0.1,
    0.1,
    0.2,
    0.5,
    0.9,
    1.2,
    1.3,
    1.3,
    1.4,
    1.6,
    1.4,
    1.2,
    1.2,
    1.2,
    1.3,
    1.5,
    1.8,
    2.2,
    2.3,
)
HOURS += (1.8, 0.9)
WEEK: tuple[float, ...] = (0.95, 1.0, 1.1, 1.2, 0.95, 0.9, 0.95)
"""Thursday to Wednesday: numbers of hours of a week begin with Thursday."""
TRUE_SLOPE = 0.6
BATCH, BATCH_TIME = 1000, 300 * MILLION
POLICY = Policy.model_validate({"reserve": 2.0, "zone": "Asia/Shanghai", "person_cap": [{"shows": 30, "hours": 24}]})


@dataclass
class World:
    """``likes`` [U, 16] are people's interests, ``about`` [A, 16] the creatives', ``rate`` [A] their true click rates
    before somebody without interests, ``meant`` bool [U, C]."""

    campaigns: dict[str, Campaign]
    likes: Values
    about: Values
    rate: Values
    meant: NDArray[np.bool_]
    times: Longs
    people: Longs

    @classmethod
    def make(cls, requests: int, campaigns: int, people: int, fill: float, seed: int) -> World:
        """Budgets are such that about ``fill`` of the requests are sold."""
        random = np.random.default_rng(seed)
        likes = random.dirichlet(np.full(INTERESTS, 0.15), people)
        weight = random.lognormal(0, 0.7, campaigns)
        shows = weight / weight.sum() * fill * requests
        found: dict[str, Campaign] = {}
        meant, rate, about = [], [], []
        for number in range(campaigns):
            wanted = random.choice(INTERESTS, int(random.integers(2, 6)), replace=False)
            meant.append(likes[:, wanted].sum(axis=1) > 0.15)
            by_click = bool(random.random() < 0.6)
            base, worth = random.uniform(0.01, 0.04), random.lognormal(np.log(20), 0.35)
            first, last = int(random.integers(0, 3)), int(random.integers(4, DAYS))
            total = shows[number] * worth * 0.55 / 1000
            daily = {"daily": round(total / (last - first + 1), 2)}
            size = int(random.integers(1, 5))
            found[f"campaign {number:02}"] = Campaign.model_validate(
                {
                    "bid": round(worth / 1000 / base if by_click else worth, 4),
                    "charge": "click" if by_click else "show",
                    "starts": FIRST + datetime.timedelta(first),
                    "ends": FIRST + datetime.timedelta(last),
                    "budget": {"total": round(total, 2)} if random.random() < 0.6 else daily,
                    "creative": [{"id": str(one), "title": f"creative {one}"} for one in range(size)],
                    "cap": [{"shows": int(random.integers(3, 9)), "hours": 24}] if random.random() < 0.8 else [],
                    "holdout": 0.1 if random.random() < 0.2 else 0.0,
                }
            )
            for _ in range(size):
                own = np.zeros(INTERESTS)
                own[wanted] = random.dirichlet(np.ones(len(wanted)))
                about.append(own)
                rate.append(base * random.uniform(0.5, 1.5))
        times = arrivals(requests, random)
        return cls(
            found, likes, np.array(about), np.array(rate), np.array(meant).T, times,
            random.integers(0, people, len(times)),
        )  # fmt: skip

    def told(self, people: Longs) -> Values:
        """What the interest model would tell of these people and each creative: [B, A, F]."""
        found = np.zeros((len(people), len(self.rate), len(clicks.FEATURES)))
        found[:, :, 0] = np.clip(np.log((self.likes[people] @ self.about.T + 1e-3) / (1 / INTERESTS + 1e-3)), -3, 3)
        return found


def arrivals(requests: int, random: np.random.Generator) -> Longs:
    """Times in microseconds UTC, rising; each hour's traffic is off what is usual for it by some 14 %."""
    hours = (FIRST.toordinal() - EPOCH) * DAY + np.arange(DAYS * 24) * HOUR
    usual = shape().weight[(hours // HOUR) % 168]
    counts = random.poisson(usual / usual.sum() * requests * random.gamma(50, 1 / 50, len(usual)))
    found: Longs = np.repeat(hours, counts) + random.integers(0, HOUR, int(counts.sum())) - AHEAD
    return np.sort(found)


def shape() -> Shape:
    return Shape(np.outer(WEEK, HOURS).ravel())


@dataclass
class Ran:
    """``seconds`` by the clock, ``processor`` those of one processor; the shows as columns, money in millionths;
    ``share`` is the mean share of its traffic that each campaign took part in, over its dates."""

    seconds: float
    processor: float
    requests: int
    market: Market
    ledger: MemoryLedger
    campaign: Longs
    user: Longs
    time: Longs
    price: Longs
    share: Values
    clicked: int
    again: int
    """Clicks that were sent twice and counted twice."""
    slopes: clicks.Slopes
    paid: Values = field(repr=False)
    """Spent by campaign and local hour of the week, [C, 168]."""


def simulate(world: World, seed: int, *, even: bool = False) -> Ran:
    """All requests of ``world``; with ``even`` creatives are drawn evenly for their campaigns, whatever is known of
    them."""
    # A million shows are kept: looking through them again and again for rings of references finds none.
    gc.disable()
    try:
        return _simulated(world, seed, even)
    finally:
        gc.enable()


def _simulated(world: World, seed: int, even: bool) -> Ran:
    began, worked = time.perf_counter(), time.process_time()
    market = Market(world.campaigns, POLICY.person_caps)
    numbers, random, chance = count(), np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    ledger, slopes = MemoryLedger(), clicks.Slopes()
    rates = clicks.Rates(market, {}, POLICY.rate, POLICY.strength)
    desk = Desk(
        market, shape(), ZONE, 1 / np.diff(market.first)[market.owner], reserve=POLICY.reserve, spare=POLICY.spare,
        ids=lambda: str(next(numbers)),
    )  # fmt: skip
    kept: dict[str, list[Any]] = {name: [] for name in ("campaign", "user", "time", "price", "told", "clicked", "rate")}
    row_of = {(name, one.id): row for row, (name, one) in enumerate(market.creatives)}
    seen, took, again, start = np.zeros(len(market)), np.zeros(len(market)), 0, 0
    paid = np.zeros((len(market), 168))
    hour = day = -1
    while start < len(world.times):
        first = int(world.times[start])
        end = min(start + BATCH, int(np.searchsorted(world.times, first + BATCH_TIME)))
        here = first + AHEAD
        if here // HOUR // 3 != hour:
            hour = here // HOUR // 3
            rates = clicks.Rates(market, ledger.tried(), POLICY.rate, POLICY.strength)
            if not even:
                desk.draws = rates.draws(POLICY.explore)
        if here // DAY != day:
            day = here // DAY
            if kept["told"]:
                own = (np.array(kept["told"]), np.array(kept["clicked"], dtype=np.bool_), np.array(kept["rate"]))
                slopes = clicks.fitted(*own, slopes)
        desk.look(ledger, first)
        people, means = world.people[start:end], rates.means()
        told = world.told(people)
        told_chance = clicks.chances(means, told, slopes)
        true = 1 / (1 + np.exp(-(np.log(world.rate / (1 - world.rate)) + TRUE_SLOPE * told[:, :, 0])))
        asks = Asks(
            [f"u{one}" for one in people.tolist()], "home", world.times[start:end], world.meant[people], told_chance,
            np.ones(end - start, dtype=np.int64), told,
        )  # fmt: skip
        runs = market.runs(np.array([here]))[0] * (end - start)
        seen, took = seen + runs, took + runs * desk.pacer.share
        draws = chance.random(end - start)
        for place, placed in enumerate(desk.place(asks, ledger, random)):
            for one in placed:
                show = one.show
                row = row_of[show.campaign, show.creative]
                campaign = market.place[show.campaign]
                clicked = bool(draws[place] < true[place, row])
                cost = show.price if show.pays == "show" else 0
                if clicked:
                    counted = ledger.click(show.show_id, show.time, show.day, market.limits, 7 * DAY)
                    again += ledger.click(show.show_id, show.time, show.day, market.limits, 7 * DAY) is not None
                    cost += counted.charged if counted is not None else 0
                paid[campaign, (show.time + AHEAD) // HOUR % 168] += cost
                values = (campaign, people[place], show.time, show.price, show.told, clicked, means[row])
                for name, value in zip(kept, values, strict=True):
                    kept[name].append(value)
        start = end
    campaigns, user, at, price = (
        np.array(kept[name], dtype=np.int64) for name in ("campaign", "user", "time", "price")
    )
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    return Ran(
        seconds, processor, len(world.times), market, ledger, campaigns, user, at, price, took / np.maximum(seen, 1),
        int(np.sum(kept["clicked"])), again, slopes, paid,
    )  # fmt: skip
