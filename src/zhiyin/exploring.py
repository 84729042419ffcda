"""9 into 6: what exploration knows of outcomes, learned from the lists that were shown and the events that followed.

Learned when a pipeline first asks, and again with every new engine: after a training, and when items change.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.feedback.bandits import LinUcb, Thompson
from zhiyin.feedback.outcomes import DAY, outcomes
from zhiyin.rerank.arms import TOLD, Chooser, told
from zhiyin.types import NO_TIME, Histories

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.rerank import Items
    from zhiyin.store.sql import SqlStore

DAYS = 90
"""Lists older than this are not looked at."""
ROWS = 200_000
"""Shown items that are learned from at most, the latest."""
HALF_LIFE = 30.0 * DAY


class Explorer:
    """Bandits over the shown lists of ``store``, by name."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def chooser(self, name: str, items: Items) -> Chooser:
        """Raises UsageError for an unknown name."""
        if name == "thompson":
            return thompson(self._shown)
        if name == "linucb":
            return linucb(self._shown, self._events, items)
        raise UsageError(f"nothing learns by '{name}'", fix="use thompson or linucb")

    @cached_property
    def _events(self) -> pl.DataFrame:
        return self._store.events()

    @cached_property
    def _shown(self) -> pl.DataFrame:
        """Outcomes of what was shown of late, every event counting 1."""
        import polars as pl

        frame = self._store.impressions.frame()
        if not len(frame):
            return outcomes(frame, self._events[:0]).frame
        latest = frame["time"].max()
        assert isinstance(latest, int)
        frame = frame.filter(pl.col("time") >= latest - DAYS * DAY).tail(ROWS)
        first = frame["time"].min()
        return outcomes(frame, self._events.filter(pl.col("time") >= first)).frame


def thompson(shown: pl.DataFrame) -> Thompson:
    """Learned from a frame of ``outcomes``."""
    model = Thompson(half_life=HALF_LIFE)
    ids, times = shown["item_id"].to_list(), shown["time"].to_numpy()
    model.learn(ids, _positions(shown), times)
    model.credit(ids, shown["reward"].to_numpy().clip(0, 1), times)
    return model


def linucb(shown: pl.DataFrame, events: pl.DataFrame, items: Items) -> LinUcb:
    """Learned from a frame of ``outcomes``, each row with what was known of its person when it was shown: what they had
    had an event with before."""
    model = LinUcb(len(TOLD), half_life=HALF_LIFE)
    rows = items.ids.rows(shown["item_id"].to_list())
    known = np.flatnonzero(rows >= 0)
    if not len(known):
        return model
    table = _told(shown[known.tolist()], rows[known], events, items)
    times = shown["time"].to_numpy()[known]
    model.learn(table, _positions(shown)[known], times)
    model.credit(table, shown["reward"].to_numpy()[known].clip(0, 1), times)
    return model


def _told(
    shown: pl.DataFrame, rows: np.ndarray[tuple[int], np.dtype[np.int32]], events: pl.DataFrame, items: Items
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    people = events.filter(events["user_id"].is_in(shown["user_id"].unique().to_list()))
    parts = people.partition_by("user_id", as_dict=True)
    had = {
        str(key[0]): (own["time"].fill_null(NO_TIME).to_numpy(), items.ids.rows(own["item_id"].to_list()))
        for key, own in parts.items()
    }
    found = np.zeros((len(rows), len(TOLD)))
    owner = shown["impression_id"].rle_id().to_numpy()
    ends = np.flatnonzero(np.diff(owner, append=-1)) + 1
    people_by_row, times = shown["user_id"].to_list(), shown["time"].to_numpy()
    start = 0
    for end in ends.tolist():
        history = Histories.of([[]])
        if (own := had.get(people_by_row[start])) is not None:
            before = own[1][(own[0] < times[start]) & (own[1] >= 0)]
            history = Histories.of([before.tolist()])
        found[start:end] = told(rows[start:end], history, items)
        start = end
    return found


def _positions(shown: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return shown["position"].to_numpy().clip(min=1)
