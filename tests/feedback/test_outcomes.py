"""Impressions joined with events: a table worked by hand, and what holds for any."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import DataError
from zhiyin.feedback.outcomes import DAY, outcomes, shown

HOUR = DAY // 24
EVENTS = {"user_id": pl.String, "item_id": pl.String, "event_type": pl.String, "value": pl.Float64, "time": pl.Int64}


def impressions(*rows: tuple[str, str, int, list[tuple[str, float]]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "seq": place,
                "impression_id": key,
                "user_id": user,
                "surface": "home",
                "variant": "b",
                "experiment": "首页 1",
                "bundle": "one",
                "time": time,
                "items": json.dumps([[item, at, chance] for at, (item, chance) in enumerate(items, 1)]),
            }
            for place, (key, user, time, items) in enumerate(rows)
        ]
    )


def events(*rows: tuple[str, str, str, int | None, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(user, item, kind, None, time, named) for user, item, kind, time, named in rows],
        schema={**EVENTS, "impression_id": pl.String},
        orient="row",
    )


SHOWN = impressions(
    ("i1", "张伟", 0, [("茶/1", 1.0), ("book ?", 0.1)]),
    ("i2", "张伟", HOUR, [("茶/1", 0.9)]),
    ("i3", "李娜", HOUR, [("茶/1", 0.8)]),
)


def told(frame: pl.DataFrame) -> dict[tuple[str, str], tuple[float, int | None]]:
    rows = frame.select("impression_id", "item_id", "reward", "delay").iter_rows()
    return {(key, item): (reward, delay) for key, item, reward, delay in rows}


def test_by_hand() -> None:
    found = outcomes(
        SHOWN,
        events(
            ("张伟", "茶/1", "click", 2 * HOUR, None),  # the latest that showed it: i2
            ("张伟", "茶/1", "purchase", 3 * HOUR, None),  # again i2, for more
            ("张伟", "book ?", "click", HOUR // 2, None),  # i1
            ("张伟", "book ?", "click", 30 * HOUR, None),  # too late for i1
            ("李娜", "茶/1", "click", 40 * HOUR, "i3"),  # late, but it says where from
            ("李娜", "book ?", "click", 2 * HOUR, "i3"),  # i3 did not show it
            ("李娜", "茶/1", "click", 2 * HOUR, "gone"),  # no such list
            ("王芳", "茶/1", "click", 2 * HOUR, None),  # she was shown nothing
            ("李娜", "茶/1", "click", HOUR - 1, None),  # before it was shown
            ("李娜", "茶/1", "click", None, None),  # no telling when
        ),
        rewards={"click": 1.0, "purchase": 3.0},
    )
    assert told(found.frame) == {
        ("i1", "茶/1"): (0.0, None),
        ("i1", "book ?"): (1.0, HOUR // 2),
        ("i2", "茶/1"): (3.0, HOUR),
        ("i3", "茶/1"): (1.0, 39 * HOUR),
    }
    assert (found.credited, found.alone, found.astray) == (4, 4, 2)
    assert found.frame["propensity"].to_list() == [1.0, 0.1, 0.9, 0.8]
    assert found.frame["position"].to_list() == [1, 2, 1, 1]
    assert found.frame["experiment"].unique().to_list() == ["首页 1"]


def test_other_types_bring_nothing_and_none_named_takes_all() -> None:
    one = events(("张伟", "茶/1", "view", 2 * HOUR, None))
    assert told(outcomes(SHOWN, one, rewards={"click": 1.0}).frame)["i2", "茶/1"] == (0.0, None)
    assert told(outcomes(SHOWN, one).frame)["i2", "茶/1"] == (1.0, HOUR)
    without = one.drop("impression_id")
    assert told(outcomes(SHOWN, without).frame)["i2", "茶/1"] == (1.0, HOUR)
    assert told(outcomes(SHOWN, one, window=HOUR - 1).frame)["i2", "茶/1"] == (0.0, None)


def test_nothing_shown_and_nothing_done() -> None:
    assert not len(outcomes(SHOWN[:0], events()).frame)
    assert outcomes(SHOWN, events()).frame["reward"].sum() == 0
    alone = outcomes(SHOWN[:0], events(("张伟", "茶/1", "click", 1, None)))
    assert (alone.credited, alone.alone) == (0, 1)


def test_of_two_lists_of_one_moment_the_later_counts_and_a_named_one_may_lie_ahead() -> None:
    both = impressions(("a", "u", 5, [("x", 1.0)]), ("b", "u", 5, [("x", 1.0)]))
    assert told(outcomes(both, events(("u", "x", "click", 5, None))).frame) == {
        ("a", "x"): (0.0, None),
        ("b", "x"): (1.0, 0),
    }
    skewed = outcomes(both, events(("u", "x", "click", 3, "a")))
    assert told(skewed.frame)["a", "x"] == (1.0, 0), "clocks differ: no delay is below 0"


def test_items_that_are_none() -> None:
    with pytest.raises(DataError, match="impression 'i1'"):
        shown(SHOWN.with_columns(pl.lit("[[1]]").alias("items")))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_each_event_is_credited_once(data: Any) -> None:
    people, things = ["张伟", "u/2"], ["茶", "x y"]
    moments = st.integers(0, 20)
    lists = data.draw(
        st.lists(
            st.tuples(st.sampled_from(people), moments, st.lists(st.sampled_from(things), unique=True)), max_size=8
        )
    )
    made = impressions(
        *((f"i{at}", user, time, [(item, 1.0) for item in items]) for at, (user, time, items) in enumerate(lists))
    )
    if not lists:
        made = SHOWN[:0]
    happened = data.draw(
        st.lists(st.tuples(st.sampled_from(people), st.sampled_from(things), st.none() | moments), max_size=12)
    )
    found = outcomes(made, events(*((user, item, "click", time, None) for user, item, time in happened)), window=5)
    assert found.credited + found.alone == len(happened)
    assert len(found.frame) == sum(len(items) for _, _, items in lists)
    # The same by the definition, one event at a time.
    expected = dict.fromkeys(told(found.frame), 0.0)
    for user, item, time in happened:
        fit = [
            (when, at)
            for at, (who, when, items) in enumerate(lists)
            if time is not None and who == user and item in items and 0 <= time - when <= 5
        ]
        if fit:
            expected[f"i{max(fit)[1]}", item] = 1.0
    assert {key: reward for key, (reward, _) in told(found.frame).items()} == expected
