"""Experiments, and leases that let one of several processes do a piece of work: ``SqlStore.experiments`` and
``SqlStore.leases``. The functions write for ``Writer`` within a transaction that does more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from zhiyin.store.changes import EXPERIMENT, note
from zhiyin.store.part import Part
from zhiyin.store.schema import experiments, leases


@dataclass(frozen=True)
class KeptExperiment:
    """``described`` is what an experiment is, a JSON object; times in microseconds UTC."""

    name: str
    described: dict[str, Any]
    state: str
    created: int
    changed: int


class Experiments(Part):
    def set_state(self, name: str, state: str, now: int) -> bool:
        """False where there is no such experiment."""
        with self._guarded(), self._writer.begin() as connection:
            return set_experiment_state(connection, name, state, now)

    def get(self, name: str) -> KeptExperiment | None:
        rows = self._rows(select(*_COLUMNS).where(experiments.c.name == name))
        return _experiment(rows[0]) if rows else None

    def all(self) -> list[KeptExperiment]:
        """Oldest first."""
        query = select(*_COLUMNS).order_by(experiments.c.created, experiments.c.name)
        return [_experiment(row) for row in self._rows(query)]

    def drop(self, name: str) -> bool:
        with self._guarded(), self._writer.begin() as connection:
            found = connection.execute(delete(experiments).where(experiments.c.name == name)).rowcount
            if found:
                note(connection, EXPERIMENT, name)
            return found > 0


def put_experiment(connection: Connection, name: str, described: dict[str, Any], state: str, now: int) -> None:
    """Keep or replace."""
    row = {"described": json.dumps(described, ensure_ascii=False), "state": state, "changed": now}
    if not connection.execute(update(experiments).where(experiments.c.name == name).values(row)).rowcount:
        connection.execute(insert(experiments), [row | {"name": name, "created": now}])
    note(connection, EXPERIMENT, name)


def set_experiment_state(connection: Connection, name: str, state: str, now: int) -> bool:
    """False where there is no such experiment."""
    values = {"state": state, "changed": now}
    found = connection.execute(update(experiments).where(experiments.c.name == name).values(values)).rowcount
    if found:
        note(connection, EXPERIMENT, name)
    return found > 0


class Leases(Part):
    """Times in microseconds UTC by the clock of whoever asks; holders are names that no two processes share.

    A lease that seems to start in the future was written before the clock stepped back: it is counted anew from now,
    so that it is held no longer than it was given for, and a holder who lives renews it meanwhile.
    """

    def acquire(self, name: str, holder: str, seconds: float, now: int) -> bool:
        """Take the lease, or renew it; False while somebody else holds it."""
        until = now + round(seconds * 1e6)
        mine = {"holder": holder, "since": now, "until": until}
        with self._guarded(), self._writer.begin() as connection:
            this = leases.c.name == name
            row = connection.execute(select(leases.c.holder, leases.c.since, leases.c.until).where(this)).first()
            if row is None:
                connection.execute(insert(leases), [mine | {"name": name}])
                return True
            if row[0] == holder or row[1] <= now >= row[2]:
                connection.execute(update(leases).where(this).values(mine))
                return True
            if row[1] > now:
                connection.execute(update(leases).where(this).values(since=now, until=now + row[2] - row[1]))
            return False

    def renew(self, name: str, holder: str, seconds: float, now: int) -> bool:
        """Hold on to it; False where ``holder`` lost it to another, or it was released."""
        values = {"since": now, "until": now + round(seconds * 1e6)}
        with self._guarded(), self._writer.begin() as connection:
            mine = (leases.c.name == name, leases.c.holder == holder)
            return connection.execute(update(leases).where(*mine).values(values)).rowcount > 0

    def release(self, name: str, holder: str) -> None:
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def held(self, name: str, now: int) -> bool:
        """Whether somebody holds it."""
        return bool(self._rows(select(leases.c.name).where(leases.c.name == name, leases.c.until > now)))

    def holder(self, name: str) -> str | None:
        """Who took it last and did not release it; the lease may have run out."""
        rows = self._rows(select(leases.c.holder).where(leases.c.name == name))
        return str(rows[0][0]) if rows else None


_COLUMNS = [experiments.c[name] for name in KeptExperiment.__dataclass_fields__]


def _experiment(row: Any) -> KeptExperiment:
    return KeptExperiment(row[0], json.loads(row[1]), row[2], int(row[3]), int(row[4]))
