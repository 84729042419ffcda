"""Reading depth and dwell: how much of an event's weight its value leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.bundle.manifest import fingerprint
from zhiyin.config import GradedSettings, PreprocessSettings, make_settings
from zhiyin.errors import ConfigError
from zhiyin.preprocess.clean import clean
from zhiyin.preprocess.weights import grade_of, repetition, weight_of_event

DWELL = GradedSettings(least=5, full=60)
HOW = PreprocessSettings(graded={" Dwell": DWELL, "read": GradedSettings(least=0.1, full=0.8, floor=0)})


def frame(rows: list[tuple[str, float | None]]) -> pl.DataFrame:
    kinds = {"event_type": pl.String, "value": pl.Float64}
    named = pl.DataFrame(rows, schema=kinds, orient="row").with_row_index("seq")
    return named.with_columns(
        pl.lit("读者").alias("user_id"), pl.format("文/{}", "seq").alias("item_id"), pl.lit(1).alias("time")
    ).with_columns(pl.col("seq").cast(pl.Int64), pl.col("time").cast(pl.Int64))


def test_what_a_value_leaves_of_the_weight() -> None:
    rows: list[tuple[str, float | None]] = [
        ("dwell", 4.9), ("DWELL", 5.0), ("dwell", 60.0), ("dwell", 9e9), ("dwell", None), ("dwell", -1.0),
        ("dwell", (5 * 60) ** 0.5), ("read", 0.1), ("read", 0.8), ("like", 0.01),
    ]  # fmt: skip
    told = frame(rows).select(weight_of_event(HOW).alias("weight"))["weight"].to_list()
    assert told == pytest.approx([0, 0.25, 1, 1, 1, 0, 0.625, 0, 1, 2])


def test_who_left_at_once_did_not_read() -> None:
    """And a graded type is not held against the person's own habit as well; the unit is that of whole events."""
    rows: list[tuple[str, float | None]] = [("dwell", 1.0), ("dwell", 6.0), ("dwell", 7.5), ("dwell", 200.0)]
    cleaned, report = clean(frame(rows), HOW)
    assert report.dropped["events that show no interest"] == 1
    assert report.unit == 1.0
    assert cleaned["weight"].max() == 1.0
    assert frame(rows).select(repetition(HOW).alias("f"))["f"].to_list() == [1.0] * 4
    assert max(frame(rows).select(repetition(PreprocessSettings()).alias("f"))["f"].to_list()) > 1.0


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=20), st.floats(0, 1))
def test_it_is_bounded_and_grows(values: list[float], floor: float) -> None:
    grade = GradedSettings(least=3, full=30, floor=floor)
    share = grade_of(np.array(sorted(values, key=lambda one: (np.isnan(one), one))), grade)
    assert ((share >= 0) & (share <= 1)).all()
    known = share[~np.isnan(np.sort(values))]
    assert (np.diff(known) >= -1e-12).all()


def test_nothing_graded_is_the_same_said_or_not() -> None:
    """A bundle is named after its settings as they hold, not as they are written."""

    def mark(values: dict[str, Any]) -> str:
        return fingerprint({"config": {"preprocess": make_settings(values).preprocess.model_dump()}}, {})

    assert mark({}) == mark({"preprocess": {}}) == mark({"preprocess": {"graded": {}}})
    assert mark({}) != mark({"preprocess": {"graded": {"dwell": {"least": 5, "full": 60}}}})


def test_a_scale_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'full' must be above 'least'"):
        make_settings({"preprocess": {"graded": {"dwell": {"least": 5, "full": 5}}}})
    with pytest.raises(ConfigError, match=r"graded\.dwell\.most"):
        make_settings({"preprocess": {"graded": {"dwell": {"least": 5, "full": 9, "most": 1}}}})
