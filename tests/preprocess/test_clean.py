"""Cleaning: every row in is a row out or counted under a reason."""

from __future__ import annotations

import polars as pl
import pytest

from zhiyin.config import PreprocessSettings
from zhiyin.errors import ConfigError, DataError
from zhiyin.preprocess.clean import clean, positives

MINUTE = 60_000_000
SCHEMA = {
    "seq": pl.Int64,
    "user_id": pl.String,
    "item_id": pl.String,
    "event_type": pl.String,
    "value": pl.Float64,
    "time": pl.Int64,
}
Row = tuple[str, str, str, float | None, int | None]


def frame(*rows: Row) -> pl.DataFrame:
    """Events in order of arrival: user, item, type, value, time."""
    return pl.DataFrame([(seq, *row) for seq, row in enumerate(rows, 1)], schema=SCHEMA, orient="row")


def test_weights_are_relative_to_the_commonest_type() -> None:
    events = frame(
        ("a", "x", "view", None, 1),
        ("a", "y", "view", None, 2),
        ("b", "x", " Purchase ", None, 3),
        ("b", "y", "like", None, 4),
        ("b", "z", "never heard of", None, 5),
        ("c", "x", "share", None, 6),
    )
    kept, report = clean(events, PreprocessSettings())
    assert kept["weight"].to_list() == [1, 1, 3, 2, 1, 3]
    assert report.unit == 1


def test_a_file_of_one_type_is_binary() -> None:
    kept, report = clean(frame(("a", "x", "purchase", None, 1), ("b", "y", "purchase", None, 2)), PreprocessSettings())
    assert kept["weight"].to_list() == [1, 1]
    assert report.unit == 3


def test_own_weights_win_and_dislikes_go() -> None:
    events = frame(
        ("a", "x", "dislike", None, 1),
        ("a", "y", "impression", None, 2),
        ("a", "z", "收藏", None, 3),
        ("b", "x", "VIEW", None, 4),
        ("b", "y", "purchase", None, 5),
        ("b", "z", "purchase", None, 6),
    )
    kept, report = clean(events, PreprocessSettings(weights={"收藏": 6.0, "View": -1.0}))
    assert kept.select("user_id", "item_id", "weight").rows() == [("a", "z", 2), ("b", "y", 1), ("b", "z", 1)]
    assert report.dropped["events that show no interest"] == 3
    assert report.line() == (
        "6 events: 3 interactions of 2 users with 2 items; set aside 3 events that show no interest"
    )


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_must_be_finite(weight: float) -> None:
    with pytest.raises(ConfigError, match="weight of 'view'"):
        clean(frame(("a", "x", "view", None, 1)), PreprocessSettings(weights={"view": weight}))


def test_positive_rating_looks_at_ratings_only() -> None:
    events = frame(
        ("a", "low", "rating", 2.0, 1),
        ("a", "edge", "rating", 4.0, 2),
        ("a", "none", "Rating", None, 3),
        ("a", "nan", "rating", float("nan"), 4),
        ("a", "seen", "view", 1.0, 5),
    )
    assert clean(events, PreprocessSettings())[0]["item_id"].to_list() == ["low", "edge", "none", "nan", "seen"]
    kept, _ = clean(events, PreprocessSettings(positive_rating=4.0))
    assert kept["item_id"].to_list() == ["edge", "seen"]


def test_repeats_keep_the_first_time_and_a_capped_sum() -> None:
    events = frame(
        ("a", "x", "purchase", None, 30),
        ("a", "x", "view", None, 10),
        ("a", "x", "view", None, None),
        *[("a", "y", "view", None, time) for time in range(9)],
        ("b", "z", "view", None, None),
        ("b", "z", "view", None, None),
    )
    kept, report = clean(events, PreprocessSettings())
    # x: 3 + 1 + 1 = 5 <= 3 * 3; y: 9 views, capped at 3; z: first arrival.
    assert kept.select("seq", "item_id", "time", "weight").rows() == [
        (2, "x", 10, 5),
        (4, "y", 0, 3),
        (13, "z", None, 2),
    ]
    assert report.dropped["repeats of the same user and item"] == 14 - 3
    assert report.rows_in == report.rows_out + sum(report.dropped.values())


def test_minimum_counts_are_repeated_until_stable() -> None:
    # Dropping u3 leaves i3 with one user, whose loss leaves u2 with one item; u1 and u4 hold i1 and i2 between them.
    rows: list[Row] = [
        (user, item, "view", None, None)
        for user, item in [
            ("u1", "i1"), ("u1", "i2"), ("u4", "i1"), ("u4", "i2"), ("u2", "i1"), ("u2", "i3"), ("u3", "i3"),
        ]
    ]  # fmt: skip
    kept, report = clean(frame(*rows), PreprocessSettings(minimum_user_events=2, minimum_item_events=2))
    assert sorted(kept["user_id"].unique()) == ["u1", "u4"]
    assert report.dropped["interactions of users with too few"] == 2
    assert report.dropped["interactions of items with too few"] == 1
    assert (report.rows_out, report.users, report.items) == (4, 2, 2)


def test_nothing_in_nothing_out() -> None:
    kept, report = clean(frame(), PreprocessSettings(minimum_user_events=2, positive_rating=3))
    assert kept.is_empty()
    assert "weight" in kept.columns
    assert (report.rows_in, report.rows_out, report.users, report.unit) == (0, 0, 0, 1.0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="lack the column time"):
        clean(frame().drop("time"), PreprocessSettings())


def test_live_requests_use_the_unit_of_training_and_drop_nobody() -> None:
    events = frame(
        ('我/ "é🎵', "x", "view", None, 1), ('我/ "é🎵', "y", "purchase", None, 2), ('我/ "é🎵', "z", "hide", None, 3)
    )
    settings = PreprocessSettings(minimum_user_events=10, bot_minimum_events=1)
    kept = positives(events, settings, unit=3.0)
    assert kept["item_id"].to_list() == ["x", "y"]
    assert kept["weight"].to_list() == pytest.approx([1 / 3, 1])


def test_columns_and_order_survive() -> None:
    events = frame(("b", "x", "view", None, 2), ("a", "y", "view", None, 1))
    kept, _ = clean(events, PreprocessSettings())
    assert kept.columns == [*SCHEMA, "weight"]
    assert kept["seq"].to_list() == [1, 2]
