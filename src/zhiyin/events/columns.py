"""Which column plays which role: the usual names, and the ones given by flag."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum


class Kind(StrEnum):
    """What a file holds."""

    EVENTS = "events"
    ITEMS = "items"
    USERS = "users"
    LINKS = "links"


# Names without case, spaces, hyphens and underscores; the first that a file has plays the role.
_USER = "userid user uid reviewerid visitorid customerid memberid personid accountid profileid sessionid"
_ITEM = (
    "itemid item iid movieid productid product parentasin asin artistid trackid songid bookid isbn newsid articleid "
    "postid contentid videoid gameid businessid recipeid animeid sku"
)
_TIME = "timestamp datetime eventtime time date unixreviewtime createdat createdtime ratedat"

SYNONYMS: dict[Kind, dict[str, list[str]]] = {
    Kind.EVENTS: {
        "event_id": ["eventid"],
        "user": _USER.split(),
        "item": _ITEM.split(),
        "type": "eventtype event type feedbacktype action actiontype behavior behaviortype behaviour".split(),
        "value": "rating ratings overall stars score value weight count plays playcount".split(),
        "time": _TIME.split(),
    },
    Kind.ITEMS: {
        "item": [*_ITEM.split(), "id"],
        "title": "title name headline movietitle itemname productname producttitle booktitle headlines".split(),
        "description": "description text body comment overview abstract summary content plot".split(),
        "categories": "categories genres genre tags category class topics topic".split(),
        "time": [*_TIME.split(), "publishedat", "published", "pubdate"],
        "hidden": ["hidden", "ishidden"],
    },
    Kind.USERS: {"user": [*_USER.split(), "id"]},
    Kind.LINKS: {
        "user": [*_USER.split(), *"sourceid source src followerid follower fromid from trusterid truster".split()],
        "other": (
            "otherid other otheruserid friendid friend targetid target dst followeeid followee followingid following "
            "followedid followed toid to trusteeid trustee neighborid neighbourid"
        ).split(),
        "weight": "weight strength value trust count".split(),
        "time": _TIME.split(),
    },
}

COUNTS = frozenset({"value", "weight", "count", "plays", "playcount"})
"""Value columns that are no ratings: their events keep the default type."""

FLAGS = {
    "user": "--user-column",
    "item": "--item-column",
    "time": "--time-column",
    "type": "--type-column",
    "value": "--value-column",
    "title": "--title-column",
    "description": "--description-column",
    "categories": "--categories-column",
    "other": "--other-column",
}


def plain_name(column: str) -> str:
    """``User ID``, ``user_id`` and ``userId`` are one name."""
    return column.strip().lower().replace("_", "").replace("-", "").replace(" ", "")


def assign(kind: Kind, header: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    """Role -> column of ``header``. ``named`` (role -> column) wins where the file has that column."""
    roles = SYNONYMS[kind]
    chosen: dict[str, str] = {}
    for role in roles:
        wanted = named.get(role)
        if wanted is not None:
            match = wanted if wanted in header else _first(header, [plain_name(wanted)], ())
            if match is not None:
                chosen[role] = match
    for role, names in roles.items():
        if role not in chosen:
            match = _first(header, names, chosen.values())
            if match is not None:
                chosen[role] = match
    return chosen


def _first(header: Sequence[str], names: Sequence[str], taken: Collection[str]) -> str | None:
    by_name: dict[str, str] = {}
    for column in header:
        if column not in taken:
            by_name.setdefault(plain_name(column), column)
    return next((by_name[name] for name in names if name in by_name), None)


def is_rating(column: str) -> bool:
    """Whether events valued by this column are ratings."""
    return plain_name(column) not in COUNTS
