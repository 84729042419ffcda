"""What was changed, so that whoever keeps lists or vectors notices: ``SqlStore.changes``.

    token = changes.token()          cheap: microseconds where nothing happened
    mark = changes.mark()
    ...
    if changes.stale(token):
        token, found = changes.token(), changes.since(mark)
        mark = found.mark

Take the token before the mark: then nothing falls between the two. Events name their people by ``seq``; everything
else leaves a row in the table ``changes``, written in the same transaction as what it tells of. Kinds:

    item        key: a new item, or one whose texts changed
    hidden      key: an item that was hidden, shown again or deleted
    profile     key: a person who said something of the profile, or whose attributes or links changed
    user        key: a person erased, deleted, or whose stored events changed
    bundle      another bundle is served
    experiment  key: an experiment that was made, changed or ended

A key of null stands for all of that kind: what a bulk import writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

NOTED = 1000
"""Keys of one kind that one transaction notes singly; above it one row says all."""

FOLLOWED = 200_000
"""Events between two marks whose people are named singly."""

ITEM, HIDDEN, PROFILE, USER, BUNDLE, EXPERIMENT = "item", "hidden", "profile", "user", "bundle", "experiment"

Token = int | tuple[int, int]


@dataclass(frozen=True)
class Mark:
    """How far a reader has seen: the newest ``seq`` of events and of changes."""

    events: int
    changes: int


@dataclass(frozen=True)
class Changes:
    """``users`` are all people whose lists may be another now; ``rewritten`` those among them whose stored events or
    row changed, so that nothing kept of them holds. ``all`` holds kinds of which everything may have changed
    ("user" for people)."""

    mark: Mark
    users: frozenset[str] = frozenset()
    rewritten: frozenset[str] = frozenset()
    items: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    bundle: bool = False
    experiment: bool = False
    all: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.users or self.items or self.hidden or self.bundle or self.experiment or self.all)


class Watch:
    """Reads on a connection of its own, from any thread. ``guarded`` turns the driver's errors into ours."""

    def __init__(self, engine: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._guarded = guarded
        self._lock = threading.Lock()
        self._own: Any = None
        self._sqlite = engine.dialect.name == "sqlite"
        # A database in memory belongs to one connection, which must be the pool's.
        self._shared = self._sqlite and engine.url.database in (None, "", ":memory:")
        self._sign = "?" if self._sqlite else "%s"

    @property
    def instant(self) -> bool:
        """Whether ``token`` takes microseconds and waits for nobody."""
        return self._sqlite

    def token(self) -> Token:
        """Differs from an earlier one where somebody else's transaction landed in between."""
        if self._sqlite and not self._shared:
            return int(self._rows("PRAGMA data_version")[0][0])
        row = self._rows("SELECT (SELECT max(seq) FROM events), (SELECT max(seq) FROM changes)")[0]
        return row[0] or 0, row[1] or 0

    def stale(self, token: Token) -> bool:
        """Whether something may have changed since ``token``; ``since`` tells what, which may be nothing."""
        return self.token() != token

    def mark(self) -> Mark:
        row = self._rows("SELECT (SELECT max(seq) FROM events), (SELECT max(seq) FROM changes)")[0]
        return Mark(row[0] or 0, row[1] or 0)

    def since(self, mark: Mark) -> Changes:
        """What changed after ``mark``."""
        now = self.mark()
        # Numbers of deleted rows are never given again, so a mark does not fall.
        now = Mark(max(now.events, mark.events), max(now.changes, mark.changes))
        if now == mark:
            return Changes(mark)
        sign = self._sign
        keys: dict[str, set[str]] = {kind: set() for kind in (ITEM, HIDDEN, PROFILE, USER, BUNDLE, EXPERIMENT)}
        all_of = set()
        if now.changes > mark.changes:
            query = f"SELECT DISTINCT kind, key FROM changes WHERE seq > {sign} AND seq <= {sign}"
            for kind, key in self._rows(query, (mark.changes, now.changes)):
                if key is None and kind not in (BUNDLE, EXPERIMENT):
                    all_of.add(USER if kind == PROFILE else kind)
                else:
                    keys.setdefault(kind, set()).add(key)
        seen: set[str] = set()
        if now.events - mark.events > FOLLOWED:
            all_of.add(USER)
        elif now.events > mark.events:
            query = f"SELECT DISTINCT user_id FROM events WHERE seq > {sign} AND seq <= {sign}"
            seen = {row[0] for row in self._rows(query, (mark.events, now.events))}
        return Changes(
            now,
            frozenset(seen | keys[PROFILE] | keys[USER]),
            frozenset(keys[USER]),
            frozenset(keys[ITEM]),
            frozenset(keys[HIDDEN]),
            bool(keys[BUNDLE]),
            bool(keys[EXPERIMENT]),
            frozenset(all_of),
        )

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, self._guarded():
            if self._shared:
                pooled = self._engine.raw_connection()
                try:
                    cursor = pooled.cursor()
                    cursor.execute(query, values)
                    return list(cursor.fetchall())
                finally:
                    pooled.close()
            if self._own is not None:
                try:
                    return list(self._own.execute(query, values).fetchall())
                except self._engine.dialect.loaded_dbapi.Error:
                    # The server may have gone and come back: ask once more on a new connection.
                    self._drop()
            self._open()
            return list(self._own.execute(query, values).fetchall())

    def _open(self) -> None:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        own: Any = self._engine.dialect.connect(*arguments, **options)
        if self._sqlite:
            own.isolation_level = None
        else:
            own.autocommit = True
        self._own = own

    def _drop(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None


class Notes:
    """Changes of one transaction, gathered and written at its end."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str | None, None]] = {}

    def add(self, kind: str, keys: Iterable[str | None]) -> None:
        """``keys`` of ``kind`` changed; None stands for all."""
        given = self._keys.get(kind, {}) | dict.fromkeys(keys)
        if given:
            self._keys[kind] = {None: None} if len(given) > NOTED or None in given else given

    def copy(self) -> Notes:
        other = Notes()
        other._keys = {kind: dict(keys) for kind, keys in self._keys.items()}
        return other

    def write(self, connection: Connection) -> None:
        now = time.time_ns() // 1000
        rows = [(kind, key, now) for kind, keys in self._keys.items() for key in keys]
        self._keys = {}
        if rows:
            sign = "?" if connection.dialect.name == "sqlite" else "%s"
            query = f"INSERT INTO changes (kind, key, time) VALUES ({sign}, {sign}, {sign})"
            connection.connection.cursor().executemany(query, rows)


def note(connection: Connection, kind: str, *keys: str) -> None:
    """Write down at once that ``keys`` of ``kind`` changed; without keys, that it did."""
    notes = Notes()
    notes.add(kind, keys or (None,))
    notes.write(connection)
