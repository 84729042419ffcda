"""Who belongs to which circle: ``SqlStore.circles``. What a circle is called is a document (``store.records``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from zhiyin.store.dialect import insert_rows
from zhiyin.store.part import Part
from zhiyin.store.schema import circle_members


@dataclass(frozen=True)
class Member:
    """``weight`` says how much ``user_id`` belongs to the circle, above 0."""

    circle_id: str
    user_id: str
    weight: float = 1.0


class Circles(Part):
    def of_user(self, user_id: str) -> list[Member]:
        """The strongest first."""
        query = select(*_COLUMNS).where(circle_members.c.user_id == user_id)
        found = self._rows(query.order_by(circle_members.c.weight.desc(), circle_members.c.circle_id))
        return [Member(*row) for row in found]

    def members(self, circle_id: str, limit: int | None = None) -> list[Member]:
        """The strongest first."""
        query = select(*_COLUMNS).where(circle_members.c.circle_id == circle_id).limit(limit)
        found = self._rows(query.order_by(circle_members.c.weight.desc(), circle_members.c.user_id))
        return [Member(*row) for row in found]

    def all(self) -> list[Member]:
        """In order of circle, then person."""
        query = select(*_COLUMNS).order_by(circle_members.c.circle_id, circle_members.c.user_id)
        return [Member(*row) for row in self._rows(query)]

    def sizes(self) -> dict[str, int]:
        """Members by circle, in order of id."""
        query = select(circle_members.c.circle_id, func.count()).group_by(circle_members.c.circle_id)
        return {row[0]: int(row[1]) for row in self._rows(query.order_by(circle_members.c.circle_id))}


def replace_members(connection: Connection, members: Iterable[Member]) -> int:
    """Members of all circles anew; no pair may come twice. How many."""

    def rows() -> Iterator[tuple[str, str, float]]:
        for one in members:
            yield one.circle_id, one.user_id, one.weight

    connection.execute(delete(circle_members))
    return insert_rows(connection, circle_members, ["circle_id", "user_id", "weight"], rows())


_COLUMNS = [circle_members.c[name] for name in Member.__dataclass_fields__]
