"""What was read in items, and the topics of the catalogue: ``SqlStore.features``.

    features(reader, keys) -> {key: features}    JSON by content key; keys without any are absent
    put_features(reader, {key: features})        kept or replaced
    topics() -> [(id, name, described, merged)]  in order of id; described is JSON, merged an id or None
    put_topics(rows)                             kept or replaced; ids that are not among ``rows`` stay

A reader's name holds all that decides its answers but for the item: tier, model, version of its prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Engine, delete, insert, select

from zhiyin.store.dialect import IN_LIST
from zhiyin.store.schema import item_features, topics

TopicRow = tuple[str, str, str, str | None]


class Features:
    """``guarded`` turns the driver's errors into ours; ``writer`` opens transactions that take their place in line."""

    def __init__(self, engine: Engine, writer: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._writer = writer
        self._guarded = guarded

    def features(self, reader: str, keys: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        wanted = list(dict.fromkeys(keys))
        table = item_features.c
        with self._guarded(), self._engine.connect() as connection:
            for start in range(0, len(wanted), IN_LIST):
                part = table.text_hash.in_(wanted[start : start + IN_LIST])
                query = select(table.text_hash, table.features).where(table.reader == reader, part)
                found |= {row[0]: row[1] for row in connection.execute(query)}
        return found

    def put_features(self, reader: str, given: dict[str, str]) -> None:
        rows = [{"reader": reader, "text_hash": key, "features": told} for key, told in given.items()]
        keys = list(given)
        with self._guarded(), self._writer.begin() as connection:
            for start in range(0, len(keys), IN_LIST):
                part = item_features.c.text_hash.in_(keys[start : start + IN_LIST])
                connection.execute(delete(item_features).where(item_features.c.reader == reader, part))
            if rows:
                connection.execute(insert(item_features), rows)

    def topics(self) -> list[TopicRow]:
        table = topics.c
        query = select(table.topic_id, table.name, table.described, table.merged_into).order_by(table.topic_id)
        with self._guarded(), self._engine.connect() as connection:
            return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]

    def put_topics(self, rows: Sequence[TopicRow]) -> None:
        names = ("topic_id", "name", "described", "merged_into")
        ids = [row[0] for row in rows]
        with self._guarded(), self._writer.begin() as connection:
            for start in range(0, len(ids), IN_LIST):
                connection.execute(delete(topics).where(topics.c.topic_id.in_(ids[start : start + IN_LIST])))
            if rows:
                connection.execute(insert(topics), [dict(zip(names, row, strict=True)) for row in rows])
