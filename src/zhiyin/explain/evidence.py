"""What can be said about an item shown to a person, each piece under an id: the only ground that a sentence may stand
on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from zhiyin.explain.reasons import shared_features
from zhiyin.explain.text import folded, shown
from zhiyin.scripts import is_han
from zhiyin.types import Catalogue, Floats, Ints, Wish

EVENTS = 3
"""Own events given as evidence, the strongest first."""
ATTRIBUTES = 2
"""Shared attributes given with one own item."""
ANONYMOUS = 5
"""Nothing is said of a group of fewer people."""
COMMON_CATEGORY = 0.5
"""A category that more than this share of the items have tells nothing."""
HAN_WORD = 2
"""Fewest Chinese characters in a row that count as a shared word."""


class Kind(StrEnum):
    EVENT = "event"
    ATTRIBUTE = "attribute"
    TOGETHER = "together"
    TREND = "trend"
    WISH = "wish"
    INTEREST = "interest"


@dataclass(frozen=True)
class Evidence:
    """One fact.

    ``share`` in (0, 1] is what it adds to the positive part of the item's score (an interest: its weight in the
    profile), None where it adds nothing that can be told apart. ``title`` is that of the own item ``item_id``.
    ``action`` is an event's type. ``names`` are the shared category or word, the wish's words and what matches them,
    or the interest's name. ``where`` says where a name was found: "category", "title", "text", or "near" for a wish
    that the text only comes close to; for a wish out of the profile, ``said`` is "profile". ``count`` of ``total``
    people (never fewer than ``ANONYMOUS``), ``rank`` from 1 among all items, ``days`` counted (None: all time).
    """

    id: str
    kind: Kind
    share: float | None = None
    item_id: str | None = None
    title: str = ""
    action: str = ""
    names: tuple[str, ...] = ()
    where: str = ""
    said: str = ""
    count: int | None = None
    total: int | None = None
    rank: int | None = None
    days: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Only what is there."""
        told = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {key: value for key, value in told.items() if value not in (None, "", [])}


@dataclass(frozen=True)
class Own:
    """A person's events, oldest first: item rows int32 [n], what each adds to the score of the item (float32 [n]),
    ids and types of the events."""

    rows: Ints
    pulls: Floats
    event_ids: Sequence[str]
    actions: Sequence[str]


@dataclass(frozen=True)
class Crowd:
    """Other people's choices. ``together`` by own item row: how many of them took it (second figure) and the item
    shown as well (first). ``count`` people took the item within ``days`` (None: ever), which is ``rank`` of all."""

    together: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    count: int = 0
    rank: int = 0
    days: int | None = None


@dataclass(frozen=True)
class Wished:
    """A wish in force, in the order of the person's words: out of the ``request`` or the ``profile``. ``pull`` is what
    it adds to the item's score; ``near`` says that the item's text comes close to it by its vector."""

    wish: Wish
    source: str = "request"
    pull: float = 0.0
    near: bool = False


@dataclass(frozen=True)
class Interested:
    """A named interest that the item loads on: ``weight`` is its share of the person's profile, in [0, 1]."""

    id: str
    name: str
    weight: float


def gather(
    item: int,
    ids: Sequence[str],
    catalogue: Catalogue,
    own: Own,
    *,
    common: float = 0.0,
    crowd: Crowd | None = None,
    wishes: Sequence[Wished] = (),
    interests: Sequence[Interested] = (),
    spread: Mapping[str, float] | None = None,
) -> list[Evidence]:
    """Everything that speaks for ``item``: wishes, the strongest own events with what they share with it and with how
    many people took both, interests, recent popularity.

    ``common`` is what popularity adds to the score, ``spread`` the share of items in each category. What adds nothing
    or less, or would speak of fewer than ``ANONYMOUS`` people, is left out; the list may be empty.
    """
    pulls = np.maximum(own.pulls, 0)
    total = float(pulls.sum()) + max(common, 0.0) + sum(max(one.pull, 0.0) for one in wishes)

    def share(pull: float) -> float | None:
        return round(pull / total, 4) if total > 0 and pull > 0 else None

    found = []
    for number, one in enumerate(wishes, 1):
        match = _match(one, item, catalogue) if one.wish.weight > 0 else None
        if match is not None:
            where, names = match
            key = f"wish:{number}"
            found.append(Evidence(key, Kind.WISH, share(one.pull), names=names, where=where, said=one.source))
    for place in np.argsort(-pulls, kind="stable")[:EVENTS]:
        if pulls[place] <= 0:
            break
        row = int(own.rows[place])
        title, key = shown(catalogue.titles[row], ids[row]), own.event_ids[place]
        part = share(float(pulls[place]))
        action = own.actions[place].strip().lower()
        found.append(Evidence(f"event:{key}", Kind.EVENT, part, ids[row], title, action))
        found += _attributes(row, item, ids[row], title, catalogue, spread or {})
        both, takers = (crowd.together if crowd else {}).get(row, (0, 0))
        if both >= ANONYMOUS:
            key = f"together:{ids[row]}"
            found.append(Evidence(key, Kind.TOGETHER, None, ids[row], title, count=both, total=takers))
    for interest in interests:
        if interest.weight > 0:
            name, weight = (shown(interest.name),), min(interest.weight, 1.0)
            found.append(Evidence(f"interest:{interest.id}", Kind.INTEREST, round(weight, 4), names=name))
    if crowd is not None and crowd.count >= ANONYMOUS:
        key = f"trend:{crowd.days if crowd.days is not None else 'all'}"
        part = share(common)
        found.append(Evidence(key, Kind.TREND, part, count=crowd.count, rank=crowd.rank, days=crowd.days))
    return list({one.id: one for one in found}.values())


def _attributes(
    row: int, item: int, item_id: str, title: str, catalogue: Catalogue, spread: Mapping[str, float]
) -> list[Evidence]:
    kinds = set(catalogue.categories[row])
    both = [kind for kind in shared_features(catalogue, row, item) if kind in kinds]
    telling = [(kind, "category") for kind in both if spread.get(kind, 0.0) <= COMMON_CATEGORY]
    said = folded(" ".join(both))
    words = [(word, "title") for word in shared_words(catalogue.titles[row], catalogue.titles[item])]
    fresh = [(word, where) for word, where in words if folded(word) not in said]
    named = [(shown(name), where) for name, where in (telling + fresh)[:ATTRIBUTES]]
    return [
        Evidence(f"attribute:{item_id}:{name}", Kind.ATTRIBUTE, None, item_id, title, names=(name,), where=where)
        for name, where in named
    ]


_WORD = re.compile(r"[^\W\d_㐀-䶿一-鿿]{4,}")
_PLAIN = frozenset(
    "with from your this that have into over under than then they them their what when where which while were been "
    "more most some such only very each every free pack piece pieces ounce ounces fluid count size inch inches "
    "part volume edition series color colour black white professional women mens womens".split()
)


def shared_words(first: str, second: str) -> list[str]:
    """Words of the title ``first`` that ``second`` has too, as written in ``first``: Latin words of four letters or
    more that say something, and the longest common runs of two Chinese characters or more. In order of appearance."""
    theirs = {folded(word) for word in _WORD.findall(second)}
    latin = {
        match.start(): match[0]
        for match in _WORD.finditer(first)
        if folded(match[0]) in theirs and folded(match[0]) not in _PLAIN
    }
    wide = unicodedata.normalize("NFKC", second)
    start = 0
    while start < len(first):
        end = start
        while end < len(first) and is_han(first[end]) and first[start : end + 1] in wide:
            end += 1
        if end - start >= HAN_WORD:
            latin[start] = first[start:end]
        start = max(end, start + 1)
    return list({folded(latin[place]): latin[place] for place in sorted(latin)}.values())


def meets(one: Wished, item: int, catalogue: Catalogue) -> bool:
    """Whether the item's title, categories or text say what the wish is about, word for word."""
    match = _match(one, item, catalogue)
    return match is not None and match[0] != "near"


def _match(one: Wished, item: int, catalogue: Catalogue) -> tuple[str, tuple[str, ...]] | None:
    """Where the item meets the wish, with the wish's words and the category that met them; None where it does not."""
    wanted, text = folded(one.wish.text), shown(one.wish.text)
    if not wanted:
        return None
    for kind in reversed(catalogue.categories[item]):
        # 科幻 answers 科幻电影, where the rest says no more than that it is a film; "Film" does not answer "slow film".
        answered = any(map(is_han, kind)) and len(kind) >= HAN_WORD and folded(kind) in wanted
        if folded(kind) and (answered or _within(wanted, folded(kind))):
            return "category", (text, shown(kind))
    if _within(wanted, folded(catalogue.titles[item])):
        return "title", (text,)
    if _within(wanted, folded(catalogue.texts[item])):
        return "text", (text,)
    return ("near", (text,)) if one.near or one.pull > 0 else None


def _within(part: str, whole: str) -> bool:
    """Whether ``part`` stands in ``whole``: as words, or anywhere where it is Chinese."""
    if any(map(is_han, part)):
        return part in whole
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", whole) is not None
