"""Advertisements for a person's list, from request to show: what the Python call, the command and the service share.

    prepare    what the engine knows of the person, and which campaigns are meant      (thread of the engine)
    claim      auction and ledger, in the transaction that writes the shows            (thread of writes)
    blend      shows among recommended items

Several processes may serve one store: each paces by what all of them spent, and limits are held in the transaction.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from zhiyin.errors import ZhiyinError
from zhiyin.feedback.bandits import LinUcb
from zhiyin.scenarios.shop.ads import clicks
from zhiyin.scenarios.shop.ads.blending import positions
from zhiyin.scenarios.shop.ads.campaign import DAY, HOUR
from zhiyin.scenarios.shop.ads.desk import Asks, Desk, Placed
from zhiyin.scenarios.shop.ads.keeping import RUNNING, Kept, campaigns_of, policy_of
from zhiyin.scenarios.shop.ads.knowing import known_to, nothing
from zhiyin.scenarios.shop.ads.ledger import Ledger
from zhiyin.scenarios.shop.ads.market import Market
from zhiyin.scenarios.shop.ads.pacing import Pacer
from zhiyin.scenarios.shop.ads.policy import Policy
from zhiyin.scenarios.shop.ads.targeting import meant
from zhiyin.scenarios.shop.ads.traffic import Shape, local
from zhiyin.store.spending import Clicked, Limits
from zhiyin.store.sql import SqlStore

if TYPE_CHECKING:
    from zhiyin.recommend import Engine

SLOPES = "ads.slopes"
"""Kind of the document that holds what ``learn`` found; its key is "all"."""
LEARNING = "ads.learn"
LEASE_SECONDS = 600.0
MOMENTS = 100_000
"""Events that the day's shape is read from, the latest."""


@dataclass(frozen=True)
class Office:
    """What holds for a few seconds: policy, campaigns and what is known of their creatives."""

    policy: Policy
    kept: list[Kept]
    wrong: list[ZhiyinError]
    desk: Desk
    rates: clicks.Rates
    slopes: clicks.Slopes
    titles: Mapping[str, str]
    """Of the items of creatives that have no title of their own."""

    @property
    def limits(self) -> dict[str, Limits]:
        return self.desk.market.limits


@dataclass(frozen=True)
class Prepared:
    """A request that is ready for the auction. ``at`` are the positions that its advertisements will have."""

    office: Office
    asks: Asks
    at: list[int]


class AdServer:
    """Advertisements of one project in one process. ``seed`` None draws differently each time. With ``learns`` the
    slopes are learned anew every ``learn_hours``, in a thread: for processes that live long."""

    def __init__(self, store: SqlStore, project: Path, *, seed: int | None = None, learns: bool = False) -> None:
        self._store, self._project, self._learns = store, project, learns
        self._random = np.random.default_rng(seed)
        self._lock = threading.Lock()
        """For the office. Whoever holds it reads the store and never writes: ``claim`` runs while a writer waits."""
        self._turn = threading.Lock()
        """For the desk's pacer and the draws."""
        self._office: Office | None = None
        self._until = 0.0
        self._shape: Shape | None = None
        self._shape_until = 0.0
        self._bandit: LinUcb | None = None
        self._bandit_of: clicks.Slopes | None = None
        self._learning: threading.Thread | None = None

    def office(self, now: int | None = None) -> Office:
        """Campaigns as they are, at most ``refresh_seconds`` old. Raises ConfigError for a policy that is wrong, and
        StoreError; a campaign that is wrong is left out, and named in ``wrong``."""
        with self._lock:
            if self._office is None or time.monotonic() > self._until:
                self._office = self._read(_now() if now is None else now)
                self._until = time.monotonic() + self._office.policy.refresh_seconds
            return self._office

    def forget(self) -> None:
        """Read campaigns anew at the next request: they were changed."""
        with self._lock:
            self._until = 0.0

    def prepare(
        self,
        engine: Engine | None,
        user_id: str,
        surface: str,
        organic: Sequence[str],
        *,
        page: Sequence[str] = (),
        now: int | None = None,
    ) -> Prepared:
        """``organic`` are the recommended items, none of which is advertised beside itself; ``page`` the categories of
        what is looked at. Without ``engine`` (nothing is trained) nobody has interests or categories."""
        now = _now() if now is None else now
        office = self.office(now)
        market, policy = office.desk.market, office.policy
        at = positions(policy.places(surface), len(organic))
        if not at or not len(market):
            return Prepared(office, _nothing_asked(user_id, surface, now, market), [])
        known = known_to(engine, market, user_id) if engine else nothing(self._store, market, user_id)
        shown = set(organic)
        out = known.barred | np.array([one.item in shown for _, one in market.creatives], dtype=np.bool_)
        rates = office.rates.means()
        draws = office.desk.draws
        if policy.explore == "linucb":
            draws = office.rates.draws(policy.explore, self._linucb(office), known.told)
        draws = np.where(out, 0.0, draws)
        sums = np.add.reduceat(draws, market.first[:-1])
        # The one that would be shown may be out where another of its campaign is not.
        left = np.where(out, 0.0, 1.0)
        draws = np.where((sums == 0)[market.owner], left, draws)
        sums = np.add.reduceat(draws, market.first[:-1])
        draws = draws / np.where(sums > 0, sums, 1.0)[market.owner]
        folded = {one.casefold() for one in page}
        fits = [
            bool(sums[place] > 0) and meant(one.target, known, surface, folded)
            for place, one in enumerate(market.campaigns)
        ]
        asks = Asks(
            [user_id],
            surface,
            np.array([now], dtype=np.int64),
            np.array([fits], dtype=np.bool_),
            clicks.chances(rates, known.told, office.slopes)[None],
            np.array([len(at)], dtype=np.int64),
            known.told[None],
            draws,
        )
        return Prepared(office, asks, at)

    def claim(self, ledger: Ledger, prepared: Prepared) -> list[Placed]:
        """The shows, noted in ``ledger``; at most one for each of ``prepared.at``, in that order."""
        if not prepared.at:
            return []
        desk = prepared.office.desk
        with self._turn:
            desk.look(ledger, int(prepared.asks.times[0]))
            placed = desk.place(prepared.asks, ledger, self._random)[0]
        return [_titled(one, prepared.office.titles) for one in placed]

    def place(
        self,
        engine: Engine | None,
        user_id: str,
        surface: str,
        organic: Sequence[str],
        *,
        page: Sequence[str] = (),
        now: int | None = None,
    ) -> tuple[list[Placed], list[int]]:
        """``prepare`` and ``claim`` in a transaction of their own: the shows and their positions."""
        prepared = self.prepare(engine, user_id, surface, organic, page=page, now=now)
        if not prepared.at:
            return [], []
        with self._store.ads.claiming() as ledger:
            placed = self.claim(ledger, prepared)
        return placed, prepared.at[: len(placed)]

    def click(self, ledger: Ledger, show_id: str, now: int | None = None) -> Clicked | None:
        """Count a click; None where it does not count. See ``store.spending``."""
        now = _now() if now is None else now
        office = self.office(now)
        day = int(office.desk.local(np.array([now]))[0]) // DAY
        return ledger.click(show_id, now, day, office.limits, round(office.policy.click_days * DAY))

    def learn(self) -> clicks.Slopes:
        """Learn from shows and clicks how much the features say, and keep it for all processes."""
        self.forget()
        office = self.office()
        told, clicked, whose = clicks.rows_of(self._store.ads.frame(most=clicks.MOST))
        found = clicks.fitted(told, clicked, _rates_of(office, whose), office.slopes)
        self._store.records.put(SLOPES, "all", "learned", found.to_dict())
        self.forget()
        return found

    def _read(self, now: int) -> Office:
        policy = policy_of(self._project)
        wrong: list[ZhiyinError] = []
        kept = campaigns_of(self._store, self._project, wrong)
        zone = ZoneInfo(policy.zone)
        before = self._office
        running = {one.name: one.campaign for one in kept if one.state == RUNNING}
        same = before is not None and before.policy == policy and before.kept == kept
        if self._shape is None or time.monotonic() > self._shape_until:
            self._shape = Shape.of(local(self._store.ads.moments(MOMENTS), zone))
            self._shape_until = time.monotonic() + policy.learn_hours * 3600
            same = False
        if same and before is not None:
            market, pacer = before.desk.market, before.desk.pacer
        else:
            market = Market(running, policy.person_caps)
            pacer = Pacer(market.columns, self._shape)
            if before is not None:
                places = [before.desk.market.place.get(name, -1) for name in market.names]
                pacer.carry_on(before.desk.pacer, np.array(places, dtype=np.int32))
        with self._store.ads.reading() as ledger:
            tried = ledger.tried()
        rates = clicks.Rates(market, tried, policy.rate, policy.strength)
        learned = self._store.records.latest(SLOPES, "all")
        slopes = clicks.Slopes.from_dict(learned.body) if learned is not None else clicks.Slopes()
        self._learn_if_due(policy, None if learned is None else learned.time, now, bool(tried))
        desk = Desk(
            market, self._shape, zone, rates.draws(policy.explore),
            reserve=policy.reserve, spare=policy.spare, ids=_new_id, pacer=pacer,
        )  # fmt: skip
        return Office(policy, kept, wrong, desk, rates, slopes, self._titles(market))

    def _titles(self, market: Market) -> dict[str, str]:
        wanted = {one.item for _, one in market.creatives if one.item is not None and one.title is None}
        rows = self._store.items(sorted(wanted)) if wanted else None
        if rows is None:
            return {}
        pairs = zip(rows["item_id"].to_list(), rows["title"].to_list(), strict=True)
        return {item: title for item, title in pairs if title}

    def _linucb(self, office: Office) -> LinUcb:
        """Learned again whenever the slopes were."""
        if self._bandit is None or self._bandit_of != office.slopes:
            told, clicked, whose = clicks.rows_of(self._store.ads.frame(most=clicks.MOST))
            self._bandit = clicks.linucb(told, clicked, _rates_of(office, whose))
            self._bandit_of = office.slopes
        return self._bandit

    def _learn_if_due(self, policy: Policy, last: int | None, now: int, any_shows: bool) -> None:
        """In a thread of its own, and in one process of those that serve the store."""
        if not self._learns or not any_shows or (last is not None and now - last < policy.learn_hours * HOUR):
            return
        if self._learning is not None and self._learning.is_alive():
            return
        self._learning = threading.Thread(target=self._learn_quietly, daemon=True)
        self._learning.start()

    def _learn_quietly(self) -> None:
        holder = secrets.token_hex(8)
        with suppress(ZhiyinError):
            # Not released: whoever comes next finds what was learned, or tries again when the lease has run out.
            if self._store.leases.acquire(LEARNING, holder, LEASE_SECONDS, _now()):
                self.learn()


def _rates_of(office: Office, whose: Sequence[tuple[str, str]]) -> clicks.Values:
    """The rate of the creative of each show; of one that is gone, the one of all."""
    means = office.rates.means()
    known = {(name, one.id): float(rate) for (name, one), rate in zip(office.desk.market.creatives, means, strict=True)}
    trials, wins = office.rates.thompson.trials, office.rates.thompson.successes
    common = (sum(wins.values()) + 0.5) / (sum(trials.values()) + 1)
    return np.array([known.get(one, common) for one in whose], dtype=np.float64)


def _titled(one: Placed, titles: Mapping[str, str]) -> Placed:
    """An item that is advertised without words of its own goes by its title."""
    shown = one.creative
    if shown.title is not None or shown.item is None or shown.item not in titles:
        return one
    return replace(one, creative=shown.model_copy(update={"title": titles[shown.item]}))


def _nothing_asked(user_id: str, surface: str, now: int, market: Market) -> Asks:
    empty = np.zeros((1, len(market)), dtype=np.bool_)
    times, none = np.array([now], dtype=np.int64), np.zeros(1, dtype=np.int64)
    return Asks([user_id], surface, times, empty, np.zeros((1, len(market.creatives))), none)


def _new_id() -> str:
    return secrets.token_hex(12)


def _now() -> int:
    return time.time_ns() // 1000
