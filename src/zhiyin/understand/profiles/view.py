"""A profile as it is shown: plain data, nothing computed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from zhiyin.types import Tier

READ, SAID = "read", "said"
"""Where something comes from: read out of events, or said by the person."""


@dataclass(frozen=True)
class Evidence:
    """One event behind an interest. ``event`` is its number in the store, ``time`` microseconds UTC or None, ``share``
    of all that speaks for the interest, in (0, 1]."""

    event: int
    item_id: str
    title: str | None
    time: int | None
    share: float


@dataclass(frozen=True)
class Weighed:
    """One interest. ``long_term`` and ``now`` are shares in [0, 1] that sum to 1 over the profile, unless everything is
    muted; ``trend`` is "rising", "falling" or "steady"; ``confidence`` in [0, 1]. ``general`` ones stand for what many
    people take. ``edited`` is None, "muted" (both weights 0), "less" or "more", by the edits numbered in ``by``."""

    id: str
    name: str
    words: list[str]
    general: bool
    long_term: float
    now: float
    trend: str
    confidence: float
    evidence: list[Evidence]
    edited: str | None = None
    by: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Statement:
    """One sentence. ``source`` is "read" (from the events in ``evidence``, about ``interests`` by id) or "said" (by the
    edit ``edit``; its confidence is 1). ``id`` is what an edit names to rewrite or remove it."""

    id: str
    text: str
    source: str
    interests: list[str]
    confidence: float
    evidence: list[Evidence]
    edit: int | None = None


@dataclass(frozen=True)
class Edit:
    """What the person or an operator said. ``kind`` is "wish", "rewrite" or "remove"; ``wishes`` are what the ranking
    obeys, as text, weight and hardness; ``undone`` ones have no effect."""

    id: int
    time: int
    said: str
    kind: str
    about: str | None
    wishes: list[dict[str, Any]]
    undone: bool


@dataclass(frozen=True)
class Profile:
    """What is believed of one person. ``text`` joins the statements; ``tier`` says who worded it and ``note`` why not
    the configured model; ``vector`` is the long-term mean of h(c), as long as the items'. ``events`` are those that
    count; ``latest`` is the time of the last, None where none has one."""

    user_id: str
    bundle: str
    language: str
    events: int
    latest: int | None
    confidence: float
    interests: list[Weighed]
    statements: list[Statement]
    text: str
    tier: Tier
    note: str | None
    vector: list[float]
    edits: list[Edit]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def day(time: int | None) -> str:
    """A date, "" where there is none or it is none that a calendar has."""
    if time is None:
        return ""
    try:
        return datetime.fromtimestamp(time / 1e6, tz=UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return ""
