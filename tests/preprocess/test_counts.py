"""Counts that events carry: how often somebody listened weighs, and no count drowns the others."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.clean import clean, positives
from zhiyin.preprocess.weights import COUNTED, LEAST_FACTOR, MOST_FACTOR

Row = tuple[str, str, str, float | None]


def weights(rows: list[Row], unit: float | None = None) -> list[float]:
    frame = pl.DataFrame(
        [(place, user, item, kind, value, None) for place, (user, item, kind, value) in enumerate(rows)],
        schema={
            "seq": pl.Int64,
            "user_id": pl.String,
            "item_id": pl.String,
            "event_type": pl.String,
            "value": pl.Float64,
            "time": pl.Int64,
        },
        orient="row",
    )
    plain = PreprocessSettings()
    found = clean(frame, plain)[0] if unit is None else positives(frame, plain, unit=unit)
    return found["weight"].to_list()


def test_by_hand() -> None:
    """Median 4: a quarter of it takes two steps of 0.25 away, four times it adds two; 350,000 listens end at 3."""
    rows: list[Row] = [("张伟", "a", "listen", 1), ("张伟", "b", "listen", 4), ("张伟", "c", "listen", 16)]
    assert weights(rows) == pytest.approx([0.5, 1.0, 1.5])
    assert weights(rows, unit=1.0) == pytest.approx([0.5, 1.0, 1.5])
    huge: list[Row] = [("u/1", "a", "Listen ", 1), ("u/1", "b", "listen", 2), ("u/1", "c", "listen", 350_000)]
    assert weights(huge) == pytest.approx([0.75, 1.0, MOST_FACTOR])


def test_everybody_is_their_own_measure() -> None:
    """Who listens a thousand times as often says the same by the same proportions; types do not mix."""
    seldom: list[Row] = [("a", "x", "play", 1), ("a", "y", "play", 4)]
    often: list[Row] = [("b", "x", "play", 1000), ("b", "y", "play", 4000)]
    assert weights(seldom + often)[:2] == pytest.approx(weights(seldom + often)[2:])
    assert weights([("a", "x", "view", 9), ("a", "y", "play", 1)]) == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["rating", "purchase", "like", "收藏"])
def test_values_that_are_no_counts_do_not_matter(kind: str) -> None:
    """A price or a number of stars is not how often."""
    assert len(set(weights([("u", "a", kind, 1), ("u", "b", kind, 500)]))) == 1


def test_without_values_all_weigh_one() -> None:
    assert (
        weights(
            [("u", "a", "view", None), ("u", "b", "view", 0), ("u", "c", "view", -3), ("u", "d", "view", float("nan"))]
        )
        == [1.0] * 4
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(COUNTED), st.floats(allow_nan=True)), min_size=1, max_size=12))
def test_always_within_bounds(events: list[tuple[str, float]]) -> None:
    found = weights([("u", f"物品 {place}", kind, value) for place, (kind, value) in enumerate(events)])
    assert len(found) == len(events)
    assert all(LEAST_FACTOR <= weight <= MOST_FACTOR for weight in found)
