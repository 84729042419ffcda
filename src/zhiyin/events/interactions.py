"""Events out of rows: the exact rule for one row, and a vectorised path for plain batches that agrees with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from zhiyin.events.cells import LONGEST_ID, BadCell, storable, to_id, to_number, to_text, to_time
from zhiyin.events.columns import is_rating
from zhiyin.events.delimited import Batch
from zhiyin.events.rejects import Rejects

FIELDS = {
    "event_id": pl.String,
    "user_id": pl.String,
    "item_id": pl.String,
    "event_type": pl.String,
    "value": pl.Float64,
    "time": pl.Int64,
}
"""What the store takes. Times are microseconds UTC."""
SCHEMA = FIELDS | {"line": pl.Int64, "end": pl.Int64}

# Python's white space is Unicode's and these four controls.
_EDGE = r"^[\s\x1c-\x1f]|[\s\x1c-\x1f]$"
_SECONDS_TO_MICROS = r"^[1-9][0-9]{8,15}$"
_ISO = r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|\+00:00)?$"
_SHORT_NUMBER = r"^-?[0-9]{1,12}(\.[0-9]{1,10})?$"


@dataclass(frozen=True)
class EventRule:
    """How rows of one file become events: ``roles`` (role -> column), the type of events without one, and the times
    that are believed (microseconds, both inclusive)."""

    roles: Mapping[str, str]
    default_type: str
    earliest: int
    latest: int

    @property
    def untyped(self) -> str:
        """Type of an event in whose row no type stands."""
        if "type" not in self.roles and "value" in self.roles and is_rating(self.roles["value"]):
            return "rating"
        return self.default_type

    def event(self, cells: Mapping[str, Any]) -> tuple[Any, ...]:
        """The fields of ``FIELDS`` from cells by role. Raises BadCell."""
        user = to_id(cells.get("user"), "missing user id")
        item = to_id(cells.get("item"), "missing item id")
        time = to_time(cells.get("time"))
        if time is not None and time > self.latest:
            raise BadCell("future timestamp", to_text(cells.get("time")) or "")
        if time is not None and time < self.earliest:
            raise BadCell("too old timestamp", to_text(cells.get("time")) or "")
        value = to_number(cells.get("value"))
        return self._own_id(cells.get("event_id")), user, item, self.type_of(cells.get("type")), value, time

    def type_of(self, cell: Any) -> str:
        return storable((to_text(cell) or "").strip()) or self.untyped

    @staticmethod
    def _own_id(cell: Any) -> str | None:
        return to_id(cell, "") if (to_text(cell) or "").strip() else None


def from_batch(rule: EventRule, batch: Batch, rejects: Rejects, fast: bool = True) -> pl.DataFrame:
    """A batch of text cells. Plain rows are converted together, all others by ``rule.event``."""
    roles = {role: batch.frame[column] for role, column in rule.roles.items()}
    cells = pl.DataFrame([column.alias(role) for role, column in roles.items()]).with_columns(
        batch.lines.alias("line"), batch.ends.alias("end")
    )
    if not fast or not {"user", "item"} <= roles.keys():
        return _exactly(rule, cells, rejects)
    plain = _convert(rule, cells)
    fine = plain["plain"]
    result = plain.filter(fine).select(*SCHEMA)
    if fine.all():
        return result
    return pl.concat([result, _exactly(rule, cells.filter(~fine), rejects)]).sort("line", maintain_order=True)


def _exactly(rule: EventRule, cells: pl.DataFrame, rejects: Rejects) -> pl.DataFrame:
    taken = []
    for row in cells.iter_rows(named=True):
        try:
            taken.append((*rule.event(row), row["line"], row["end"]))
        except BadCell as bad:
            rejects.add(row["line"], row["end"], bad.reason, bad.detail)
    return pl.DataFrame(taken, schema=SCHEMA, orient="row")


def _convert(rule: EventRule, cells: pl.DataFrame) -> pl.DataFrame:
    """The columns of ``SCHEMA`` and ``plain``: whether the row's conversion is sure to be that of ``rule.event``."""
    have = cells.columns
    frame = cells.with_columns(_types(rule, cells).alias("_type")).with_columns(
        _number("value") if "value" in have else pl.lit(None, pl.Float64).alias("_value"),
        _time("time") if "time" in have else pl.lit(None, pl.Int64).alias("_time"),
    )
    plain = _plain_id("user") & _plain_id("item") & pl.col("_type").is_not_null()
    if "event_id" in have:
        plain &= _plain_id("event_id")
    if "value" in have:
        plain &= pl.col("_value").is_not_null() | _empty("value")
    if "time" in have:
        plain &= pl.col("_time").is_between(rule.earliest, rule.latest).fill_null(False) | _empty("time")
    return frame.select(
        (pl.col("event_id") if "event_id" in have else pl.lit(None, pl.String)).alias("event_id"),
        pl.col("user").alias("user_id"),
        pl.col("item").alias("item_id"),
        pl.col("_type").alias("event_type"),
        pl.col("_value").alias("value"),
        pl.col("_time").alias("time"),
        "line",
        "end",
        plain.fill_null(False).alias("plain"),
    )


def _types(rule: EventRule, cells: pl.DataFrame) -> pl.Series:
    """The few distinct types go through the exact rule; null where it refuses."""
    if "type" not in cells.columns:
        return pl.Series([rule.untyped], dtype=pl.String).new_from_index(0, len(cells))
    given = cells["type"]
    known: dict[str | None, str | None] = {}
    for cell in given.unique():
        try:
            known[cell] = rule.type_of(cell)
        except BadCell:
            known[cell] = None
    old, new = list(known), list(known.values())
    return given.replace_strict(old, new, return_dtype=pl.String)


def _empty(role: str) -> pl.Expr:
    return pl.col(role).fill_null("") == ""


def _plain_id(role: str) -> pl.Expr:
    column = pl.col(role)
    length = column.str.len_chars()
    return length.is_between(1, LONGEST_ID) & ~column.str.contains(_EDGE) & ~column.str.contains("\x00", literal=True)


def _number(role: str) -> pl.Expr:
    column = pl.col(role)
    short = pl.when(column.str.contains(_SHORT_NUMBER)).then(column)
    number = short.cast(pl.Float64, strict=False)
    return pl.when(number == 0).then(0.0).otherwise(number).alias(f"_{role}")  # -0.0 and 0.0 are one number


def _time(role: str) -> pl.Expr:
    column = pl.col(role)
    count = pl.when(column.str.contains(_SECONDS_TO_MICROS)).then(column).cast(pl.Int64, strict=False)
    micros = pl.when(count < 10**11).then(count * 1_000_000).when(count < 10**14).then(count * 1000).otherwise(count)
    moment = pl.when(column.str.contains(_ISO)).then(column.str.head(19).str.replace("T", " ", literal=True))
    fraction = column.str.slice(19).str.extract(r"^\.([0-9]{1,6})").str.pad_end(6, "0").cast(pl.Int64, strict=False)
    iso = moment.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us").cast(pl.Int64)
    return pl.coalesce(micros, iso + fraction.fill_null(0)).alias(f"_{role}")
