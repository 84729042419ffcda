"""A person's feed as entries: the list of the surface ``feed``, told as a community shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.answers import Recommendation, Recommended
from zhiyin.recommend import Engine
from zhiyin.rerank.social.network import AUTHOR, FRIENDS

SURFACE = "feed"
NETWORK = frozenset({FRIENDS, AUTHOR})
"""Sources within the network: people one is linked with took it, or somebody followed made it."""


@dataclass(frozen=True)
class Entry:
    """``network`` says that it comes from people one is linked with; ``reply`` is the id of the best reply of a
    conversation whose first item this is, ``thread`` that of the first item where this is its best reply. None where
    that is not so."""

    item: Recommended
    network: bool
    reply: str | None
    thread: str | None


@dataclass(frozen=True)
class Feed:
    """``told`` is the list with all that is said of it; ``network`` the share of entries from the network, 0 for an
    empty feed."""

    told: Recommendation
    entries: Sequence[Entry]
    network: float


def feed(engine: Engine, user_id: str, k: int = 20, *, surface: str = SURFACE, exclude: Sequence[str] = ()) -> Feed:
    """The feed of ``user_id``, who may be unknown. ``surface`` names its pipeline file. Raises what
    ``Engine.recommend`` does."""
    told = engine.recommend(user_id, k, surface=surface, exclude=exclude)
    entries = [_entry(item) for item in told.items]
    inside = sum(one.network for one in entries)
    return Feed(told, entries, inside / len(entries) if entries else 0.0)


def _entry(item: Recommended) -> Entry:
    linked = {reason.kind: reason.item_id for reason in item.reasons}
    return Entry(item, not NETWORK.isdisjoint(item.sources), linked.get("reply"), linked.get("thread"))
