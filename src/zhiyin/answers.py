"""What the engine answers: lists, and what was made of a request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from zhiyin.explain.reasons import Reason
from zhiyin.types import Temperature, Tier
from zhiyin.understand.wishes.asked import Asked


@dataclass(frozen=True)
class Recommended:
    """One item of a list. ``probability`` is the share of validation users whose next item stood at this rank of their
    list (None where nothing was measured, or where the list answers a request); ``sources`` are what proposed the item:
    models by name, and "words" for what the person said, now or in their profile."""

    item_id: str
    title: str | None
    rank: int
    score: float
    probability: float | None
    sources: list[str]
    reasons: list[Reason]


@dataclass(frozen=True)
class Recommendation:
    """A person's list, or the answer to a request (``user_id`` None where nobody in particular asks).

    ``tier`` is the language model that took part. ``fallback`` is None, or says why the person's own history did not
    make the list. ``degraded`` is None, or says why a language model that is configured did not take part: the list is
    then the one that comes out without it. ``asked`` is what was read in a request in words, None without one.
    """

    user_id: str | None
    bundle: str
    tier: Tier
    temperature: Temperature
    fallback: dict[str, str] | None
    degraded: dict[str, str] | None
    asked: Asked | None
    items: list[Recommended]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
