"""What a campaign brought: spend against plan, clicks, creatives, days, and the lift over people it was withheld from.

The lift follows "ghost ads" (Johnson, Lewis and Nubbemeyer, 2017): where the campaign wins before somebody who is held
out, that is noted and nothing is shown. So like is compared with like: people before whom it would have stood, from the
first such moment on.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from zhiyin.scenarios.shop.ads.campaign import DAY, EPOCH, MILLION, Campaign, micros
from zhiyin.scenarios.shop.ads.intervals import Share, difference, ratio, wilson
from zhiyin.scenarios.shop.ads.keeping import find, policy_of
from zhiyin.scenarios.shop.ads.placing import MOMENTS
from zhiyin.scenarios.shop.ads.traffic import Shape, local
from zhiyin.store.ads import DayCount
from zhiyin.store.sql import SqlStore

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Count:
    """``spent`` in units of the currency; ``rate`` is clicks by shows."""

    name: str
    shows: int
    clicks: int
    spent: float
    rate: Share


@dataclass(frozen=True)
class Lift:
    """Of ``people`` before whom the campaign stood ``reached`` did what it is there for; of ``held_people``, from whom
    it was withheld, ``held_reached``. ``gain`` is the difference of the two shares, ``relative`` over the second."""

    people: int
    reached: int
    held_people: int
    held_reached: int
    gain: Share
    relative: Share
    said: str


@dataclass(frozen=True)
class Report:
    """``planned`` is what should be spent by now (None: nothing bounds it), ``delivery`` what was, as a share of
    that."""

    name: str
    state: str
    currency: str
    starts: str
    ends: str
    whole: Count
    budget_total: float | None
    budget_daily: float | None
    today: float
    planned: float | None
    delivery: float | None
    people: int
    creatives: list[Count]
    days: list[Count]
    lift: Lift | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: what is not known is null."""
        found = _without_nan(asdict(self))
        assert isinstance(found, dict)
        return found


def report(store: SqlStore, project: Path, name: str, now: int) -> Report:
    """As of ``now`` (microseconds UTC). Raises UsageError where there is no such campaign, ConfigError."""
    kept, policy = find(store, project, name), policy_of(project)
    campaign, zone = kept.campaign, ZoneInfo(policy.zone)
    counts = store.ads.days(name)
    own = [one for one in counts if not one.creative]
    here = int(local(np.array([now], dtype=np.int64), zone)[0])
    shape = Shape.of(local(store.ads.moments(MOMENTS), zone))
    planned = planned_by(campaign, shape, here)
    spent = sum(one.spent for one in own)
    frame = store.ads.frame(name)
    ids = [one.id for one in campaign.creative] + sorted({one.creative for one in counts if one.creative})
    return Report(
        name,
        kept.state,
        policy.currency,
        campaign.starts.isoformat(),
        campaign.ends.isoformat(),
        _count(name, own),
        campaign.budget.total,
        campaign.budget.daily,
        sum(one.spent for one in own if one.day == here // DAY) / MILLION,
        None if planned is None else round(planned / MILLION, 6),
        None if not planned else round(spent / planned, 4),
        frame.filter(~frame["withheld"])["user_id"].n_unique(),
        [_count(one, [row for row in counts if row.creative == one]) for one in dict.fromkeys(ids)],
        [_count(_date(one.day), [one]) for one in own],
        _lift(store, campaign, frame, now) if campaign.holdout else None,
    )


def planned_by(campaign: Campaign, shape: Shape, here: int) -> float | None:
    """Millionths that should be spent by the local moment ``here``: the total along the traffic of its dates, and the
    daily budget along each day, whichever is less."""
    start, end = campaign.first_day * DAY, (campaign.last_day + 1) * DAY
    at = min(max(here, start), end)

    def between(one: int, other: int) -> float:
        return float(shape.between(np.array([one]), np.array([other]))[0])

    plans = []
    if campaign.budget.total is not None:
        plans.append(micros(campaign.budget.total) * between(start, at) / between(start, end))
    if campaign.budget.daily is not None:
        day = at // DAY * DAY
        whole = (day - start) // DAY
        part = between(day, at) / between(day, day + DAY)
        plans.append(micros(campaign.budget.daily) * (whole + part))
    return min(plans, default=None)


def _lift(store: SqlStore, campaign: Campaign, frame: pl.DataFrame, now: int) -> Lift:
    import polars as pl

    people = frame.group_by("user_id").agg(pl.col("time").min().alias("first"), pl.col("withheld").all())
    window = round(campaign.goal_days * DAY)
    items = [one.item for one in campaign.creative if one.item is not None]
    first = people["first"].to_numpy()
    since, until = int(first.min(initial=now)), min(now, int(first.max(initial=0)) + window) + 1
    events = store.recent.events(since, until, items=items or None, types=list(campaign.goal) or None)
    after = events.join(people, on="user_id").filter(
        (pl.col("time") > pl.col("first")) & (pl.col("time") <= pl.col("first") + window)
    )
    reached = people["user_id"].is_in(after["user_id"].unique().to_list())
    held = people["withheld"]
    counts = [int((~held).sum()), int((~held & reached).sum()), int(held.sum()), int((held & reached).sum())]
    n, hits, held_n, held_hits = counts
    gain, relative = difference(hits, n, held_hits, held_n), ratio(hits, n, held_hits, held_n)
    if math.isnan(gain.value):
        said = "nobody was held out so far, or nobody was shown it"
    elif gain.low > 0:
        said = "more people do it who were shown it"
    elif gain.high < 0:
        said = "fewer people do it who were shown it"
    else:
        said = "no difference can be told from chance yet"
    return Lift(n, hits, held_n, held_hits, gain, relative, said)


def _count(name: str, rows: list[DayCount]) -> Count:
    shows, clicks = sum(one.shows for one in rows), sum(one.clicks for one in rows)
    # A click may come on a day without a show.
    rate = wilson(min(clicks, shows), shows)
    return Count(name, shows, clicks, sum(one.spent for one in rows) / MILLION, rate)


def _date(day: int) -> str:
    import datetime

    return datetime.date.fromordinal(day + EPOCH).isoformat()


def _without_nan(told: Any) -> Any:
    if isinstance(told, dict):
        return {key: _without_nan(one) for key, one in told.items()}
    if isinstance(told, list):
        return [_without_nan(one) for one in told]
    return None if isinstance(told, float) and math.isnan(told) else told
