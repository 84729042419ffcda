from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import CLOCKS_DIFFER, MICROSECONDS_PER_DAY, happened, histories_of
from zhiyin.preprocess.few import histories_now
from zhiyin.types import Histories, IdMap

PEOPLE = ["ann", "李/四", "nobody", "x?#%"]
ITEMS = IdMap(["a", "茶/1", "c", "d"])
KNOWN = IdMap(["x?#%", "ann"])
NOW = 400 * MICROSECONDS_PER_DAY
UNTIL = 500 * MICROSECONDS_PER_DAY
SCHEMA = {
    "seq": pl.Int64,
    "user_id": pl.String,
    "item_id": pl.String,
    "event_type": pl.String,
    "value": pl.Float64,
    "time": pl.Int64,
}


@dataclass
class Lists:
    user_id: list[str]
    seq: list[int]
    item_id: list[str]
    event_type: list[str]
    value: list[float | None]
    time: list[int | None]


event = st.tuples(
    st.sampled_from(["ann", "李/四", "x?#%"]),
    st.sampled_from([*ITEMS.ids, "came later", "茶/1", "a"]),
    st.sampled_from(
        ["view", " View ", "click", "play", "rating", "RATING", "purchase", "hide", "own kind", "\x1fview"]
    ),
    st.one_of(st.none(), st.sampled_from([0.0, -1.0, 1.0, 3.0, 3.5, 5.0, 250.0, float("nan"), float("inf")])),
    st.one_of(st.none(), st.integers(-3, 6).map(lambda day: day * 100 * MICROSECONDS_PER_DAY)),
)
made = st.lists(event, max_size=25)
chosen = st.builds(
    PreprocessSettings,
    positive_rating=st.sampled_from([None, 3.5]),
    half_life_days=st.sampled_from([None, 30.0]),
    weights=st.sampled_from([{}, {"own kind": 4.0, " VIEW": 0.5}, {"purchase": -1.0}]),
    graded=st.sampled_from([{}, {" View": {"least": 2.0, "full": 200.0}, "own kind": {"least": 3.2, "full": 4.0}}]),
)


def lists(told: list[tuple[Any, ...]]) -> Lists:
    columns: list[list[Any]] = [list(column) for column in zip(*told, strict=True)] if told else [[] for _ in range(5)]
    users, items, types, values, times = columns
    return Lists(users, list(range(1, len(told) + 1)), items, types, values, times)


def alone(found: Lists, person: str, how: PreprocessSettings, unit: float) -> Histories:
    frame = pl.DataFrame({name: getattr(found, name) for name in SCHEMA}, schema=SCHEMA)
    known = happened(frame.filter(pl.col("user_id") == person), now=UNTIL - CLOCKS_DIFFER)
    liked = positives(known, how, unit=unit)
    return histories_of(liked, ITEMS, [person], known=KNOWN, half_life_days=how.half_life_days, now=NOW)


@settings(max_examples=250, deadline=None)
@given(made, chosen, st.sampled_from([1.0, 3.0]))
def test_as_frames_have_it_of_each_person_alone(
    told: list[tuple[Any, ...]], how: PreprocessSettings, unit: float
) -> None:
    found = lists(told)
    together = histories_now(found, PEOPLE, ITEMS, how, unit=unit, known=KNOWN, now=NOW, until=UNTIL)
    assert len(together) == len(PEOPLE)
    for place, person in enumerate(PEOPLE):
        own, expected = together.slice(place, place + 1), alone(found, person, how, unit)
        for name in ("indptr", "items", "times", "users"):
            assert np.array_equal(getattr(own, name), getattr(expected, name)), (person, name)
            assert getattr(own, name).dtype == getattr(expected, name).dtype
        assert own.weights == pytest.approx(expected.weights, rel=1e-5)
        assert own.weights.dtype == np.float32


def test_nobody_asks() -> None:
    found = histories_now(lists([]), [], ITEMS, PreprocessSettings(), unit=1.0, known=KNOWN, now=NOW, until=UNTIL)
    assert len(found) == 0
