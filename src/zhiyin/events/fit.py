"""Is this file what its flag says? Refuses one without id columns, and one that belongs under another flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zhiyin.errors import FileUnreadable
from zhiyin.events.columns import FLAGS, Kind, assign
from zhiyin.events.formats import looks_headerless

_NEEDED = {Kind.EVENTS: ("user", "item"), Kind.ITEMS: ("item",), Kind.USERS: ("user",), Kind.LINKS: ("user", "other")}
_TEXTS = {"title", "description", "categories"}


def check(path: Path, kind: Kind, roles: Mapping[str, str], header: Sequence[str]) -> None:
    """Raise FileUnreadable, naming the columns there are, unless ``roles`` make a file of ``kind``."""
    where = str(path)
    absent = [role for role in _NEEDED[kind] if role not in roles]
    if not absent:
        if kind in (Kind.ITEMS, Kind.USERS) and _is_events(header) and not _TEXTS & roles.keys():
            raise FileUnreadable(
                f"these are no {kind}: the file has a user and an item column", where=where, fix="pass it with --events"
            )
        return
    fix = " and ".join(f"name it with {FLAGS[role]}" for role in absent)
    other = _other_kind(kind, absent, header)
    if other is not None:
        fix = f"pass it with --{other} if it holds {other}; otherwise {fix}"
    elif looks_headerless(header):
        fix = "write a header line with the column names above the data"
    else:
        fix += "; a file without a header line needs one"
    raise FileUnreadable(f"no {' and no '.join(absent)} column among {_list(header)}", where=where, fix=fix)


def _is_events(header: Sequence[str]) -> bool:
    return {"user", "item"} <= assign(Kind.EVENTS, header, {}).keys()


def _other_kind(kind: Kind, absent: list[str], header: Sequence[str]) -> Kind | None:
    """What the file may hold instead of ``kind``."""
    if kind is Kind.LINKS:
        return Kind.EVENTS if _is_events(header) else None
    if kind is not Kind.EVENTS:
        return None
    if absent == ["item"]:
        return Kind.LINKS if "other" in assign(Kind.LINKS, header, {}) else Kind.USERS
    roles = assign(Kind.ITEMS, header, {})
    return Kind.ITEMS if "item" in roles and _TEXTS & roles.keys() else None


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in names[:12]) + (" ..." if len(names) > 12 else "")
