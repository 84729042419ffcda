"""From stored events to positive interactions: weights, bots, repeats, minimum counts. Nothing is dropped uncounted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from zhiyin.config import PreprocessSettings
from zhiyin.errors import DataError
from zhiyin.preprocess.bots import bots
from zhiyin.preprocess.weights import repetition, weight_of_event, weight_of_type
from zhiyin.types import WEIGHT

COLUMNS = ("seq", "user_id", "item_id", "event_type", "value", "time")

REPEAT_CAP = 3.0
"""However often somebody returns to an item, the pair weighs at most this many times its strongest event."""


@dataclass(frozen=True)
class CleanReport:
    """What cleaning did: ``rows_in`` is ``rows_out`` plus everything in ``dropped`` (rows by reason, in the order
    the reasons were applied). ``bots`` lists the users taken for machines. ``unit`` is the weight that became 1."""

    rows_in: int
    dropped: dict[str, int]
    rows_out: int
    users: int
    items: int
    bots: list[str]
    unit: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        """The report on one line for a reader."""
        parts = ", ".join(f"{count:,} {reason}" for reason, count in self.dropped.items() if count)
        kept = (
            f"{self.rows_in:,} events: {self.rows_out:,} interactions of {self.users:,} users with {self.items:,} items"
        )
        return f"{kept}; set aside {parts}" if parts else kept


def clean(events: pl.DataFrame, settings: PreprocessSettings) -> tuple[pl.DataFrame, CleanReport]:
    """Positive interactions among ``events`` (columns of ``Store.events``), with a column ``weight`` (float64, > 0).

    In this order: events of bots go; every event gets the weight of its type and those at 0 or less go; counts that
    events carry (plays, views) weigh by ``weights.repetition``; repeats of one user and item are merged; users and
    items below the minimum counts go, again and again until none is left.

    Weights are divided by the commonest one of a type (the smaller of two equally common), so that an ordinary event of
    this data set weighs 1: a file of nothing but purchases is a plain binary data set. Counts come after that.

    Merging: the pair keeps the row of its first known time (else its first arrival), and weighs the sum of its
    events, at most ``REPEAT_CAP`` times the strongest of them.

    Rows come back in order of ``seq``; an empty frame stays empty. Raises DataError where a column is missing.
    """
    _check(events)
    machines = bots(events, settings)
    human = events.filter(~pl.col("user_id").is_in(machines)) if machines else events
    liked = _liked(human, settings)
    unit = _commonest(liked.select(weight_of_type(settings).alias(WEIGHT))[WEIGHT])
    merged = _merge(_scale(liked, unit, settings))
    kept, by_user, by_item = _enough(merged, settings)
    dropped = {
        "events of bots": len(events) - len(human),
        "events that show no interest": len(human) - len(liked),
        "repeats of the same user and item": len(liked) - len(merged),
        "interactions of users with too few": by_user,
        "interactions of items with too few": by_item,
    }
    users, items = kept["user_id"].n_unique(), kept["item_id"].n_unique()
    return kept, CleanReport(len(events), dropped, len(kept), users, items, machines, unit)


def positives(events: pl.DataFrame, settings: PreprocessSettings, *, unit: float) -> pl.DataFrame:
    """The same for a live request: weights (divided by the training data's ``CleanReport.unit``) and merged repeats.

    There is no bot filter and no minimum count here: whoever asks is served.
    """
    _check(events)
    return _merge(_scale(_liked(events, settings), unit, settings))


def _check(events: pl.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in events.columns]
    if missing:
        raise DataError(f"events lack the column {', '.join(missing)}", fix=f"give all of {', '.join(COLUMNS)}")


def _liked(events: pl.DataFrame, settings: PreprocessSettings) -> pl.DataFrame:
    return events.with_columns(weight_of_event(settings).alias(WEIGHT)).filter(pl.col(WEIGHT) > 0)


def _commonest(weights: pl.Series) -> float:
    if weights.is_empty():
        return 1.0
    return float(weights.value_counts().sort("count", WEIGHT, descending=[True, False])[WEIGHT][0])


def _scale(events: pl.DataFrame, unit: float, settings: PreprocessSettings) -> pl.DataFrame:
    """Weights in units of the commonest, times how often the event happened beside the person's others."""
    return events.with_columns(pl.col(WEIGHT) / unit * repetition(settings))


def _merge(events: pl.DataFrame) -> pl.DataFrame:
    summed = pl.min_horizontal(pl.col(WEIGHT).sum(), REPEAT_CAP * pl.col(WEIGHT).max()).alias(WEIGHT)
    rest = [name for name in events.columns if name not in ("user_id", "item_id", WEIGHT)]
    return (
        events.sort("time", "seq", nulls_last=True)
        .group_by("user_id", "item_id", maintain_order=True)
        .agg(pl.col(rest).first(), summed)
        .select(events.columns)
        .sort("seq")
    )


def _enough(events: pl.DataFrame, settings: PreprocessSettings) -> tuple[pl.DataFrame, int, int]:
    """What is left once every user and item has enough, and the rows lost by users and by items."""
    lost = {"user_id": 0, "item_id": 0}
    least = {"user_id": settings.minimum_user_events, "item_id": settings.minimum_item_events}
    before = -1
    while before != len(events):
        before = len(events)
        for column, minimum in least.items():
            if minimum > 1:
                left = events.filter(pl.len().over(column) >= minimum)
                lost[column] += len(events) - len(left)
                events = left
    return events, lost["user_id"], lost["item_id"]
