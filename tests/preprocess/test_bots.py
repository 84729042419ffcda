"""Who counts as a machine: sustained speed, not a shared time stamp."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.bots import bots
from zhiyin.preprocess.clean import clean

SECOND = 1_000_000
DAY = 86_400 * SECOND
DATA = Path(__file__).parents[2].parent / "shared" / "data"


def stamped(user: str, times: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "seq": pl.Series(range(len(times)), dtype=pl.Int64),
            "user_id": pl.Series([user] * len(times), dtype=pl.String),
            "item_id": [f"i{n}" for n in range(len(times))],
            "event_type": ["view"] * len(times),
            "value": pl.Series([None] * len(times), dtype=pl.Float64),
            "time": pl.Series(times, dtype=pl.Int64),
        }
    )


def at(rate_per_minute: float, count: int, resolution: int = 1, start: int = 0) -> list[int | None]:
    """``count`` stamps at a steady rate, rounded down to ``resolution`` microseconds."""
    return [start + int(n * 60 * SECOND / rate_per_minute) // resolution * resolution for n in range(count)]


MACHINES: dict[str, list[int | None]] = {
    "two a second": at(120, 1500),
    "two a second, stamped in seconds": at(120, 1500, SECOND),
    "a thousand a minute": at(1000, 1500),
    "fast for a quarter of an hour after a slow year": [*range(0, 365 * DAY, DAY), *at(90, 1200, start=400 * DAY)],
}  # fmt: skip
PEOPLE: dict[str, list[int | None]] = {
    "fast but few": at(600, 900),
    "one a second": at(55, 5000),
    "no times": [None] * 5000,
    "one stamp for all": [7] * 5000,
    "day stamps": [n // 100 * DAY for n in range(5000)],
    "pages of 30 ratings saved at once": [n // 30 * 20 * SECOND for n in range(5000)],
    "import stamped over three seconds": [n % 3 * SECOND for n in range(5000)],
    "two wild minutes in a long life": at(300, 600) + [n * DAY for n in range(1, 2000)],
}


@pytest.mark.parametrize("kind", MACHINES)
def test_machines(kind: str) -> None:
    assert bots(stamped(kind, MACHINES[kind]), PreprocessSettings()) == [kind]


@pytest.mark.parametrize("kind", PEOPLE)
def test_people(kind: str) -> None:
    assert bots(stamped(kind, PEOPLE[kind]), PreprocessSettings()) == []


def test_cleaning_drops_bots_alone_and_names_them() -> None:
    events = pl.concat([stamped("人", at(10, 50)), stamped("bot", at(500, 1000))])
    kept, report = clean(events.with_columns(seq=pl.int_range(pl.len())), PreprocessSettings())
    assert report.bots == ["bot"]
    assert report.dropped["events of bots"] == 1000
    assert kept["user_id"].unique().to_list() == ["人"]


@pytest.mark.parametrize("most", [1000, 20])
@pytest.mark.parametrize(
    ("path", "user", "time"),
    [("ml_latest_small/ratings.csv", "userId", "timestamp"), ("amazon_beauty/events.csv.gz", "user_id", "timestamp")],
)
def test_nobody_in_public_data_is_a_bot(path: str, user: str, time: str, most: int) -> None:
    file = DATA / path
    if not file.is_file():
        pytest.skip(f"{path} is not beside the repository")
    events = pl.read_csv(file).select(user_id=pl.col(user).cast(pl.String), time=pl.col(time) * SECOND)
    assert bots(events, PreprocessSettings(bot_minimum_events=most)) == []


def test_input_order_does_not_matter() -> None:
    events = pl.concat([stamped(kind, times) for kind, times in MACHINES.items()])
    shuffled = events[np.random.default_rng(0).permutation(len(events)).tolist()]
    assert bots(shuffled, PreprocessSettings()) == bots(events, PreprocessSettings()) == sorted(MACHINES)
