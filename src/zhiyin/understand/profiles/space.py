"""What a profile is read against: the interest model and its named interests, as seen from here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from zhiyin.types import Floats, Ints


class Space(Protocol):
    """The interest model."""

    @property
    def representation(self) -> Floats:
        """h(c), float32 [n, d]."""
        ...

    def people(self, states: Floats) -> Floats:
        """p(z|u) of h(u) [B, d]: float32 [B, Z]."""
        ...

    def pulls(self, rows: Ints) -> Floats:
        """How much each item speaks for each interest, float32 [len(rows), Z], >= 0."""
        ...


class Interest(Protocol):
    """One named interest."""

    @property
    def id(self) -> str: ...

    @property
    def row(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def words(self) -> Sequence[str]: ...

    @property
    def items(self) -> Sequence[str]: ...

    @property
    def general(self) -> bool: ...


class ProfileParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    long_days: float = Field(180.0, gt=0, le=36_500)
    """Days after which an event counts half in the long-term interest."""
    long_events: float = Field(100.0, gt=0, le=1e6)
    """Later events after which it does so too."""
    now_days: float = Field(14.0, gt=0, le=36_500)
    """The same for the current interest."""
    now_events: float = Field(10.0, gt=0, le=1e6)
    """Later events after which an event counts half in the current interest."""
    doubt: float = Field(2.0, ge=0, le=1000)
    """Events' worth of doubt: with n effective events a profile is n / (n + doubt) the person's own, and for the rest
    that of nobody in particular (current interest: that of the long term)."""
    kept: int = Field(6, ge=1, le=100)
    """Events kept as evidence of each interest."""
    rising: float = Field(1.4, gt=1, le=100)
    """An interest rises where its current weight is so many times the long-term one, and falls where it is the
    inverse ..."""
    change: float = Field(0.02, ge=0, le=1)
    """... and the two differ by this much at least."""
