"""From cleaned events to arrays: id maps and chronological histories."""

from __future__ import annotations

from collections.abc import Sequence
from time import time_ns

import numpy as np
import polars as pl
from scipy import sparse

from zhiyin.types import NO_TIME, WEIGHT, Floats, Histories, IdMap, Interactions, Longs

MICROSECONDS_PER_DAY = 86_400_000_000

LEAST_DECAY = 1e-6
"""Decay stops here, so that every weight stays above 0."""

CLOCKS_DIFFER = 5_000_000
"""Microseconds by which the clock of whoever stamps an event may be ahead of ours."""


def happened(events: pl.DataFrame, now: int | None = None) -> pl.DataFrame:
    """The events that have happened by ``now`` (microseconds; the clock's where None): an event may be stamped with a
    time to come, and counts from then on. Those without a time have happened."""
    latest = events["time"].max()
    by = (time_ns() // 1000 if now is None else now) + CLOCKS_DIFFER
    if latest is None or latest <= by:  # type: ignore[operator]  # the column holds whole numbers
        return events
    return events.filter((pl.col("time") <= by) | pl.col("time").is_null())


def build_interactions(
    events: pl.DataFrame,
    item_ids: Sequence[str],
    *,
    half_life_days: float | None = None,
    links: pl.DataFrame | None = None,
) -> Interactions:
    """Interactions of cleaned ``events`` (columns ``seq``, ``user_id``, ``item_id``, ``time``, ``weight``).

    Users are the users of ``events``, sorted by id. Items are the union of the catalogue's ``item_ids`` and the items
    of ``events``, sorted by id, so an item without events has a row too. Histories run by time; events without a time
    come first, in order of arrival (``seq``), which also settles equal times. No events give no users.

    ``links`` (columns ``user_id``, ``other_id``, ``weight``) become those of ``Interactions``.
    """
    users = IdMap(events["user_id"].unique().sort().to_list())
    items = IdMap(sorted({*item_ids, *events["item_id"].unique().to_list()}))
    histories = histories_of(events, items, users.ids, known=users, half_life_days=half_life_days)
    return Interactions(users, items, histories, None if links is None else links_of(links, users))


def links_of(links: pl.DataFrame, users: IdMap) -> sparse.csr_array | None:
    """``Interactions.links``: what leads either way between two of ``users``, summed, at most 1; None where nobody is
    linked. Links of other people (they have no events), to oneself, and of weight 0 or less are left out."""
    one, other = (users.rows(links[column].to_list()) for column in ("user_id", "other_id"))
    weight = links["weight"].to_numpy()
    kept = (one >= 0) & (other >= 0) & (one != other) & (weight > 0)
    if not kept.any():
        return None
    rows, columns = np.concatenate((one[kept], other[kept])), np.concatenate((other[kept], one[kept]))
    cells = (np.tile(weight[kept], 2), (rows, columns))
    both = sparse.coo_array(cells, shape=(len(users), len(users))).tocsr()
    both.sort_indices()
    both.data = np.minimum(both.data, 1.0).astype(np.float32)
    return both


def histories_of(
    events: pl.DataFrame,
    items: IdMap,
    user_ids: Sequence[str],
    *,
    known: IdMap | None = None,
    half_life_days: float | None = None,
    now: int | None = None,
) -> Histories:
    """Histories of ``user_ids``, one row each in that order, from ``events`` in the columns of ``build_interactions``.

    A user without events gets an empty row. Events of other users, and of items that ``items`` does not know (they
    arrived after training), are left out. ``known`` maps users to their rows in the training data; without it, or
    where it does not know a user, ``Histories.users`` is -1.

    With ``half_life_days`` a weight is multiplied by 0.5 ** (age in days / half life), age counted back from ``now``
    (microseconds; the latest event in ``events`` where None), and never by less than ``LEAST_DECAY``; an event
    without a time is as old as the oldest one that has one, and one after ``now`` has no age.
    """
    rows = IdMap(user_ids)
    user = rows.rows(events["user_id"].to_list())
    item = items.rows(events["item_id"].to_list())
    time: Longs = events["time"].cast(pl.Int64).fill_null(NO_TIME).to_numpy()
    weight = events[WEIGHT].to_numpy().astype(np.float32)
    if half_life_days is not None:
        weight = weight * _decay(time, half_life_days, now)
    order = np.lexsort((events["seq"].to_numpy(), time, user))
    order = order[(user[order] >= 0) & (item[order] >= 0)]
    counts = np.bincount(user[order], minlength=len(rows))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    trained = known.rows(rows.ids) if known is not None else np.full(len(rows), -1, dtype=np.int32)
    return Histories(indptr, item[order], weight[order], time[order], trained)


def _decay(times: Longs, half_life_days: float, now: int | None) -> Floats:
    """Factor (0, 1] of each event."""
    dated = times != NO_TIME
    if not dated.any():
        return np.ones(len(times), dtype=np.float32)
    latest, oldest = int(times[dated].max()) if now is None else now, int(times[dated].min())
    ages = np.maximum(latest - np.where(dated, times, oldest), 0) / MICROSECONDS_PER_DAY
    weights: Floats = np.maximum(np.exp2(-ages / half_life_days), LEAST_DECAY).astype(np.float32)
    return weights
