"""Histories of a few people at once, for whoever asks now: what ``clean.positives`` and ``dataset.histories_of`` give
of each person alone, on plain arrays, since setting up frames takes longer than the work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.clean import REPEAT_CAP
from zhiyin.preprocess.dataset import LEAST_DECAY, MICROSECONDS_PER_DAY
from zhiyin.preprocess.weights import (
    COUNTED,
    DOUBLED,
    LEAST_FACTOR,
    MOST_FACTOR,
    OTHER_WEIGHT,
    RATING,
    counted,
    grade_of,
    grades,
    type_weights,
)
from zhiyin.types import NO_TIME, Histories, IdMap, Ints, Longs

Values = NDArray[np.float64]
NEVER = np.iinfo(np.int64).max


class EventLists(Protocol):
    """Aligned lists, one place an event, as ``SqlStore.events_of`` gives them."""

    @property
    def user_id(self) -> Sequence[str]: ...
    @property
    def seq(self) -> Sequence[int]: ...
    @property
    def item_id(self) -> Sequence[str]: ...
    @property
    def event_type(self) -> Sequence[str]: ...
    @property
    def value(self) -> Sequence[float | None]: ...
    @property
    def time(self) -> Sequence[int | None]: ...


def histories_now(
    events: EventLists,
    user_ids: Sequence[str],
    items: IdMap,
    settings: PreprocessSettings,
    *,
    unit: float,
    known: IdMap,
    now: int,
    until: int,
) -> Histories:
    """Histories of ``user_ids`` (each once), a row each in that order, empty for people without events. Nobody's row
    depends on who else is asked about. Events after ``until`` (microseconds) are left out, as ``dataset.happened``
    does; the other arguments are those of ``positives`` and ``histories_of``."""
    place = {user: row for row, user in enumerate(user_ids)}
    user = np.fromiter(map(place.get, events.user_id, repeat(-1)), dtype=np.int64, count=len(events.seq))
    value = np.array(events.value, dtype=np.float64)  # NaN where there is none
    kind, weight = _weights(events.event_type, value, settings)
    seq = np.array(events.seq, dtype=np.int64)
    time = np.array([NEVER if one is None else one for one in events.time], dtype=np.int64)
    happened = (time <= until) | (time == NEVER)
    liked = np.flatnonzero((weight > 0) & (user >= 0) & happened)
    user, value, kind, seq, time = user[liked], value[liked], kind[liked], seq[liked], time[liked]
    weight = weight[liked] / unit * _repetition(user, kind, value)
    oldest = np.full(len(user_ids), NEVER, dtype=np.int64)
    np.minimum.at(oldest, user, time)
    item = items.rows(events.item_id)[liked]
    user, item, seq, time, weight = _merged(user, item, seq, time, weight, len(items))
    dated = time != NEVER
    told = weight.astype(np.float32)
    if settings.half_life_days is not None:
        since = np.where(oldest[user] == NEVER, now, np.where(dated, time, oldest[user]))
        ages = np.maximum(now - since, 0) / MICROSECONDS_PER_DAY
        told *= np.maximum(np.exp2(-ages / settings.half_life_days), LEAST_DECAY).astype(np.float32)
    time = np.where(dated, time, NO_TIME)
    order = np.lexsort((seq, time, user))
    indptr = np.concatenate(([0], np.cumsum(np.bincount(user, minlength=len(user_ids))))).astype(np.int64)
    return Histories(indptr, item[order].astype(np.int32), told[order], time[order], known.rows(user_ids))


def without_interest(events: EventLists, settings: PreprocessSettings, until: int) -> dict[str, list[str]]:
    """Items that people had an event with by ``until`` that shows no interest (turned down, rated low), by person. What
    else they had is in their histories."""
    table = type_weights(settings)
    low = any(table.get(_kind_of(name), OTHER_WEIGHT) <= 0 for name in set(events.event_type))
    if not len(events.seq) or (not low and settings.positive_rating is None and not settings.graded):
        return {}
    weight = _weights(events.event_type, np.array(events.value, dtype=np.float64), settings)[1]
    found: dict[str, list[str]] = {}
    for place in np.flatnonzero(weight <= 0).tolist():
        time = events.time[place]
        if time is None or time <= until:
            found.setdefault(events.user_id[place], []).append(events.item_id[place])
    return found


@lru_cache(4096)
def _kind_of(event_type: str) -> str:
    """As ``weights`` reads it: by polars, whose idea of a space is not that of Python."""
    return str(pl.Series([event_type]).str.strip_chars().str.to_lowercase()[0])


def _weights(types: Sequence[str], values: Values, settings: PreprocessSettings) -> tuple[Ints, Values]:
    """Of each event the number of its kind, -1 for kinds whose value does not count, and its weight."""
    table, beside, own = type_weights(settings), counted(settings), grades(settings)
    told = {}
    for name in set(types):
        kind = _kind_of(name)
        told[name] = (COUNTED.index(kind) if kind in beside else -1, table.get(kind, OTHER_WEIGHT), kind == RATING)
    found = [told[name] for name in types]
    kinds = np.array([one[0] for one in found], dtype=np.int32)
    weights = np.array([one[1] for one in found], dtype=np.float64)
    if settings.positive_rating is not None:
        rated = np.array([one[2] for one in found], dtype=np.bool_)
        # What is no number is not positive either.
        weights[rated & ~(values >= settings.positive_rating)] = 0.0
    if own:
        read = np.array([_kind_of(name) for name in types], dtype=object)
        for kind, grade in own.items():
            some = read == kind
            weights[some] *= grade_of(values[some], grade)
    return kinds, weights


def _repetition(user: Longs, kind: Ints, value: Values) -> Values:
    """As ``weights.repetition``."""
    factor = np.ones(len(user))
    counted = np.flatnonzero((kind >= 0) & (value > 0) & np.isfinite(value))
    if not len(counted):
        return factor
    group = np.unique(user[counted] * len(COUNTED) + kind[counted], return_inverse=True)[1]
    order = np.lexsort((value[counted], group))
    sizes = np.bincount(group)
    ends = np.cumsum(sizes)
    ranked = value[counted][order]
    middles = (ranked[ends - sizes + (sizes - 1) // 2] + ranked[ends - sizes + sizes // 2]) / 2
    told = 1.0 + DOUBLED * np.log2(value[counted] / middles[group])
    factor[counted] = np.clip(told, LEAST_FACTOR, MOST_FACTOR)
    return factor


def _merged(
    user: Longs, item: Ints, seq: Longs, time: Longs, weight: Values, n_items: int
) -> tuple[Longs, Ints, Longs, Longs, Values]:
    """One row for each person and item, as ``clean`` merges them; items that ``items`` does not know are left out."""
    order = np.lexsort((seq, time))
    order = order[item[order] >= 0]
    user, item, seq, time, weight = user[order], item[order], seq[order], time[order], weight[order]
    _, first, pair = np.unique(user * n_items + item, return_index=True, return_inverse=True)
    if len(first) == len(user):
        return user, item, seq, time, weight
    most = np.zeros(len(first))
    np.maximum.at(most, pair, weight)
    weight = np.minimum(np.bincount(pair, weights=weight), REPEAT_CAP * most)
    return user[first], item[first], seq[first], time[first], weight
