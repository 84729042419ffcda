"""Advertisements shown and what was spent for them: ``SqlStore.ads`` reads, ``AdLedger`` claims within a transaction.

What was spent is kept apart from the shows (table ``ad_counts``), so that a budget is not given back when a person is
erased. Its rows: campaign and creative "" for the campaign as a whole, day -1 for all days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from zhiyin.store.dialect import sign
from zhiyin.store.part import Part
from zhiyin.store.schema import ad_counts, ad_shows, events
from zhiyin.store.spending import Clicked, Limits, Show, Spent, Tried, capped, charged, everywhere, fits
from zhiyin.types import Longs

if TYPE_CHECKING:
    import polars as pl

WHOLE, EVER = "", -1
Row = tuple[str, str, int, int, int, int]
"""Campaign, creative, day, and what is added to shows, clicks and spent."""


class DayCount(NamedTuple):
    """What a creative (or a campaign: "") had on a day; ``spent`` in millionths."""

    campaign: str
    creative: str
    day: int
    shows: int
    clicks: int
    spent: int


class AdLedger:
    """The ledger of ``store.spending`` over an open transaction, which must be one that writes for ``claim`` and
    ``click``. Those take turns (``store.postgres``), so no limit is passed by two of them at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, show: Show, limits: Limits) -> bool:
        """Count ``show``, unless a limit would be broken: then nothing happens and it is False."""
        spent = self.spent([show.campaign], [show.day])[0]
        if not fits(show, limits, spent.total, spent.day):
            return False
        windows = [window for _, window in (*limits.caps, *limits.person_caps)]
        if windows:
            seen = self.seen(show.user_id, show.time - max(windows))
            if capped(seen.get(show.campaign, ()), limits.caps, show.time) or everywhere(
                seen, limits.person_caps, show.time
            ):
                return False
        pays = show.price if show.pays == "show" and not show.withheld else 0
        row = {name: getattr(show, name) for name in _KEPT}
        told = json.dumps(show.told) if show.told else None
        self._connection.execute(insert(ad_shows), [row | {"charged": pays, "told": told}])
        if not show.withheld:
            self._add(show.campaign, show.creative, show.day, (1, 0, pays))
        return True

    def click(self, show_id: str, time: int, day: int, limits: Mapping[str, Limits], window: int) -> Clicked | None:
        """None where it does not count: an unknown show, a withheld one, a second click, or one after ``window``."""
        table = ad_shows.c
        query = select(table.campaign, table.creative, table.price, table.charged, table.time)
        this = (table.show_id == show_id, table.withheld.is_(False), table.clicked.is_(None))
        row = self._connection.execute(query.where(*this)).first()
        if row is None or time > row.time + window:
            return None
        spent = self.spent([row.campaign], [day])[0]
        paid = charged(row.price - row.charged, limits.get(row.campaign), spent.total, spent.day)
        values = {"clicked": time, "charged": row.charged + paid}
        self._connection.execute(update(ad_shows).where(*this).values(values))
        self._add(row.campaign, row.creative, day, (0, 1, paid))
        return Clicked(row.campaign, row.creative, paid)

    def spent(self, campaigns: Sequence[str], days: Sequence[int]) -> list[Spent]:
        """What each of ``campaigns`` spent in all, and on its day of ``days``."""
        table = ad_counts.c
        query = select(table.campaign, table.day, table.spent).where(
            table.creative == WHOLE, table.day.in_({EVER, *days})
        )
        if len(campaigns) == 1:
            query = query.where(table.campaign == campaigns[0])
        found = {(row[0], int(row[1])): int(row[2]) for row in self._connection.execute(query)}
        return [
            Spent(found.get((name, EVER), 0), found.get((name, day), 0))
            for name, day in zip(campaigns, days, strict=True)
        ]

    def tried(self) -> dict[tuple[str, str], Tried]:
        """Shows and clicks by campaign and creative."""
        table = ad_counts.c
        query = select(table.campaign, table.creative, func.sum(table.shows), func.sum(table.clicks))
        rows = self._connection.execute(query.where(table.creative != WHOLE).group_by(table.campaign, table.creative))
        return {(row[0], row[1]): Tried(int(row[2]), int(row[3])) for row in rows}

    def seen(self, user_id: str, since: int) -> Mapping[str, Sequence[int]]:
        """By campaign the times, rising, of what was shown to a person (or withheld) after ``since``."""
        table = ad_shows.c
        query = select(table.campaign, table.time).where(table.user_id == user_id, table.time > since)
        found: dict[str, list[int]] = {}
        for campaign, time in self._connection.execute(query.order_by(table.time)):
            found.setdefault(campaign, []).append(int(time))
        return found

    def _add(self, campaign: str, creative: str, day: int, counts: tuple[int, int, int]) -> None:
        rows = [(campaign, WHOLE, EVER), (campaign, WHOLE, day), (campaign, creative, day)]
        marks = ", ".join([sign(self._connection)] * 6)
        self._connection.exec_driver_sql(
            "INSERT INTO ad_counts (campaign, creative, day, shows, clicks, spent) VALUES "
            + ", ".join([f"({marks})"] * len(rows))
            + " ON CONFLICT (campaign, creative, day) DO UPDATE SET shows = ad_counts.shows + excluded.shows,"
            " clicks = ad_counts.clicks + excluded.clicks, spent = ad_counts.spent + excluded.spent",
            tuple(value for row in rows for value in (*row, *counts)),
        )


class Ads(Part):
    @contextmanager
    def reading(self) -> Iterator[AdLedger]:
        """A ledger to ask, not to claim from."""
        with self._guarded(), self._engine.connect() as connection:
            yield AdLedger(connection)

    @contextmanager
    def claiming(self) -> Iterator[AdLedger]:
        """A ledger in a transaction of its own."""
        with self._guarded(), self._writer.begin() as connection:
            yield AdLedger(connection)

    def days(self, campaign: str) -> list[DayCount]:
        """What a campaign and its creatives had on each day, in order of creative (the campaign itself first), then
        day."""
        table = ad_counts.c
        query = select(*(table[name] for name in DayCount._fields)).where(table.campaign == campaign, table.day != EVER)
        return [DayCount(*row) for row in self._rows(query.order_by(table.creative, table.day))]

    def moments(self, most: int) -> Longs:
        """Times of the latest ``most`` events that have one, microseconds UTC, rising: when people come."""
        query = select(events.c.time).where(events.c.time.is_not(None)).order_by(events.c.seq.desc()).limit(most)
        return np.sort(np.array([row[0] for row in self._rows(query)], dtype=np.int64))

    def show(self, show_id: str) -> dict[str, Any] | None:
        """A row of ``ad_shows``."""
        rows = self._rows(select(ad_shows).where(ad_shows.c.show_id == show_id))
        return dict(rows[0]._mapping) if rows else None

    def frame(self, campaign: str | None = None, *, since: int | None = None, most: int | None = None) -> pl.DataFrame:
        """Shows, the latest ``most`` of them, in order of time: columns ``campaign``, ``creative``, ``user_id`` str,
        ``time``, ``charged`` i64, ``probability``, ``propensity`` f64, ``withheld`` bool, ``clicked`` i64|null,
        ``told`` str|null (a JSON list of numbers)."""
        import polars as pl

        kinds: dict[str, Any] = {
            "campaign": pl.String, "creative": pl.String, "user_id": pl.String, "time": pl.Int64, "charged": pl.Int64,
            "probability": pl.Float64, "propensity": pl.Float64, "withheld": pl.Boolean, "clicked": pl.Int64,
            "told": pl.String,
        }  # fmt: skip
        query = select(*(ad_shows.c[name] for name in kinds)).order_by(ad_shows.c.time.desc(), ad_shows.c.show_id)
        query = query if campaign is None else query.where(ad_shows.c.campaign == campaign)
        query = query if since is None else query.where(ad_shows.c.time >= since)
        rows = [(*row[:7], bool(row[7]), *row[8:]) for row in self._rows(query.limit(most))]
        return pl.DataFrame(rows[::-1], schema=kinds, orient="row")


_KEPT = (
    "show_id", "campaign", "creative", "user_id", "surface", "time", "price", "probability", "propensity", "withheld",
)  # fmt: skip
