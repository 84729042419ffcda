"""Who acts faster than a person can."""

from __future__ import annotations

import polars as pl

from zhiyin.config import PreprocessSettings

MICROSECONDS_PER_MINUTE = 60_000_000

SPREAD = 20
"""A minute's events count one by one only where they carry at least this many different times."""


def bots(events: pl.DataFrame, settings: PreprocessSettings) -> list[str]:
    """Sorted ids of users who keep up more than ``bot_events_per_minute`` over ``bot_minimum_events`` events.

    Per user and calendar minute we count events. One time stamp shared by many events is no proof of speed (a page
    of ratings saved at once, an import, stamps that only name the day), so a minute with fewer than ``SPREAD``
    different times counts its different times instead of its events. The user's busiest minutes are then taken until
    they hold ``bot_minimum_events``; the rate is the mean count over those minutes. Users who never reach that many,
    and events without a time, prove nothing.
    """
    minutes = (
        events.filter(pl.col("time").is_not_null())
        .group_by("user_id", pl.col("time").floordiv(MICROSECONDS_PER_MINUTE).alias("minute"))
        .agg(pl.len().cast(pl.Int64).alias("events"), pl.col("time").n_unique().cast(pl.Int64).alias("times"))
        .with_columns(pl.when(pl.col("times") >= SPREAD).then("events").otherwise("times").alias("count"))
    )
    needed = settings.bot_minimum_events
    return (
        minutes.sort("user_id", "count", "minute", descending=[False, True, False])
        .with_columns(pl.col("count").cum_sum().over("user_id").alias("total"))
        .filter(pl.col("total") - pl.col("count") < needed)
        .group_by("user_id")
        .agg(pl.col("count").mean().alias("rate"), pl.col("count").sum().alias("held"))
        .filter((pl.col("held") >= needed) & (pl.col("rate") > settings.bot_events_per_minute))
        .get_column("user_id")
        .sort()
        .to_list()
    )
