"""What is popular, on the rise and who is alike, with answers visible by eye."""

from __future__ import annotations

import polars as pl

from zhiyin.config import PreprocessSettings
from zhiyin.crowd_lists import Crowd

DAY = 86_400_000_000
NOW = 1_000 * DAY


def events(*rows: tuple[str, str, int]) -> pl.DataFrame:
    """Views by (user, item, days ago); days ago below 0 are to come."""
    return pl.DataFrame(
        {
            "seq": range(len(rows)),
            "user_id": [row[0] for row in rows],
            "item_id": [row[1] for row in rows],
            "event_type": ["view"] * len(rows),
            "value": [None] * len(rows),
            "time": [NOW - row[2] * DAY for row in rows],
        },
        schema={
            "seq": pl.Int64,
            "user_id": pl.String,
            "item_id": pl.String,
            "event_type": pl.String,
            "value": pl.Float64,
            "time": pl.Int64,
        },
    )


def crowd(told: pl.DataFrame) -> Crowd:
    return Crowd(told, ["a", "b", "c", "d"], PreprocessSettings(), {}, NOW)


def test_popular_counts_people_of_late_and_leaves_out_what_nobody_took() -> None:
    told = crowd(events(("1", "a", 1), ("2", "a", 2), ("1", "b", 3), ("1", "c", 300), ("2", "c", 300), ("3", "c", 300)))
    assert [key for key, _ in told.popular()] == ["a", "b", "c"]
    assert told.popular()[0] == ("a", 2.0)


def test_what_is_to_come_does_not_count() -> None:
    told = crowd(events(("1", "a", -1), ("2", "a", -1), ("1", "b", 3)))
    assert [key for key, _ in told.popular()] == ["b"]


def test_trending_needs_times_that_reach_back() -> None:
    assert crowd(events(("1", "a", 1))).trending() == []
    old = [(str(n), item, 100) for n in range(10) for item in "ab"]
    new = [(f"new {n}", "b", 1) for n in range(10)]
    assert [key for key, _ in crowd(events(*old, *new)).trending()] == ["b"]


def test_alike_are_those_who_share_items_the_more_the_closer() -> None:
    told = events(("me", "a", 2), ("me", "b", 1), ("twin", "a", 2), ("twin", "b", 1), ("half", "a", 1), ("no", "c", 1))
    found = crowd(told).alike("me", told.filter(told["user_id"] == "me"), 10, NOW)
    assert [key for key, _ in found] == ["twin", "half"]
    assert 1 > found[0][1] > found[1][1] > 0
    assert len(crowd(told).alike("me", told.filter(told["user_id"] == "me"), 1, NOW)) == 1
    stranger = crowd(told).alike(
        "somebody else", events(("x", "c", 0)).with_columns(user_id=pl.lit("somebody else")), 5, NOW
    )
    assert [key for key, _ in stranger] == ["no"]


def test_nobody_and_nothing() -> None:
    nothing = crowd(events())
    assert nothing.popular() == nothing.trending() == nothing.alike("me", events(), 3, NOW) == []
