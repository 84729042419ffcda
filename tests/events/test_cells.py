"""What single cells mean."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from zhiyin.events.cells import BadCell, to_categories, to_flag, to_id, to_number, to_text, to_time

NOON = 1_706_702_400_000_000
"""2024-01-31 12:00:00 UTC in microseconds."""


@pytest.mark.parametrize(
    "cell",
    [
        1706702400,
        "1706702400",
        "1706702400000",
        1706702400000,
        "1706702400000000",
        "1706702400000000000",
        "1706702400.0",
        1706702400.0,
        "1.7067024e9",
        "2024-01-31T12:00:00Z",
        "2024-01-31 12:00:00",
        "2024-01-31 12:00:00 UTC",
        "2024-01-31T20:00:00+08:00",
        "2024/1/31 12:00",
        " 2024-01-31T12:00 ",
        datetime(2024, 1, 31, 12, tzinfo=UTC),
        datetime(2024, 1, 31, 12),
    ],
)
def test_a_time_in_any_form_is_one_moment(cell: Any) -> None:
    assert to_time(cell) == NOON


def test_dates_begin_at_midnight_and_parts_of_seconds_count() -> None:
    midnight = NOON - 12 * 3600 * 1_000_000
    assert {to_time(cell) for cell in ("2024-01-31", "20240131", "2024.01.31", date(2024, 1, 31))} == {midnight}
    assert {to_time(cell) for cell in (2024, "2024", "2024-01-01")} == {midnight - 30 * 86_400_000_000}
    assert to_time("2024-01-31T12:00:00.5") == NOON + 500_000
    assert to_time("1706702400.000001") == NOON + 1
    assert to_time("-1") == -1_000_000


@pytest.mark.parametrize("cell", [None, "", "  ", "NaN", "null", float("nan"), "0001-01-01T00:00:00Z"])
def test_a_missing_time_is_none(cell: Any) -> None:
    assert to_time(cell) is None


@pytest.mark.parametrize(
    "cell",
    ["yesterday", "2024-02-30", "2024-13-01", "1e30", "9" * 25, "12:00", "2024-01-31T25:00:00", True, "١٢٣٤٥٦٧٨٩"],
)
def test_what_is_no_time_is_refused(cell: Any) -> None:
    with pytest.raises(BadCell) as bad:
        to_time(cell)
    assert bad.value.reason == "bad timestamp"


def test_ids_are_text_and_keep_their_inside() -> None:
    assert {to_id(cell, "") for cell in (1, "1", 1.0, " 1\t", "\u30001")} == {"1"}
    assert to_id("007", "") == "007"
    assert to_id(' a/b "用户" 😀 ', "") == 'a/b "用户" 😀'
    assert to_id("1.0", "") == "1.0"
    assert to_id(2**63, "") == "9223372036854775808"
    assert to_id("none", "") == "none"
    assert to_id("é" * 512, "") == "é" * 512


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "missing"),
        (" ", "missing"),
        (float("nan"), "missing"),
        ("x" * 513, "id too long"),
        ("a\x00b", "malformed row"),
    ],
)
def test_ids_that_cannot_be(cell: Any, reason: str) -> None:
    with pytest.raises(BadCell) as bad:
        to_id(cell, "missing")
    assert bad.value.reason == reason


def test_numbers() -> None:
    assert [to_number(cell) for cell in ("4.5", "-1e3", ".5", 3, " 2 ", "", None, "N/A")] == [
        4.5,
        -1000.0,
        0.5,
        3.0,
        2.0,
        None,
        None,
        None,
    ]
    assert str(to_number("-0")) == "0.0"


@pytest.mark.parametrize("cell", ["4,5", "five", "inf", float("inf"), "1e999", "1_000", "0x10"])
def test_what_is_no_number_is_refused(cell: Any) -> None:
    with pytest.raises(BadCell) as bad:
        to_number(cell)
    assert bad.value.reason == "bad number"


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (["剧情", " War ", "剧情", None], ["剧情", "War"]),
        ([["Beauty", "Hair"], ["Beauty"]], ["Beauty", "Hair"]),
        ("Drama|War, Civil", ["Drama", "War, Civil"]),
        ("Drama; War", ["Drama", "War"]),
        ("Drama, War", ["Drama", "War"]),
        ("Drama War", ["Drama War"]),
        ('["Drama", "Children\'s"]', ["Drama", "Children's"]),
        ("['Drama', 'War']", ["Drama", "War"]),
        ("[not a list]", ["[not a list]"]),
        ([{"id": 18, "name": "Drama"}], ["Drama"]),
        ("(no genres listed)", []),
        ("", []),
        (None, []),
        (7, ["7"]),
    ],
)
def test_categories(cell: Any, names: list[str]) -> None:
    assert to_categories(cell) == names


def test_flags() -> None:
    assert [to_flag(cell) for cell in (True, "true", "1", 1, "Yes", False, "0", None, "")] == [True] * 5 + [False] * 4
    with pytest.raises(BadCell):
        to_flag("perhaps")


def test_text_of_typed_cells() -> None:
    assert [to_text(cell) for cell in (1.0, 1.5, True, None, {"a": "中"}, float("nan"))] == [
        "1",
        "1.5",
        "true",
        None,
        '{"a": "中"}',
        None,
    ]
