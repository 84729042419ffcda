"""A named interest, as bundles keep it and profiles show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zhiyin.types import Tier


@dataclass(frozen=True)
class NamedInterest:
    """``row`` is its place z in the model, ``id`` stays the same from training to training while the interest does.

    ``words`` tell it from the others, best first (they may be empty where items have no texts); ``items`` are the ids
    of those that stand for it, best first. ``general``: no item belongs to it by more than an even share, so it stands
    for going along with what is popular and not for a taste. ``tier`` says who named it; ``note`` on one line why the
    configured language model did not, None where it did or none is configured.
    """

    id: str
    row: int
    name: str
    words: list[str]
    items: list[str]
    general: bool
    tier: Tier
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(told: dict[str, Any]) -> NamedInterest:
        return NamedInterest(**{**told, "tier": Tier(told["tier"])})


def read_interests(told: Sequence[dict[str, Any]]) -> list[NamedInterest]:
    """What a manifest keeps, by row."""
    return sorted((NamedInterest.from_dict(one) for one in told), key=lambda one: one.row)
