"""Times, durations and cursors as texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.serve.gorse.cursor import read_cursor, write_cursor
from zhiyin.serve.gorse.stamps import DURATION, NONE, TIME, read_duration, read_time, write_time
from zhiyin.serve.paths import canonical, escaped

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
zones = st.builds(timezone, st.integers(-14 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1000, 1, 2), datetime(2999, 12, 30), timezones=zones))
def test_every_rfc_3339_time_is_read(moment: datetime) -> None:
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    text = moment.isoformat()
    for form in (text, text.replace("T", " "), text.replace("+00:00", "Z"), text.lower()):
        assert re.fullmatch(TIME, form), form
        assert read_time(form) == micros


@given(st.from_regex(re.compile(TIME), fullmatch=True))
def test_what_is_documented_as_a_time_is_one(text: str) -> None:
    found = read_time(text)
    assert (found is None) == (text in ("", NONE))
    assert found is None or abs(found) < 2**62


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_every_time_is_written(micros: int) -> None:
    text = write_time(micros)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", text)
    if -30_610_224_000_000_000 <= micros < 32_503_680_000_000_000:
        assert read_time(text) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        (None, None),
        ("", None),
        (NONE, None),
        ("2022-02-24", 1_645_660_800_000_000),
        ("2022/02/24", 1_645_660_800_000_000),
        ("2022-02-24T08:00:00+08:00", 1_645_660_800_000_000),
        ("2022-02-24 00:00", 1_645_660_800_000_000),
        ("1645660800", 1_645_660_800_000_000),
        ("1645660800123", 1_645_660_800_123_000),
        ("2024-02-29T00:00:00.5Z", 1_709_164_800_500_000),
    ],
)
def test_forms_of_a_time(text: str | None, micros: int | None) -> None:
    assert text is None or re.fullmatch(TIME, text)
    assert read_time(text) == micros


@pytest.mark.parametrize("text", ["2023-02-29", "1900-02-29", "2022-13-01", "2022-01-01T24:00:00", "soon", "1", "2022"])
def test_no_times(text: str) -> None:
    assert not re.fullmatch(TIME, text)


@pytest.mark.parametrize(
    ("text", "micros"),
    [("10m", 600_000_000), ("1h30m", 5_400_000_000), ("1.5s", 1_500_000), ("3ms2us", 3_002), ("", 0), ("0", 0)],
)
def test_durations(text: str, micros: int) -> None:
    assert re.fullmatch(DURATION, text)
    assert read_duration(text) == micros


@given(st.from_regex(re.compile(DURATION), fullmatch=True))
def test_no_duration_is_too_long(text: str) -> None:
    assert 0 <= read_duration(text) < 2**62


@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_a_cursor_is_read_as_it_was_written(key: list[str]) -> None:
    cursor = write_cursor(*key)
    assert read_cursor(cursor, len(key)) == (tuple(key) if cursor else None)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 3))
def test_any_text_is_a_cursor(text: str, parts: int) -> None:
    found = read_cursor(text, parts)
    assert found is None or (len(found) == parts and not any("\x00" in part for part in found))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_addresses_have_one_form(parts: list[str]) -> None:
    one = "/".join(escaped(part) for part in parts)
    every = "/".join("".join(f"%{byte:02x}" for byte in part.encode()) for part in parts)
    assert canonical(every.encode()) == canonical(one.encode()) == one
