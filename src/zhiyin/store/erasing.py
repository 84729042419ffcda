"""What is held of a person, given out or erased: ``SqlStore.export``, ``Writer.erase``, ``SqlStore.erasures``.

Texts that a language model was asked and answered cannot be told apart by person. Those of jobs that read a person's
behaviour go all together when somebody is erased; they are kept for speed alone.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from zhiyin.errors import StoreError
from zhiyin.store.changes import USER, Notes
from zhiyin.store.part import Part
from zhiyin.store.records import record_of, records_about
from zhiyin.store.rows import delete_user, read_user
from zhiyin.store.schema import (
    ad_shows,
    audit,
    changes,
    circle_members,
    erasures,
    events,
    impressions,
    links,
    llm_cache,
    llm_calls,
    profile_edits,
    profiles,
)
from zhiyin.types import Job

PERSONAL = (Job.PROFILES, Job.QUERIES, Job.EXPLANATIONS, Job.RERANK, Job.PAGES)
KEY_FILE = "erasure.key"


@dataclass(frozen=True)
class Erasure:
    """``user_hash`` as ``hashed`` makes it; ``done_bundle`` is the first bundle that knows nothing of the person."""

    seq: int
    user_hash: str
    time: int
    done_bundle: str | None


class Erasures(Part):
    def all(self, *, open_only: bool = False) -> list[Erasure]:
        """Oldest first; with ``open_only`` those that some bundle still has to follow."""
        query = select(*(erasures.c[name] for name in Erasure.__dataclass_fields__)).order_by(erasures.c.seq)
        query = query.where(erasures.c.done_bundle.is_(None)) if open_only else query
        return [Erasure(*row) for row in self._rows(query)]

    def done(self, bundle: str, up_to: int) -> int:
        """``bundle`` was learned after the erasures up to ``seq`` ``up_to``; how many were open until now."""
        which = (erasures.c.done_bundle.is_(None), erasures.c.seq <= up_to)
        with self._guarded(), self._writer.begin() as connection:
            return connection.execute(update(erasures).where(*which).values(done_bundle=bundle)).rowcount

    def prune_changes(self, before: int) -> int:
        """Delete what was noted of changes before ``before`` (microseconds UTC), ids of erased people among it; how
        many rows. Readers whose mark is older no longer hear of it: leave them a day. ``SqlStore.scrub`` clears
        SQLite's log afterwards."""
        with self._guarded(), self._writer.begin() as connection:
            return connection.execute(delete(changes).where(changes.c.time < before)).rowcount


def erasure_key(project: Path) -> bytes:
    """The project's secret under which erased ids are hashed, made at the first call. It is in no dump: whoever holds
    only the database cannot tell who was erased by trying names. Raises StoreError where it cannot be kept."""
    path = project / KEY_FILE
    try:
        fresh = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        if not path.exists():
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32), encoding="ascii")
            try:
                os.link(fresh, path)  # whoever was quicker keeps theirs
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as bad:
        raise StoreError("the key of erasures cannot be read", where=str(path), fix="make the file readable") from bad


def hashed(user_id: str, key: bytes) -> str:
    return hmac.new(key, user_id.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def erase(connection: Connection, notes: Notes, user_id: str, key: bytes, now: int) -> dict[str, int]:
    """All that is held of ``user_id``; rows gone or emptied by table. Somebody unknown leaves a row too: a bundle may
    know what the database no longer does."""
    gone = delete_user(connection, notes, user_id)
    counted = (
        ("llm_cache", delete(llm_cache).where(llm_cache.c.key.in_(select(llm_calls.c.key).where(_personal())))),
        ("llm_calls", update(llm_calls).where(_personal(), _texts()).values(asked=None, answered=None)),
        ("audit", update(audit).where(audit.c.target == user_id).values(target=None)),
        ("changes", delete(changes).where(changes.c.key == user_id, changes.c.kind.in_(["user", "profile"]))),
    )
    for name, statement in counted:
        if count := connection.execute(statement).rowcount:
            gone[name] = count
    connection.execute(insert(erasures), [{"user_hash": hashed(user_id, key), "time": now}])
    notes.add(USER, [user_id])
    return gone


def export(connection: Connection, user_id: str) -> dict[str, Any]:
    """All that is held of ``user_id`` as plain values; lists are empty for somebody unknown."""
    known = read_user(connection, user_id)
    state = _all(connection, profiles, profiles.c.user_id == user_id)
    edits = _all(connection, profile_edits, profile_edits.c.user_id == user_id)
    shown = _all(connection, impressions, impressions.c.user_id == user_id)
    return {
        "user_id": user_id,
        "known": known is not None,
        "attributes": json.loads(known.attributes) if known else {},
        "events": _all(connection, events, events.c.user_id == user_id),
        "links": _all(connection, links, or_(links.c.user_id == user_id, links.c.other_id == user_id)),
        "profile": {**state[0], "state": _readable(state[0]["state"])} if state else None,
        "profile_edits": [row | {"wishes": json.loads(row["wishes"]), "undone": bool(row["undone"])} for row in edits],
        "impressions": [
            row | {"items": json.loads(row["items"]), "confirmed": bool(row["confirmed"])} for row in shown
        ],
        "circles": _all(connection, circle_members, circle_members.c.user_id == user_id),
        "ads": [
            row | {"withheld": bool(row["withheld"])}
            for row in _all(connection, ad_shows, ad_shows.c.user_id == user_id)
        ],
        "records": [asdict(record_of(row)) for row in connection.execute(records_about(user_id))],
    }


def _all(connection: Connection, table: Any, which: Any) -> list[dict[str, Any]]:
    rows = connection.execute(select(table).where(which).order_by(*table.primary_key.columns))
    return [dict(row) for row in rows.mappings()]


def _readable(state: bytes) -> Any:
    """JSON where the state is JSON, else base64."""
    try:
        return json.loads(state)
    except ValueError:
        return base64.b64encode(state).decode()


def _personal() -> Any:
    return llm_calls.c.job.in_([str(job) for job in PERSONAL])


def _texts() -> Any:
    return or_(llm_calls.c.asked.is_not(None), llm_calls.c.answered.is_not(None))
