"""What the engine answers: lists, and what was made of a request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from zhiyin.explain.reasons import Reason
from zhiyin.types import DEFAULT_SURFACE, Temperature, Tier
from zhiyin.understand.wishes.asked import Asked


@dataclass(frozen=True)
class StageTrace:
    """What one stage of re-ranking moved, in English and Chinese; no lines where it left the list as it was."""

    stage: str
    place: int
    en: list[str]
    zh: list[str]


@dataclass(frozen=True)
class Recommended:
    """One item of a list. ``score`` is relevance; re-ranking may have put an item of lower score before one of higher.
    ``probability`` is the calibrated chance that it is what the person takes next (None where nothing was measured, or
    where the list answers a request); ``sources`` are what proposed the item: models by name, the one that has it
    highest first, and "words" for what the person said, now or in their profile. ``propensity`` is the chance
    with which the item came to stand here: 1 where nothing was drawn."""

    item_id: str
    title: str | None
    rank: int
    score: float
    probability: float | None
    sources: list[str]
    reasons: list[Reason]
    propensity: float = 1.0


@dataclass(frozen=True)
class Recommendation:
    """A person's list, or the answer to a request (``user_id`` None where nobody in particular asks).

    ``tier`` is the language model that took part. ``fallback`` is None, or says why the person's own history did not
    make the list. ``degraded`` is None, or says why a language model that is configured did not take part: the list is
    then the one that comes out without it. ``asked`` is what was read in a request in words, None without one.
    ``surface`` names the pipeline that re-ranked, ``trace`` says what its stages did, None where nobody asked.
    """

    user_id: str | None
    bundle: str
    tier: Tier
    temperature: Temperature
    fallback: dict[str, str] | None
    degraded: dict[str, str] | None
    asked: Asked | None
    items: list[Recommended]
    surface: str = DEFAULT_SURFACE
    trace: list[StageTrace] | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
