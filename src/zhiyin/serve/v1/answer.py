"""The form of a list as ``/v1/recommend`` answers it, for the description alone: lists go out as bytes."""

from __future__ import annotations

from typing import Any

from zhiyin.answers import Recommended, StageTrace
from zhiyin.serve.v1.fields import Out
from zhiyin.types import Temperature, Tier
from zhiyin.understand.wishes.asked import Asked


class Why(Out):
    reason: str
    job: str | None = None


class ListOut(Out):
    impression_id: str
    """Names this list in events and in /v1/impressions/confirm."""
    user_id: str | None
    bundle: str
    """What answered; "none" before the first training."""
    tier: Tier
    """The language model that took part."""
    temperature: Temperature
    """How much is known of the person: hot, warm or cold."""
    fallback: Why | None
    """Null, or why the person's own history did not make the list."""
    degraded: Why | None
    """Null, or why a configured language model did not take part."""
    asked: Asked | None
    """What was read in the request in words."""
    items: list[Recommended]
    surface: str
    trace: list[StageTrace] | None
    """What each stage of re-ranking did, where it was asked for."""


LIST: dict[int | str, dict[str, Any]] = {200: {"model": ListOut, "description": "The list"}}
