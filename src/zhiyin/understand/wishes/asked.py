"""What was made of a request."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from zhiyin.types import Tier, Wish


@dataclass(frozen=True)
class Asked:
    """``wishes`` in the order said; ``language`` "zh" or "en"; ``tier`` who read it. ``note`` says on one line which
    titles are not known here, None where all are, and ``failed`` why no language model took part although one is
    configured. ``k`` is the number of items asked for, None where none is. ``unknown`` are titles that are not in
    the catalogue, ``left`` phrases known by their meaning only, ``corrected`` words read as others."""

    wishes: list[Wish]
    language: str
    tier: Tier
    note: str | None = None
    k: int | None = None
    unknown: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    corrected: dict[str, str] = field(default_factory=dict)
    failed: str | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was understood to be a wish."""
        return not self.wishes

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
