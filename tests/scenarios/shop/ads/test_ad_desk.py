"""Budgets, caps, dates, plan: for any campaigns and any traffic, through the code that the service runs."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.scenarios.shop.ads.campaign import DAY, EPOCH, HOUR, Campaign, micros
from zhiyin.scenarios.shop.ads.desk import Asks, Desk
from zhiyin.scenarios.shop.ads.ledger import MemoryLedger
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.scenarios.shop.ads.traffic import Shape, local
from zhiyin.store.spending import Show

FIRST = datetime.date(2026, 3, 2)
BEGIN = (FIRST.toordinal() - EPOCH) * DAY
EVENING = np.tile([0.2] * 8 + [1.0] * 8 + [2.0] * 8, 7)
CHINA = ZoneInfo("Asia/Shanghai")


def campaign(**more: Any) -> Campaign:
    told = {"bid": 1.0, "starts": FIRST, "ends": FIRST + datetime.timedelta(2), "budget": {"daily": 1.0}}
    return Campaign.model_validate(told | {"creative": [{"id": "a", "title": "茶"}]} | more)


def run(
    campaigns: dict[str, Campaign],
    times: np.ndarray[Any, np.dtype[np.int64]],
    *,
    people: int = 20,
    rate: float = 0.05,
    batch: int = 50,
    slots: int = 1,
    person_caps: tuple[tuple[int, int], ...] = (),
    seed: int = 0,
    zone: ZoneInfo | None = None,
    reserve: float = 1.0,
) -> tuple[MemoryLedger, list[Show], Market]:
    """Requests at ``times`` (local) by people drawn evenly, each show clicked with the chance ``rate``."""
    zone = zone or ZoneInfo("UTC")
    market = Market(campaigns, person_caps)
    numbers, random, ledger = count(), np.random.default_rng(seed), MemoryLedger()
    draws = 1 / np.diff(market.first)[market.owner]
    desk = Desk(market, Shape(EVENING), zone, draws, reserve=reserve, spare=0.05, ids=lambda: f"{next(numbers)}")
    times = np.sort(times) - (8 * HOUR if zone is CHINA else 0)
    shows: list[Show] = []
    for start in range(0, len(times), batch):
        some = times[start : start + batch]
        users = [f"u{one}" for one in random.integers(0, people, len(some))]
        chance = np.full((len(some), len(market.creatives)), rate)
        meant = np.ones((len(some), len(market)), dtype=np.bool_)
        desk.look(ledger, int(some[0]))
        asks = Asks(users, "home", some, meant, chance, np.full(len(some), slots))
        for placed in desk.place(asks, ledger, random):
            assert len(placed) <= slots
            assert len({one.show.campaign for one in placed}) == len(placed), "a campaign stands in a list once"
            for one in placed:
                shows.append(one.show)
                if random.random() < rate:
                    ledger.click(one.show.show_id, one.show.time, one.show.day, market.limits, DAY)
    return ledger, shows, market


money = st.floats(0.01, 30).map(lambda value: round(value, 2))
cap = st.fixed_dictionaries({"shows": st.integers(1, 4), "hours": st.sampled_from([1, 6, 24])})
one_campaign = st.fixed_dictionaries(
    {
        "bid": st.floats(0.01, 50),
        "charge": st.sampled_from(["click", "show"]),
        "starts": st.integers(0, 2).map(lambda day: FIRST + datetime.timedelta(day)),
        "ends": st.integers(2, 4).map(lambda day: FIRST + datetime.timedelta(day)),
        "budget": st.one_of(
            st.fixed_dictionaries({"total": money}),
            st.fixed_dictionaries({"daily": money}),
            st.fixed_dictionaries({"total": money, "daily": money}),
        ),
        "cap": st.lists(cap, max_size=2),
        "pace": st.sampled_from(["even", "fast"]),
        "holdout": st.sampled_from([0.0, 0.3]),
        "creative": st.integers(1, 3).map(lambda size: [{"id": str(one), "title": "x"} for one in range(size)]),
    }
)


@settings(max_examples=30, deadline=None)
@given(
    told=st.lists(one_campaign, min_size=1, max_size=5),
    person_caps=st.sampled_from([(), ((5, 6 * HOUR),)]),
    slots=st.integers(1, 3),
    seed=st.integers(0, 99),
    zone=st.sampled_from([ZoneInfo("UTC"), CHINA]),
)
def test_no_budget_and_no_cap_is_ever_broken(
    told: list[dict[str, Any]], person_caps: tuple[tuple[int, int], ...], slots: int, seed: int, zone: ZoneInfo
) -> None:
    campaigns = {f"c{place}": campaign(**one) for place, one in enumerate(told)}
    times = BEGIN - DAY + np.random.default_rng(seed).integers(0, 7 * DAY, 600)
    ledger, shows, market = run(
        campaigns, times, person_caps=person_caps, slots=slots, seed=seed, zone=zone, rate=0.3, people=8
    )
    for name, one in campaigns.items():
        own = [show for show in shows if show.campaign == name]
        for day in range(one.first_day - 2, one.last_day + 3):
            spent = ledger.spent([name], [day])[0]
            assert one.budget.total is None or spent.total <= micros(one.budget.total)
            assert one.budget.daily is None or spent.day <= micros(one.budget.daily)
        assert all(one.first_day <= show.day <= one.last_day for show in own)
        assert all(show.price <= micros(one.bid) for show in own)
        if one.holdout:
            assert not any(market.held_out(market.place[name], show.user_id) for show in own)
        times_of: dict[str, list[int]] = defaultdict(list)
        for show in own:
            times_of[show.user_id].append(show.time)
        for limit in one.cap:
            for stamps in times_of.values():
                for at in stamps:
                    assert sum(at - limit.window < other <= at for other in stamps) <= limit.shows
    for number, window in person_caps:
        for user in {show.user_id for show in shows}:
            stamps = [show.time for show in shows if show.user_id == user]
            assert all(sum(at - window < other <= at for other in stamps) <= number for at in stamps)


def traffic(days: int, size: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.int64]]:
    random = np.random.default_rng(seed)
    hour = random.choice(24, size, p=EVENING[:24] / EVENING[:24].sum())
    found: np.ndarray[Any, np.dtype[np.int64]] = (
        BEGIN + random.integers(0, days, size) * DAY + hour * HOUR + random.integers(0, HOUR, size)
    )
    return found


def test_spending_follows_the_day_and_ends_on_the_plan() -> None:
    """Two campaigns that could spend their money in a few hours spend it over all days, as people come."""
    campaigns = {
        "total": campaign(bid=20, charge="show", budget={"total": 60}),
        "daily": campaign(bid=18, charge="show", budget={"daily": 15}),
        "fast": campaign(bid=25, charge="show", budget={"daily": 5}, pace="fast"),
    }
    ledger, shows, _ = run(campaigns, traffic(3, 24_000), people=5000, reserve=10)
    for name, plan in (("total", 60), ("daily", 45), ("fast", 15)):
        spent = ledger.spent([name], [0])[0].total / 1e6
        assert plan * 0.95 <= spent <= plan, name
    paid: Counter[tuple[str, int]] = Counter()
    for show in shows:
        paid[show.campaign, (show.time - BEGIN) % DAY // HOUR // 8] += show.price
    for name, plan in (("total", 60), ("daily", 45)):
        parts = [paid[name, part] / 1e6 / plan for part in range(3)]
        assert parts == pytest.approx([0.0625, 0.3125, 0.625], abs=0.06), f"{name} in the night, the day, the evening"
    assert paid["fast", 2] == 0, "nothing is left for the evening"


def test_logged_chances_weigh_every_creative_alike() -> None:
    """Shows over their propensities count every creative once a request: what an estimate for another policy needs."""
    two = [{"id": "a", "title": "x"}, {"id": "b", "title": "y"}]
    open_end = {"pace": "fast", "budget": {"total": 1e6}}
    market = Market(
        {"c1": campaign(bid=1.0, creative=two, **open_end), "c2": campaign(bid=0.9, creative=two, **open_end)}
    )
    numbers, size = count(), 20_000
    draws, chance = np.array([0.3, 0.7, 0.5, 0.5]), np.array([0.05, 0.02, 0.03, 0.04])
    zone = ZoneInfo("UTC")
    desk = Desk(market, Shape.even(), zone, draws, reserve=0, spare=0.3, ids=lambda: f"{next(numbers)}")
    meant, times = np.ones((size, 2), dtype=np.bool_), np.full(size, BEGIN)
    asks = Asks(["u"] * size, "home", times, meant, np.tile(chance, (size, 1)), np.ones(size, dtype=np.int64))
    found: dict[tuple[str, str], float] = defaultdict(float)
    for (one,) in desk.place(asks, MemoryLedger(), np.random.default_rng(5)):
        found[one.show.campaign, one.show.creative] += 1 / one.show.propensity / size
    assert found == pytest.approx(dict.fromkeys([("c1", "a"), ("c1", "b"), ("c2", "a"), ("c2", "b")], 1.0), abs=0.1)


def test_too_little_traffic_is_used_up() -> None:
    campaigns = {"rich": campaign(bid=10, charge="show", budget={"daily": 1000})}
    _, shows, _ = run(campaigns, traffic(3, 3000), people=5000)
    assert len(shows) > 0.9 * 3000


def test_local_days_begin_where_the_zone_says() -> None:
    moment = np.array([(BEGIN - HOUR)], dtype=np.int64)
    assert (local(moment, CHINA) // DAY)[0] == BEGIN // DAY
    assert (local(moment, ZoneInfo("UTC")) // DAY)[0] == BEGIN // DAY - 1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0.01, 10), min_size=168, max_size=168),
    st.lists(st.integers(0, 60 * DAY), min_size=3, max_size=3),
)
def test_traffic_adds_up(weights: list[float], moments: list[int]) -> None:
    shape = Shape(np.array(weights))
    first, middle, last = (np.array([one]) for one in sorted(moments))
    whole = shape.between(first, last)[0]
    assert whole == pytest.approx(shape.between(first, middle)[0] + shape.between(middle, last)[0])
    assert shape.between(first, first + 7 * DAY)[0] == pytest.approx(168)
    assert shape.between(last, first)[0] == 0 or last[0] == first[0]
