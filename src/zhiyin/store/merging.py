"""Two names of one person made one: ``Writer.merge_people``."""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, insert, or_, select, update

from zhiyin.store.appending import bare_users
from zhiyin.store.changes import PROFILE, USER, Notes
from zhiyin.store.records import move_records
from zhiyin.store.rows import read_user
from zhiyin.store.schema import ad_shows, circle_members, events, impressions, links, profile_edits, profiles, users


def merge_people(connection: Connection, notes: Notes, source: str, target: str) -> dict[str, int]:
    """All that is held of ``source`` becomes ``target``'s (who may be new), and nobody goes by ``source`` any more;
    rows moved by table, tables without any are absent, empty where nothing is held of ``source``.

    Events keep their numbers, so the order of arrival stays. Where both have an attribute, a link to the same person, a
    place in the same circle or a record of the same kind and name, ``target``'s stands.
    """
    known = read_user(connection, source)
    moved: dict[str, int] = {}
    if source == target:
        return moved
    if known is not None:
        # Events and links name somebody who has a row.
        bare_users(connection, {target})
        moved["users"] = 1
    for table in (events, impressions, profile_edits, ad_shows):
        mine = table.c.user_id == source
        if count := connection.execute(update(table).where(mine).values(user_id=target)).rowcount:
            moved[table.name] = count
    if count := _links(connection, source, target):
        moved["links"] = count
    if count := _circles(connection, source, target):
        moved["circle_members"] = count
    if count := move_records(connection, source, target):
        moved["records"] = count
    connection.execute(delete(profiles).where(profiles.c.user_id.in_([source, target])))
    if known is not None:
        _attributes(connection, known.attributes, target)
        connection.execute(delete(users).where(users.c.user_id == source))
    if moved:
        notes.add(USER, [source, target])
        notes.add(PROFILE, [target])
    return moved


def _links(connection: Connection, source: str, target: str) -> int:
    def both(person: str) -> dict[tuple[str, str], tuple[float, int | None]]:
        query = select(links).where(or_(links.c.user_id == person, links.c.other_id == person))
        return {(row.user_id, row.other_id): (row.weight, row.time) for row in connection.execute(query)}

    given, known = both(source), both(target)
    connection.execute(delete(links).where(or_(links.c.user_id == source, links.c.other_id == source)))
    rows = []
    for (one, other), (weight, time) in given.items():
        pair = (target if one == source else one, target if other == source else other)
        if pair[0] != pair[1] and pair not in known:
            rows.append({"user_id": pair[0], "other_id": pair[1], "weight": weight, "time": time})
    if rows:
        connection.execute(insert(links), rows)
    return len(given)


def _circles(connection: Connection, source: str, target: str) -> int:
    theirs = select(circle_members.c.circle_id).where(circle_members.c.user_id == target)
    mine = circle_members.c.user_id == source
    left = update(circle_members).where(mine, circle_members.c.circle_id.not_in(theirs)).values(user_id=target)
    moved = connection.execute(left).rowcount
    return moved + connection.execute(delete(circle_members).where(mine)).rowcount


def _attributes(connection: Connection, text: str, target: str) -> None:
    there = read_user(connection, target)
    assert there is not None, "made above"
    given, known = json.loads(text), json.loads(there.attributes)
    if isinstance(given, dict) and isinstance(known, dict) and not given.keys() <= known.keys():
        whole = json.dumps({**given, **known}, ensure_ascii=False)
        connection.execute(update(users).where(users.c.user_id == target).values(attributes=whole))
