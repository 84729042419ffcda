"""What can be set of topics, stated once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TopicsSettings(BaseModel):
    """Chosen on a validation catalogue: see docs/content.md."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    items: int = Field(10_000, ge=10, le=30_000)
    """Items that topics are found among: those most often taken of late. The others that were taken go to the nearest
    topic. Time grows with the square."""
    neighbours: int = Field(20, ge=1, le=100)
    """Nearest others that an item is joined to."""
    power: float = Field(4.0, gt=0, le=64)
    """Weight of a join: cosine to this power; a cosine below 0 joins nothing."""
    resolution: float = Field(4.0, gt=0, le=100)
    """How fine topics are: more gives more of them, and smaller ones."""
    support: int = Field(5, ge=2)
    """Items that a topic has at least; what lies in smaller groups goes to the nearest topic, if one is near."""
    near: float = Field(0.3, ge=0, le=1)
    """Cosine with a topic's centre, of vectors centred on the catalogue, from which on an item beside it belongs to
    it."""
    kept_share: float = Field(0.3, gt=0, le=1)
    """Share of the items of a topic found before and of one found now (Jaccard, among items that were there both times)
    from which on it is the same and keeps id and name."""
    again: float = Field(0.8, gt=0, le=1)
    """Cosine of centres from which on a topic without common items is one that was there before."""
    seed: int = Field(0, ge=0, lt=2**32)


class WindowSettings(BaseModel):
    """What is of late, and what it is held against."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    days: int = Field(7, ge=1, le=366)
    """What is of late."""
    before: int = Field(28, ge=1, le=3660)
    """The days before those, which it is held against."""
    alarms: float = Field(0.1, gt=0, lt=1)
    """Share of false alarms among the topics called rising, at most (Benjamini and Hochberg)."""
    prior: float = Field(2.0, gt=0, le=1000)
    """Person-days on both sides that draw the growth to 1."""
    people: int = Field(3, ge=1)
    """Fewer people than this are not a topic of a group: it would tell what single persons do."""
