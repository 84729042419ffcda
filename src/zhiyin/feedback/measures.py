"""What is measured of a person in an experiment, once per person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.feedback.outcomes import DAY
from zhiyin.types import Longs

if TYPE_CHECKING:
    import polars as pl

METRICS = ("reward", "taken", "per_list", "lists")
Values = NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """Those whose time is over, in the order in which it was: ``ids``, ``variant`` int [n], and when their time began
    and ended (microseconds). ``everybody`` are the variants of all who were shown a list. ``mixed`` were shown lists of
    more than one variant, or of one that the experiment does not have, and are in neither."""

    ids: list[str]
    variant: Longs
    began: Longs
    ended: Longs
    everybody: Longs
    mixed: int


def people_of(shown: pl.DataFrame, variants: list[str], window_days: float, now: int) -> People:
    """Who was shown what: ``shown`` is a frame of ``outcomes``. Lists for nobody in particular (an empty user) are left
    out."""
    import polars as pl

    window = int(window_days * DAY)
    place = {name: at for at, name in enumerate(variants)}
    people = (
        shown.filter(pl.col("user_id") != "")
        .group_by("user_id")
        .agg(pl.col("variant").unique().alias("variants"), pl.col("time").min().alias("began"))
        .sort("began", "user_id")
    )
    at = np.array(
        [place.get(own[0], -1) if len(own) == 1 else -1 for own in people["variants"].to_list()], dtype=np.int64
    )
    kept = at >= 0
    began = people["began"].to_numpy()
    over = kept & (began + window <= now)
    ids = people["user_id"].to_numpy()[over].tolist()
    return People(ids, at[over], began[over], began[over] + window, at[kept], int((~kept).sum()))


def measured(metric: str, people: People, shown: pl.DataFrame, events: pl.DataFrame) -> Values:
    """``metric`` of each of ``people``, float64 [n], over their own time: "reward" is the sum of the rewards of what
    they were shown, "taken" whether there was one, "lists" the number of lists, "per_list" reward over lists,
    "events:TYPE" their events of that type."""
    import polars as pl

    kinds = {"user_id": pl.String, "ended": pl.Int64, "began": pl.Int64}
    frame = pl.DataFrame({"user_id": people.ids, "ended": people.ended, "began": people.began}, schema=kinds)
    if metric.startswith("events:"):
        kind = metric.removeprefix("events:")
        own = events.filter(pl.col("event_type") == kind).join(frame, on="user_id")
        own = own.filter((pl.col("time") >= pl.col("began")) & (pl.col("time") < pl.col("ended")))
        told = own.group_by("user_id").agg(pl.len().cast(pl.Float64).alias("value"))
    else:
        own = shown.join(frame, on="user_id").filter(pl.col("time") < pl.col("ended"))
        # What came of a list after the person's time was over would make those who came early look better.
        late = pl.col("delay").is_not_null() & (pl.col("time") + pl.col("delay") >= pl.col("ended"))
        own = own.with_columns(pl.when(late).then(0.0).otherwise(pl.col("reward")).alias("reward"))
        reward, lists = pl.col("reward").sum(), pl.col("impression_id").n_unique().cast(pl.Float64)
        value = {"reward": reward, "taken": (reward > 0).cast(pl.Float64), "lists": lists, "per_list": reward / lists}
        told = own.group_by("user_id").agg(value[metric].alias("value"))
    found = frame.join(told, on="user_id", how="left", maintain_order="left")["value"].fill_null(0.0)
    return found.to_numpy().astype(np.float64)
