"""Tables of the page as rows of words, ready to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zhiyin.report.plots import Point

NOTHING = "–"
FEW = 30
"""Means over fewer people than this are marked."""


@dataclass(frozen=True)
class Cell:
    """A figure, its interval below it (or ""), whether it is the served model's, and how long its bar is, in % of the
    longest (None: no bar)."""

    text: str
    below: str = ""
    served: bool = False
    bar: int | None = None


@dataclass(frozen=True)
class Row:
    name: str
    served: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Column:
    """A heading, the line below it, whether it is the served model, and whether its figures rest on few people."""

    name: str
    below: str = ""
    served: bool = False
    few: bool = False


@dataclass(frozen=True)
class Table:
    columns: list[Column]
    rows: list[Row]


def ranked(evaluation: Mapping[str, Any], measure: str) -> list[tuple[str, dict[str, Any]]]:
    """Models with their figures, the highest ``measure`` first; those without one last."""
    models = evaluation["models"].items()
    return sorted(models, key=lambda pair: -1.0 if pair[1][measure] is None else pair[1][measure], reverse=True)


def points(evaluation: Mapping[str, Any], measure: str, other: str | None = None) -> list[Point]:
    """The models that have ``measure`` (and ``other``), as points of a figure."""
    made = []
    for name, figures in evaluation["models"].items():
        across = 0.0 if other is None else figures[other]
        if figures[measure] is not None and across is not None:
            low, high = figures["intervals"].get(measure, (None, None))
            made.append(Point(name, figures[measure], low, high, name == evaluation["served"], across))
    return made


def measures_table(evaluation: Mapping[str, Any], order: str) -> Table:
    """Every measure, a row each, of every model with its interval."""
    models = ranked(evaluation, order)
    names = [name for name in models[0][1] if "@" in name] if models else []
    columns = [Column(name, served=name == evaluation["served"]) for name, _ in models]
    rows = [
        Row(
            measure,
            False,
            [
                Cell(figure(figures[measure]), bounds(figures["intervals"].get(measure)), column.served)
                for column, (_, figures) in zip(columns, models, strict=True)
            ],
        )
        for measure in names
    ]
    return Table(columns, rows)


def slices_table(evaluation: Mapping[str, Any], kind: str, measure: str, order: str) -> Table:
    """``measure`` by band of ``kind`` ("user_history" or "target_count"); bands without anybody are left out."""
    models = ranked(evaluation, order)
    if not models:
        return Table([], [])
    bands = {band: row["users"] for band, row in models[0][1]["slices"][kind].items() if row["users"]}
    values = [[figures["slices"][kind][band][measure] for band in bands] for _, figures in models]
    top = max((value for row in values for value in row if value is not None), default=0.0)
    rows = []
    for (name, _), row in zip(models, values, strict=True):
        served = name == evaluation["served"]
        rows.append(Row(name, served, [Cell(figure(value), served=served, bar=_bar(value, top)) for value in row]))
    columns = [Column(f"{_dash(band)} events", people(users), few=users < FEW) for band, users in bands.items()]
    return Table(columns, rows)


def reliability_table(bins: Sequence[Mapping[str, Any]]) -> Table:
    """Chance told, share seen with its interval, and items, a row for each bin."""
    columns = [Column("told"), Column("seen"), Column("items shown")]
    rows = [
        Row(
            str(place),
            False,
            [
                Cell(share(one["told"])),
                Cell(share(one["seen"]), f"{share(one['low'])}–{share(one['high'])}"),
                Cell(count(one["count"])),
            ],
        )
        for place, one in enumerate(bins, 1)
    ]
    return Table(columns, rows)


def cleaning_rows(cleaning: Mapping[str, Any]) -> list[tuple[str, str]]:
    """From events to interactions, line by line; reasons that took nothing are left out."""
    rows = [("events read", count(cleaning["rows_in"]))]
    rows += [(reason, f"−{lost:,}") for reason, lost in cleaning["dropped"].items() if lost]
    return [*rows, ("interactions kept", count(cleaning["rows_out"]))]


def search_rows(search: Mapping[str, Any], measure: str) -> list[tuple[str, str, str, str, str]]:
    """Model, its parameters, validation score, trials, nominal seconds; what has no parameters of its own is left
    out."""
    return [
        (
            name,
            ", ".join(f"{key} {setting(value)}" for key, value in one["params"].items()),
            figure(one.get(measure)),
            count(one["trials"]),
            f"{one['nominal_seconds']:.0f} s",
        )
        for name, one in search.items()
        if "params" in one
    ]


def figure(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def share(value: float) -> str:
    """Two digits that count, for shares that may be small: 0.031 %."""
    return f"{float(f'{value * 100:.2g}'):g} %"


def bounds(interval: Sequence[float | None] | None) -> str:
    if interval is None or interval[0] is None or interval[1] is None:
        return ""
    return f"{interval[0]:.4f}–{interval[1]:.4f}"


def count(value: int) -> str:
    return f"{value:,}"


def people(value: int) -> str:
    return "1 person" if value == 1 else f"{value:,} people"


def items_were(number: int, what: str) -> str:
    """A sentence on ``number`` items; "" for none."""
    if not number:
        return ""
    return f"1 item was {what}." if number == 1 else f"{number:,} items were {what}."


def setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def day(time: int) -> str:
    """The date of ``time`` (microseconds UTC), for example 21 March 1998."""
    moment = datetime.fromtimestamp(time / 1_000_000, UTC)
    return f"{moment.day} {moment:%B %Y}"


def _bar(value: float | None, top: float) -> int | None:
    return None if value is None or top <= 0 else round(100 * value / top)


def _dash(band: str) -> str:
    return band.replace("-", "–")
