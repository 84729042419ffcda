"""Lists that were shown: ``SqlStore.impressions`` reads, ``put_impressions`` and ``confirm`` write for ``Writer``.

One row a list. ``items`` is JSON: ``[[item_id, position, propensity], ...]``, positions from 1, propensity the chance
that the item stood there (null where nobody knows). A list is confirmed once it is known to have been seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, delete, func, select

from zhiyin.store.dialect import IN_LIST, insert_new, many, sign
from zhiyin.store.part import Part
from zhiyin.store.schema import impressions

if TYPE_CHECKING:
    import polars as pl

Shown = tuple[str, int, float | None]
"""An item, its position from 1, the chance that it stood there."""


@dataclass(frozen=True)
class Impression:
    """``time`` in microseconds UTC. ``variant`` and ``experiment`` are None outside an experiment."""

    impression_id: str
    user_id: str
    surface: str
    time: int
    items: Sequence[Shown] = field(default_factory=tuple)
    variant: str | None = None
    experiment: str | None = None
    bundle: str | None = None
    confirmed: bool = False


COLUMNS = [one.name for one in fields(Impression)]


class Impressions(Part):
    def get(self, impression_id: str) -> Impression | None:
        rows = self._rows(_all().where(impressions.c.impression_id == impression_id))
        return _impression(rows[0]) if rows else None

    def of_user(self, user_id: str, limit: int = 100) -> list[Impression]:
        """The latest first."""
        query = _all().where(impressions.c.user_id == user_id).order_by(impressions.c.seq.desc()).limit(limit)
        return [_impression(row) for row in self._rows(query)]

    def frame(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        after: int = 0,
        experiment: str | None = None,
        most: int | None = None,
    ) -> pl.DataFrame:
        """One row for every item of every list shown in ``since <= time < until``, with ``seq > after``: columns
        ``seq`` i64, ``impression_id``, ``user_id``, ``surface``, ``variant``, ``experiment``, ``bundle`` str, ``time``
        i64, ``confirmed`` bool, ``item_id`` str, ``position`` i64, ``propensity`` f64|null, in order of arrival, then
        position. What events are joined to: by ``impression_id``, or by person and item within a window. ``most`` keeps
        to about so many lists, the latest that ever came."""
        import polars as pl

        table = impressions.c
        head = ["seq", "impression_id", "user_id", "surface", "variant", "experiment", "bundle", "time", "confirmed"]
        query = select(*(table[name] for name in head), table["items"]).where(table.seq > after).order_by(table.seq)
        if most is not None:
            query = query.where(table.seq > select(func.coalesce(func.max(table.seq), 0) - most).scalar_subquery())
        query = query if since is None else query.where(table.time >= since)
        query = query if until is None else query.where(table.time < until)
        query = query if experiment is None else query.where(table.experiment == experiment)
        rows = [(*row[:8], bool(row[8]), *shown) for row in self._rows(query) for shown in json.loads(row[9])]
        kinds: dict[str, Any] = dict.fromkeys(head, pl.String) | {"seq": pl.Int64, "time": pl.Int64}
        kinds |= {"confirmed": pl.Boolean, "item_id": pl.String, "position": pl.Int64, "propensity": pl.Float64}
        return pl.DataFrame(rows, schema=kinds, orient="row")

    def surfaces(self, most: int) -> set[str]:
        """Where about the ``most`` lists that came last were shown."""
        latest = select(func.coalesce(func.max(impressions.c.seq), 0) - most).scalar_subquery()
        rows = self._rows(select(impressions.c.surface).distinct().where(impressions.c.seq > latest))
        return {str(row[0]) for row in rows}

    def prune(self, before: int) -> int:
        """Delete lists shown before ``before``; how many."""
        with self._guarded(), self._writer.begin() as connection:
            return connection.execute(delete(impressions).where(impressions.c.time < before)).rowcount


def put_impressions(connection: Connection, given: Sequence[Impression]) -> int:
    """An id that is there already changes nothing; how many were new."""
    place = COLUMNS.index("items")
    rows = []
    for one in given:
        row = [getattr(one, name) for name in COLUMNS]
        row[place] = json.dumps([list(shown) for shown in one.items], ensure_ascii=False)
        rows.append(row)
    return insert_new(connection, impressions, COLUMNS, rows, "impression_id")


def confirm(connection: Connection, impression_ids: Sequence[str]) -> int:
    """Mark lists as seen; how many of ``impression_ids`` are there."""
    cursor = connection.connection.cursor()
    wanted = list(dict.fromkeys(impression_ids))
    found = 0
    for start in range(0, len(wanted), IN_LIST):
        which, values = many(connection.dialect.name, wanted[start : start + IN_LIST])
        cursor.execute(
            f"UPDATE impressions SET confirmed = {sign(connection)} WHERE impression_id {which}", [True, *values]
        )
        found += cursor.rowcount
    return found


def _all() -> Select[Any]:
    return select(*(impressions.c[name] for name in COLUMNS))


def _impression(row: Any) -> Impression:
    values = dict(zip(COLUMNS, row, strict=True))
    values["items"] = tuple((shown[0], shown[1], shown[2]) for shown in json.loads(values["items"]))
    return Impression(**values | {"confirmed": bool(values["confirmed"])})
