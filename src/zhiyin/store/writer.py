"""One open transaction: rows go in by staging tables and set operations, so a million take seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, bindparam, func, select, update

from zhiyin.ports import Written
from zhiyin.store import appending, circles, erasing, experiments, feedback, impressions, merging, records, rows
from zhiyin.store.appending import content_id
from zhiyin.store.changes import HIDDEN, ITEM, NOTED, PROFILE, Notes
from zhiyin.store.dialect import IN_LIST, insert_new, insert_rows
from zhiyin.store.links import put_links
from zhiyin.store.schema import events, items, users

if TYPE_CHECKING:
    import polars as pl

BATCH = 50_000

Row = tuple[Any, ...]
Told = dict[str, tuple[Row | None, Row]]
"""By key: the row as it was (None for a new one) and as it is, both without the key."""


class Writer:
    """``ports.StoreWriter`` over one SQLAlchemy connection. Whoever opened the transaction writes ``notes`` at its
    end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.notes = Notes()

    @property
    def connection(self) -> Connection:
        """For whoever writes what has no method here, within the same transaction."""
        return self._connection

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the transaction: an exception undoes it and what came before stays."""
        before = self.notes.copy()
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            self.notes = before
            raise

    def put_users(self, frame: pl.DataFrame) -> Written:
        """Columns ``user_id``, ``attributes`` (JSON text, null for none). A known user's row is replaced where it
        differs."""
        import polars as pl

        return self.set_users(frame.select("user_id", pl.col("attributes").fill_null("{}")).iter_rows())

    def set_users(self, given: Iterable[tuple[str, str]]) -> Written:
        """``put_users`` of plain rows."""
        return self._put(users, ["user_id", "attributes"], iter(given), self._tell_users)

    def put_items(self, frame: pl.DataFrame) -> Written:
        """Columns of ``Store.items``; null categories, attributes and flags mean none. A known item's row is replaced
        where it differs."""
        import polars as pl

        filled = frame.select(rows.ItemRow._fields).with_columns(
            pl.col("attributes").fill_null("{}"), pl.col("hidden").fill_null(False)
        )
        return self.set_items(filled.iter_rows())

    def set_items(self, given: Iterable[Row]) -> Written:
        """``put_items`` of plain rows, each as ``ItemRow``."""
        written = ((*row[:3], json.dumps(row[3] or [], ensure_ascii=False), *row[4:]) for row in given)
        return self._put(items, rows.ItemRow._fields, written, self._tell_items)

    def put_events(self, frame: pl.DataFrame) -> Written:
        """Columns ``event_id`` str|null, ``user_id``, ``item_id``, ``event_type``, ``value``, ``time``, and
        ``impression_id`` str|null where there is one.

        An event without an id gets a hash of its content. An id that is there already changes nothing. A value of NaN
        is none. Users and items met only here get a bare row.
        """
        import polars as pl

        names = ["event_id", "user_id", "item_id", "event_type", "value", "time"]
        names += ["impression_id"] if "impression_id" in frame.columns else []
        plain = frame.select(names).with_columns(
            pl.col("value").cast(pl.Float64).fill_nan(None), pl.col("time").cast(pl.Int64)
        )
        self._bare_users(frame["user_id"].unique().sort())
        self._bare_items(frame["item_id"].unique().sort().to_list())
        given = ((row[0] or content_id(row[1:6]), *row[1:]) for row in plain.iter_rows())
        new = insert_new(self._connection, events, names, given, "event_id")
        return Written(new=new, changed=0, same=len(frame) - new)

    def add_events(self, given: Sequence[Sequence[Any]]) -> Written:
        """``put_events`` of plain rows, each the fields of ``EventRow`` in order (the last three may be left out): for
        small batches."""
        return appending.add_events(self._connection, self.notes, given)

    def put_links(self, frame: pl.DataFrame) -> Written:
        """As ``store.links.put_links``. People met only here get a bare row. Lists that go by links are others now, so
        people are noted as if they had said something of themselves."""
        import polars as pl

        people = pl.concat([frame["user_id"], frame["other_id"]]).unique().sort()
        self._bare_users(people)
        self.notes.add(PROFILE, people.to_list())
        return put_links(self._connection, frame)

    def user(self, user_id: str) -> rows.UserRow | None:
        """The row as this transaction sees it."""
        return rows.read_user(self._connection, user_id)

    def item(self, item_id: str) -> rows.ItemRow | None:
        """The row as this transaction sees it."""
        return rows.read_item(self._connection, item_id)

    def patch_user(self, user_id: str, attributes: Mapping[str, Any]) -> bool:
        """Set some attributes (None takes one away) and leave the others; False where nobody has that id. Raises
        StoreError where what is stored is no JSON object."""
        return rows.patch_user(self._connection, self.notes, user_id, attributes)

    def patch_item(
        self,
        item_id: str,
        fields: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Set some of ``title``, ``description``, ``categories``, ``time``, ``hidden`` and, as ``patch_user``, some
        attributes; False where there is no such item."""
        return rows.patch_item(self._connection, self.notes, item_id, fields or {}, attributes)

    def set_hidden(self, item_ids: Sequence[str], hidden: bool) -> int:
        """Hide items or show them again; how many were turned."""
        return rows.set_hidden(self._connection, self.notes, item_ids, hidden)

    def delete_user(self, user_id: str) -> dict[str, int]:
        """The person with events, links, lists shown, profile and edits; rows gone by table, empty where nobody has
        that id."""
        return rows.delete_user(self._connection, self.notes, user_id)

    def delete_item(self, item_id: str) -> dict[str, int]:
        """The item with its events; rows gone by table, empty where there is no such item."""
        return rows.delete_item(self._connection, self.notes, item_id)

    def delete_feedback(self, user_id: str, item_id: str, types: Sequence[str] | None = None) -> int:
        """Events between the two, of all types or only ``types``; how many are gone."""
        return feedback.delete_feedback(self._connection, self.notes, user_id, item_id, types)

    def overwrite_events(self, given: Sequence[Sequence[Any]]) -> Written:
        """``add_events`` after all earlier events of the same type, person and item are deleted; of equal keys in
        ``given`` the last stays. ``changed`` counts keys that had events."""
        latest = {tuple(row[1:4]): row for row in given}
        replaced = feedback.delete_each(self._connection, self.notes, latest)
        new = self.add_events(list(latest.values())).new
        return Written(new=new - replaced, changed=replaced, same=len(given) - new)

    def put_impressions(self, given: Sequence[impressions.Impression]) -> int:
        """Lists that were shown; an id that is there already changes nothing. How many were new."""
        return impressions.put_impressions(self._connection, given)

    def confirm(self, impression_ids: Sequence[str]) -> int:
        """Mark lists as seen; how many of ``impression_ids`` are there."""
        return impressions.confirm(self._connection, impression_ids)

    def put_record(self, kind: str, key: str, state: str, body: Mapping[str, Any], *, now: int | None = None) -> int:
        """As ``store.records.put_record``: the version that was made."""
        return records.put_record(self._connection, kind, key, state, body, now)

    def set_record_state(self, kind: str, key: str, state: str, version: int | None = None) -> bool:
        """As ``store.records.set_record_state``."""
        return records.set_record_state(self._connection, kind, key, state, version)

    def record(self, kind: str, key: str) -> records.Record | None:
        """The newest version as this transaction sees it."""
        return records.read_latest(self._connection, kind, key)

    def delete_records(self, kind: str, key: str) -> int:
        """Every version; how many are gone."""
        return records.delete_records(self._connection, kind, key)

    def put_experiment(self, name: str, described: dict[str, Any], state: str, now: int) -> None:
        """As ``store.experiments.put_experiment``."""
        experiments.put_experiment(self._connection, name, described, state, now)

    def set_experiment_state(self, name: str, state: str, now: int) -> bool:
        """As ``store.experiments.set_experiment_state``."""
        return experiments.set_experiment_state(self._connection, name, state, now)

    def replace_circle_members(self, members: Iterable[circles.Member]) -> int:
        """Members of all circles anew; how many. Whoever is not among the people, as they were erased or merged since
        somebody looked, is left out."""
        known = {row[0] for row in self._connection.execute(select(users.c.user_id))}
        return circles.replace_members(self._connection, (one for one in members if one.user_id in known))

    def merge_people(self, source: str, target: str) -> dict[str, int]:
        """All that is held of ``source`` becomes ``target``'s; rows moved by table. See ``store.merging``."""
        return merging.merge_people(self._connection, self.notes, source, target)

    def erase(self, user_id: str, key: bytes, now: int) -> dict[str, int]:
        """As ``store.erasing.erase``; ``key`` from ``erasure_key``, ``now`` in microseconds UTC."""
        return erasing.erase(self._connection, self.notes, user_id, key, now)

    def _bare_users(self, keys: Iterable[str]) -> None:
        """A row for each of ``keys`` that has none."""
        insert_new(self._connection, users, ["user_id"], ((key,) for key in keys), "user_id")

    def _bare_items(self, keys: Sequence[str]) -> None:
        """A row for each of ``keys`` that has none."""
        few = len(keys) <= NOTED
        before = self._known(items, ["item_id"], keys) if few else self._count(items)
        insert_new(self._connection, items, ["item_id"], ((key,) for key in keys), "item_id")
        if isinstance(before, dict):
            self.notes.add(ITEM, (key for key in keys if key not in before))
        elif self._count(items) > before:
            self.notes.add(ITEM, [None])

    def _tell_users(self, told: Told) -> None:
        self.notes.add(PROFILE, told)

    def _tell_items(self, told: Told) -> None:
        # Of some only the flag changed; a new item that is hidden is both.
        self.notes.add(HIDDEN, (key for key, (old, new) in told.items() if (old is not None and old[-1]) != new[-1]))
        self.notes.add(ITEM, (key for key, (old, new) in told.items() if old is None or old[:-1] != new[:-1]))

    def _put(self, table: Table, columns: Sequence[str], rows: Iterator[Row], tell: Callable[[Told], None]) -> Written:
        """Insert new keys (the first column), update rows that differ; of rows with the same key the last counts.
        ``tell`` hears what changed."""
        key, *rest = columns
        new = changed = same = 0
        changing = (
            update(table)
            .where(table.c[key] == bindparam("_key"))
            .values({name: bindparam(f"_{name}") for name in rest})
        )
        while batch := list(islice(rows, BATCH)):
            known = self._known(table, columns, [row[0] for row in batch])
            told: Told = {}
            fresh: dict[str, tuple[Any, ...]] = {}
            differing: dict[str, tuple[Any, ...]] = {}
            for name, *values in batch:
                row = tuple(values)
                if name not in known:
                    new += 1
                    fresh[name] = row
                elif known[name] != row:
                    changed += 1
                    (fresh if name in fresh else differing)[name] = row
                else:
                    same += 1
                    continue
                told[name] = (told[name][0] if name in told else known.get(name), row)
                known[name] = row
            insert_rows(self._connection, table, columns, [(name, *row) for name, row in fresh.items()])
            if differing:
                values_of = [
                    {"_key": name} | {f"_{n}": v for n, v in zip(rest, row, strict=True)}
                    for name, row in differing.items()
                ]
                self._connection.execute(changing, values_of)
            tell(told)
        return Written(new, changed, same)

    def _known(self, table: Table, columns: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        known: dict[str, tuple[Any, ...]] = {}
        for start in range(0, len(keys), IN_LIST):
            some = keys[start : start + IN_LIST]
            query = select(*(table.c[name] for name in columns)).where(table.c[columns[0]].in_(some))
            known |= {row[0]: tuple(row[1:]) for row in self._connection.execute(query)}
        return known

    def _count(self, table: Table) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table)).scalar_one())
