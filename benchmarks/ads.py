"""Advertisements: a simulated week of a million shows, and a policy learned from logged shows of a real shop.

    python -m benchmarks ads [--quick]

First, a million shows of 50 campaigns through the auction, pacing and caps of the service, over its ledger in memory:
what was spent against budgets and plan, whether a cap was ever broken, how long it took. Then the Open Bandit Dataset
(campaign "men"): whether a policy learned with the same click rates would have been clicked more often than the random
one that was logged. The second part needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.ads_logged import FOLDER, logged_tables
from benchmarks.ads_world import Ran, World, shape, simulate
from benchmarks.tables import markdown
from zhiyin.scenarios.shop.ads.campaign import micros
from zhiyin.types import Longs

SEED = 0
ENOUGH = 0.9
"""A campaign that takes part in a greater share of its traffic, on the average of its dates, has too little of it."""


def broken_caps(ran: Ran) -> int:
    """Shows that were one too many for one person, checked on all shows from the log alone."""
    wrong = 0
    for place, campaign in enumerate(ran.market.campaigns):
        own = ran.campaign == place
        for cap in campaign.cap:
            wrong += _too_many(ran.user[own], ran.time[own], cap.shows, cap.window)
    for shows, window in ran.market.limits[ran.market.names[0]].person_caps:
        wrong += _too_many(ran.user, ran.time, shows, window)
    return wrong


def _too_many(user: Longs, time: Longs, shows: int, window: int) -> int:
    order = np.lexsort((time, user))
    user, time = user[order], time[order]
    if len(user) <= shows:
        return 0
    same = user[shows:] == user[:-shows]
    return int((same & (time[shows:] - time[:-shows] < window)).sum())


def over_budget(ran: Ran) -> tuple[int, int, int]:
    """Campaigns over their total, days over their daily budget, and prices above the bid."""
    total = days = high = 0
    for place, (name, one) in enumerate(zip(ran.market.names, ran.market.campaigns, strict=True)):
        for day in range(one.first_day, one.last_day + 1):
            spent = ran.ledger.spent([name], [day])[0]
            days += one.budget.daily is not None and spent.day > micros(one.budget.daily)
        total += one.budget.total is not None and spent.total > micros(one.budget.total)
        high += int((ran.price[ran.campaign == place] > micros(one.bid)).sum())
    return total, days, high


def delivered(ran: Ran) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What each campaign spent, as a share of what it was to spend."""
    found = []
    for name, one in zip(ran.market.names, ran.market.campaigns, strict=True):
        plans = [] if one.budget.total is None else [micros(one.budget.total)]
        plans += [] if one.budget.daily is None else [micros(one.budget.daily) * (one.last_day - one.first_day + 1)]
        found.append(ran.ledger.spent([name], [0])[0].total / min(plans))
    return np.array(found)


def unevenness(ran: Ran) -> float:
    """How much of the money was spent in another hour than planned: mean over campaigns that pay by shows (clicks come
    when they come), spread a total over all their days, and have enough traffic."""
    found, usual = [], shape().weight
    for place, one in enumerate(ran.market.campaigns):
        if one.charge == "click" or one.budget.daily is not None or ran.share[place] > ENOUGH:
            continue
        days = [day % 7 for day in range(one.first_day, one.last_day + 1)]
        planned = np.where(np.isin(np.arange(168) // 24, days), usual, 0.0)
        paid = ran.paid[place]
        found.append(np.abs(paid / paid.sum() - planned / planned.sum()).sum() / 2)
    return float(np.mean(found))


def simulated(quick: bool) -> str:
    requests, people = (60_000, 3_000) if quick else (1_530_000, 50_000)
    world = World.make(requests, 12 if quick else 50, people, 0.66, SEED)
    ran = simulate(world, SEED)
    part = World.make(requests // 10, 12, people, 0.66, SEED)
    tried = [simulate(part, SEED, even=even) for even in (False, True)]
    share, enough = delivered(ran), ran.share <= ENOUGH
    total, days, high = over_budget(ran)
    off = np.abs(share[enough] - 1)
    rows = [
        ["shows", f"{len(ran.campaign):,}", "1,000,000" if not quick else "-"],
        ["requests, campaigns, creatives", f"{ran.requests:,}, {len(ran.market)}, {len(ran.market.creatives)}", "-"],
        ["seconds by the clock; of the processor", f"{ran.seconds:.1f}; {ran.processor:.1f}", "60"],
        ["campaigns over their total budget", str(total), "0"],
        ["days over a daily budget", str(days), "0"],
        ["shows beyond a frequency cap", str(broken_caps(ran)), "0"],
        ["prices above the bid", str(high), "0"],
        ["clicks; counted twice when sent twice", f"{ran.clicked:,}; {ran.again}", "0"],
        [
            f"campaigns with enough traffic ({enough.sum()}): within 5 % of the plan",
            f"{(off <= 0.05).sum()} of {enough.sum()}, the worst {off.max():.1%} off",
            "all",
        ],
        [
            f"campaigns with too little ({(~enough).sum()}): delivered",
            ", ".join(f"{one:.0%}" for one in sorted(share[~enough])) or "-",
            "-",
        ],
        ["money spent in another hour than planned, paid by shows", f"{unevenness(ran):.1%}", "-"],
        [
            "clicks in 1,000 shows, creatives by Thompson sampling; evenly drawn (a tenth of the week)",
            "; ".join(f"{1000 * one.clicked / len(one.campaign):.1f}" for one in tried),
            "-",
        ],
        ["slope of interest, true 0.6, learned", f"{ran.slopes.weights[0]:.3f}", "-"],
    ]
    return markdown(["a simulated week", "measured", "bar"], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Advertisements: simulation and logged shows.")
    parser.add_argument("--quick", action="store_true", help="fewer shows and resamples: to see that it runs")
    given = parser.parse_args()
    print(simulated(given.quick), "\n", flush=True)
    if not FOLDER.is_dir():
        print(f"skipped: {FOLDER} is not here")
        return 0
    print("\n\n".join(logged_tables(given.quick)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
