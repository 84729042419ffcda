"""Items in other orders than that of their ids, straight from the table: what was stored counts at once, and what was
hidden is out at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from zhiyin.store.dialect import IN_LIST
from zhiyin.store.rows import ItemRow
from zhiyin.store.schema import items

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore


def latest_items(
    store: SqlStore, n: int, *, skip: int = 0, categories: Sequence[str] = (), without: Collection[str] = ()
) -> list[tuple[str, int | None]]:
    """Ids and times (microseconds) of the ``n`` newest items that are not hidden, after the first ``skip``; items of
    which no time is known come last. Only those of all ``categories``, and none of ``without``."""
    query = (
        select(items.c.item_id, items.c.categories, items.c.time)
        .where(~items.c.hidden)
        .order_by(items.c.time.desc().nulls_last(), items.c.item_id)
    )
    found: list[tuple[str, int | None]] = []
    wanted = set(categories)
    with store._guarded(), store._engine.connect() as connection:
        for item_id, told, time in connection.execution_options(yield_per=1000).execute(query):
            if len(found) >= n + skip:
                break
            if item_id not in without and (not wanted or wanted <= set(json.loads(told))):
                found.append((item_id, time))
    return found[skip:]


def shown_among(store: SqlStore, item_ids: Sequence[str], categories: Sequence[str] = ()) -> set[str]:
    """Those of ``item_ids`` that are there, not hidden, and of all ``categories``."""
    wanted = set(categories)
    found = set()
    with store._guarded(), store._engine.connect() as connection:
        for start in range(0, len(item_ids), IN_LIST):
            some = items.c.item_id.in_(item_ids[start : start + IN_LIST])
            query = select(items.c.item_id, items.c.categories).where(~items.c.hidden, some)
            for item_id, told in connection.execute(query):
                if not wanted or wanted <= set(json.loads(told)):
                    found.add(item_id)
    return found


def items_with_words(store: SqlStore, words: str, after: str | None, limit: int) -> list[ItemRow]:
    """A page in order of id, as ``Rows.items``, of items whose id, title or description holds ``words`` as they stand;
    the case of Latin letters does not matter."""
    low = words.lower()
    columns = (items.c.item_id, items.c.title, items.c.description)
    query = select(*(items.c[name] for name in ItemRow._fields)).order_by(items.c.item_id).limit(limit)
    query = query.where(or_(*(func.lower(column).contains(low, autoescape=True) for column in columns)))
    if after is not None:
        query = query.where(items.c.item_id > after)
    with store._guarded(), store._engine.connect() as connection:
        rows = connection.execute(query).all()
    return [ItemRow(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], bool(row[6])) for row in rows]
