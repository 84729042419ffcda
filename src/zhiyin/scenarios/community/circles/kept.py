"""Circles as they are kept: members in a table of their own, what a circle is as a document that names nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhiyin.errors import NotThere
from zhiyin.store.circles import Member
from zhiyin.store.records import Record
from zhiyin.store.sql import SqlStore

KIND, RUNS, LAST = "circle", "circles_run", "last"
HERE, GONE = "here", "gone"


@dataclass(frozen=True)
class Circle:
    """``version`` counts the runs that changed it; ``time`` of the last of them, in microseconds UTC. ``body``: see
    docs/community.md."""

    id: str
    version: int
    state: str
    time: int
    body: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"id": self.id, "version": self.version, "state": self.state, "time": self.time, **self.body}


def keep(
    store: SqlStore,
    members: Iterable[Member],
    bodies: Mapping[str, dict[str, Any]],
    gone: Sequence[str],
    run: dict[str, Any],
) -> None:
    """Members of all circles anew, in one transaction with what is said of them. A circle that did not change gets no
    new version; whoever was erased while circles were found is in none."""
    known = kept_circles(store)
    with store.writing() as writer:
        for key, body in bodies.items():
            if key not in known or known[key].body != body:
                writer.put_record(KIND, key, HERE, body)
            elif known[key].state != HERE:
                writer.set_record_state(KIND, key, HERE)
        for key in gone:
            writer.set_record_state(KIND, key, GONE)
        writer.put_record(RUNS, LAST, "done", run)
        writer.replace_circle_members(members)


def kept_circles(store: SqlStore) -> dict[str, Record]:
    """Every circle there ever was, by id."""
    return {record.key: record for record in store.records.every(KIND)}


def former_members(store: SqlStore) -> dict[str, dict[str, float]]:
    """Weights of members by circle."""
    found: dict[str, dict[str, float]] = {}
    for one in store.circles.all():
        found.setdefault(one.circle_id, {})[one.user_id] = one.weight
    return found


def circles(store: SqlStore) -> list[Circle]:
    """Those that are there now, the largest first."""
    found = [_circle(record) for record in store.records.every(KIND) if record.state == HERE]
    return sorted(found, key=lambda one: (-int(one.body["size"]), len(one.id), one.id))


def circle(store: SqlStore, circle_id: str) -> Circle:
    """Also one that is gone. Raises NotThere."""
    record = store.records.latest(KIND, circle_id)
    if record is None:
        raise NotThere(f"no circle '{circle_id}'", where="circle_id", fix="see 'zhiyin circles list'")
    return _circle(record)


def circles_of(store: SqlStore, user_id: str) -> list[tuple[Circle, float]]:
    """The circles that ``user_id`` belongs to with the weight of each, the strongest first; empty for somebody who is
    in none."""
    return [(circle(store, one.circle_id), one.weight) for one in store.circles.of_user(user_id)]


def last_run(store: SqlStore) -> dict[str, Any] | None:
    """What the last run found; None before the first."""
    record = store.records.latest(RUNS, LAST)
    return None if record is None else {**record.body, "time": record.time}


def _circle(record: Record) -> Circle:
    return Circle(record.key, record.version, record.state, record.time, record.body)
