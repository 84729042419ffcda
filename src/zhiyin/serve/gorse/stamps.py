"""Times and durations as texts: what is read, and what is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from zhiyin.events.cells import to_time

NONE = "0001-01-01T00:00:00Z"
"""How "no time" is written."""

_DAY = (
    r"(?:[12]\d{3}[-/](?:(?:0[13578]|1[02])[-/](?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)[-/](?:0[1-9]|[12]\d|30)"
    r"|02[-/](?:0[1-9]|1\d|2[0-8]))|(?:[12]\d(?:0[48]|[2468][048]|[13579][26])|(?:1[26]|2[048])00)[-/]02[-/]29)"
)
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"
_ZONE = r"(?:[Zz]|[+-](?:0\d|1[0-4]):?[0-5]\d)?"
TIME = rf"^(?:|0001-01-01T00:00:00Z|{_DAY}(?:[Tt ]{_CLOCK}{_ZONE})?|[1-9]\d{{9}}|[1-9]\d{{12}})$".replace(
    r"\d", "[0-9]"
)
"""RFC 3339 and its looser cousins in the years 1000 to 2999 (no zone is UTC), whole seconds or milliseconds since 1970;
empty, or the first moment of year 1, is no time."""

_UNITS = {"ns": 1e-3, "us": 1, "µs": 1, "μs": 1, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_STEP = r"(?:[0-9]{1,6}(?:\.[0-9]{0,9})?)(?:ns|us|µs|μs|ms|s|m|h)"
DURATION = rf"^(?:|0|(?:{_STEP}){{1,6}})$"
"""A duration as Go writes it: 10m, 1h30m, 1.5s; empty or 0 is none."""
_ONE = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|µs|μs|ms|s|m|h)")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999_999
"""Microseconds of the last moment of the year 9999, which calendars in most languages end with."""
FIRST = -62_135_596_800_000_000
"""... and of the first moment of year 1, which stands for no time."""


def read_time(text: str | None) -> int | None:
    """Microseconds since 1970, UTC, of what ``TIME`` matches; None for no time."""
    if not text or text == NONE:
        return None
    return to_time(text.replace("t", "T").replace("z", "Z").replace("/", "-"))


def write_time(micros: int | None) -> str:
    """RFC 3339 in UTC. Times no calendar holds are those at its ends."""
    if micros is None:
        return NONE
    moment = _EPOCH + timedelta(microseconds=min(max(micros, FIRST), _LAST))
    return moment.isoformat().replace("+00:00", "Z")


def read_duration(text: str | None) -> int:
    """Microseconds of what ``DURATION`` matches."""
    return round(sum(float(number) * _UNITS[unit] for number, unit in _ONE.findall(text or "")))
