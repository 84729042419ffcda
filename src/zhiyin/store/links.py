"""Links between people: ``SqlStore.links`` and ``Writer.put_links``.

A link leads from ``user_id`` to ``other_id``; a friendship is two of them or one, as it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from zhiyin.ports import Written
from zhiyin.store.dialect import IN_LIST, replace_rows
from zhiyin.store.schema import links

if TYPE_CHECKING:
    import polars as pl

BATCH = 50_000

COLUMNS = ("user_id", "other_id", "weight", "time")
Row = tuple[str, str, float, int | None]


def put_links(connection: Connection, frame: pl.DataFrame) -> Written:
    """Columns ``user_id``, ``other_id``, ``weight`` f64|null (none or NaN: 1), ``time`` i64|null; both people must be
    stored already.

    A known pair is replaced where it differs; of equal pairs in ``frame`` the last counts.
    """
    import polars as pl

    plain = frame.select(
        "user_id",
        "other_id",
        pl.col("weight").cast(pl.Float64).fill_nan(None).fill_null(1.0),
        pl.col("time").cast(pl.Int64),
    )
    new = changed = same = 0
    rows: Iterator[Row] = plain.iter_rows()
    while batch := list(islice(rows, BATCH)):
        known = _known(connection, {row[0] for row in batch})
        writing: dict[tuple[str, str], Row] = {}
        for row in batch:
            pair, rest = row[:2], row[2:]
            if pair not in known:
                new += 1
            elif known[pair] != rest:
                changed += 1
            else:
                same += 1
                continue
            known[pair] = rest
            writing[pair] = row
        replace_rows(connection, links, COLUMNS, writing.values(), ["user_id", "other_id"])
    return Written(new, changed, same)


def _known(connection: Connection, people: Iterable[str]) -> dict[tuple[str, str], tuple[float, int | None]]:
    """Weight and time of every link that leads from one of ``people``."""
    known: dict[tuple[str, str], tuple[float, int | None]] = {}
    keys = sorted(people)
    for start in range(0, len(keys), IN_LIST):
        query = select(*(links.c[name] for name in COLUMNS)).where(links.c.user_id.in_(keys[start : start + IN_LIST]))
        known |= {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
    return known
