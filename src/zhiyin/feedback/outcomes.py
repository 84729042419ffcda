"""What came of what was shown: impressions joined with the events that followed them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zhiyin.errors import DataError

if TYPE_CHECKING:
    import polars as pl

DAY = 86_400_000_000
"""Microseconds."""
WINDOW = DAY
"""An event that names no impression counts for one that is no older than this."""
KEPT = ("impression_id", "user_id", "surface", "variant", "experiment", "bundle", "time")
"""Columns of an impression that its items keep."""


@dataclass(frozen=True)
class Outcomes:
    """``frame``: a row for each item of each impression, in the order of the impressions: their columns, and
    ``item_id`` str, ``position`` i64 (from 1), ``propensity`` f64|null, ``reward`` f64 (0 where nothing came of it),
    and ``delay`` i64|null, microseconds to the first event that counts (null without one, or without a time).

    ``credited`` events count for a row, ``alone`` are those that follow nothing that was shown, and ``astray`` name an
    impression that is not here or did not show their item.
    """

    frame: pl.DataFrame
    credited: int
    alone: int
    astray: int


def shown(impressions: pl.DataFrame) -> pl.DataFrame:
    """A row for each item of each impression. ``impressions`` has the columns ``impression_id``, ``user_id``,
    ``surface``, ``variant``, ``experiment``, ``bundle``, ``time`` (i64, microseconds) and ``items``, a JSON list of
    ``[item_id, position, propensity]`` (a propensity that nobody knows is null); more columns are left out. Raises
    DataError where items are none."""
    import polars as pl

    items: list[str] = []
    positions: list[int] = []
    chances: list[float | None] = []
    lengths: list[int] = []
    for key, told in impressions.select("impression_id", "items").iter_rows():
        try:
            rows = [
                (str(item), int(place), None if chance is None else float(chance))
                for item, place, chance in json.loads(told)
            ]
        except (TypeError, ValueError) as broken:
            raise DataError(
                "the items of an impression are no list of [item, position, propensity]", where=f"impression {key!r}"
            ) from broken
        lengths.append(len(rows))
        items += [row[0] for row in rows]
        positions += [row[1] for row in rows]
        chances += [row[2] for row in rows]
    owner = pl.Series([place for place, count in enumerate(lengths) for _ in range(count)], dtype=pl.UInt32)
    return impressions.select(KEPT)[owner].with_columns(
        pl.Series("item_id", items, dtype=pl.String),
        pl.Series("position", positions, dtype=pl.Int64),
        pl.Series("propensity", chances, dtype=pl.Float64),
    )


def outcomes(
    impressions: pl.DataFrame,
    events: pl.DataFrame,
    *,
    window: int = WINDOW,
    rewards: Mapping[str, float] | None = None,
) -> Outcomes:
    """``impressions`` as for ``shown``, or as it gives them (``Store.impressions.frame``). ``events`` with the columns
    of ``Store.events``, and ``impression_id`` where it is known.

    An event counts once: for the impression that it names, whenever that was, or else for the latest one that showed
    its item to its person at most ``window`` microseconds before. Of several events behind one row the greatest reward
    counts. ``rewards`` gives the reward by event type, 0 for a type that it lacks; None takes every event for 1.
    """
    import polars as pl

    if "item_id" not in impressions.columns:
        impressions = shown(impressions)
    rows = impressions.select(*KEPT, "item_id", "position", "propensity").with_row_index("row")
    worth = pl.lit(1.0) if rewards is None else _worth(rewards)
    told = events.with_columns(worth.alias("reward"))
    if "impression_id" not in told.columns:
        told = told.with_columns(pl.lit(None, dtype=pl.String).alias("impression_id"))
    told = told.select("user_id", "item_id", "time", "reward", "impression_id")
    naming = told.filter(pl.col("impression_id").is_not_null())
    named = naming.join(
        rows.select("row", "impression_id", "item_id", pl.col("time").alias("at")).unique(
            ["impression_id", "item_id"], keep="first", maintain_order=True
        ),
        on=["impression_id", "item_id"],
    )
    others = told.filter(pl.col("impression_id").is_null())
    timed = others.filter(pl.col("time").is_not_null()).sort("time")
    # Of impressions of one moment the last one counts.
    asked = rows.select("row", "user_id", "item_id", "time", pl.col("time").alias("at")).sort(
        "time", maintain_order=True
    )
    joined = timed.join_asof(
        asked, on="time", by=["user_id", "item_id"], strategy="backward", tolerance=window, check_sortedness=False
    ).filter(pl.col("row").is_not_null())
    credits = pl.concat([one.select("row", "reward", pl.col("time") - pl.col("at")) for one in (named, joined)])
    best = (
        credits.with_columns(pl.when(pl.col("reward") != 0).then(pl.max_horizontal("time", 0)).alias("delay"))
        .group_by("row")
        .agg(pl.col("reward").max(), pl.col("delay").min())
    )
    found = (
        rows.join(best, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("reward").fill_null(0.0))
        .drop("row")
    )
    return Outcomes(found, len(credits), len(others) - len(joined), len(naming) - len(named))


def _worth(rewards: Mapping[str, float]) -> pl.Expr:
    import polars as pl

    kinds = list(rewards)
    return pl.col("event_type").replace_strict(
        kinds, [float(rewards[kind]) for kind in kinds], default=0.0, return_dtype=pl.Float64
    )
