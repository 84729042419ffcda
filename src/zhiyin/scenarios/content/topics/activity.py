"""What a group did in a stretch of time, counted as persons on days by topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.config import PreprocessSettings
from zhiyin.feedback.outcomes import DAY
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.scenarios.content.topics.settings import WindowSettings

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.store.sql import SqlStore

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Activity:
    """Of T topics. ``people`` float64 [T] are the persons who took something of each in the late window, ``late`` [T]
    their person-days, ``before`` [T, days] those of each earlier day. ``active`` persons took anything of late;
    ``active_late`` and ``active_before`` [days] are the person-days of all topics together, what is of none counting as
    one more: a day on which people read twice as much makes no topic rise. ``takers`` is how many persons took each
    item of late."""

    people: Values
    late: Values
    before: Values
    active: int
    active_late: float
    active_before: Values
    takers: dict[str, int]


def read_events(store: SqlStore, until: int, window: WindowSettings, settings: PreprocessSettings) -> pl.DataFrame:
    """Events that show interest in both windows, which end at ``until`` (microseconds): ``user_id``, ``item_id``,
    ``day`` (whole days before ``until``, from 0)."""
    import polars as pl

    since = until - (window.days + window.before) * DAY
    events = store.recent.events(since, until)
    liked = events.filter(weight_of_event(settings) > 0)
    day = ((until - 1 - pl.col("time")) // DAY).cast(pl.Int64)
    return liked.select("user_id", "item_id", day.alias("day"))


def active_of(
    events: pl.DataFrame,
    topic_of: Mapping[str, int],
    topics: int,
    window: WindowSettings,
    people: Sequence[str] | None = None,
) -> Activity:
    """``events`` as ``read_events`` gives them, of ``people`` alone (None: everybody); ``topic_of`` is the place of the
    topic of each item, items of none are absent."""
    import polars as pl

    own = events if people is None else events.filter(pl.col("user_id").is_in(list(people)))
    places = {"item_id": list(topic_of), "topic": list(topic_of.values())}
    table = pl.DataFrame(places, schema={"item_id": pl.String, "topic": pl.Int64})
    edge, days = window.days, window.before
    late, before = own.filter(pl.col("day") < edge), own.filter((pl.col("day") >= edge) & (pl.col("day") < edge + days))
    # What is of no topic is one more, behind the others.
    placed = pl.col("topic").fill_null(topics)
    told = late.join(table, on="item_id", how="left").with_columns(placed)
    earlier = before.join(table, on="item_id", how="left").with_columns(placed)
    counts = np.zeros((topics + 1, days))
    rows = earlier.select("user_id", "topic", "day").unique().group_by("topic", "day").len()
    np.add.at(counts, (rows["topic"].to_numpy(), rows["day"].to_numpy() - edge), rows["len"].to_numpy())
    person_days = _counted(told.select("user_id", "topic", "day").unique(), topics + 1)
    takers = late.select("user_id", "item_id").unique().group_by("item_id").len()
    return Activity(
        people=_counted(told.select("user_id", "topic").unique(), topics + 1)[:topics],
        late=person_days[:topics],
        before=counts[:topics],
        active=late["user_id"].n_unique(),
        active_late=float(person_days.sum()),
        active_before=counts.sum(axis=0),
        takers=dict(zip(takers["item_id"].to_list(), takers["len"].to_list(), strict=True)),
    )


def _counted(rows: pl.DataFrame, topics: int) -> Values:
    found = np.zeros(topics)
    np.add.at(found, rows["topic"].to_numpy(), 1.0)
    return found
