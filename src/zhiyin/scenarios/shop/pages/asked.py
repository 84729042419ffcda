"""What is asked for: a page of which item, for whom, in which words."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhiyin.scripts import Language


class Tone(StrEnum):
    PLAIN = "plain"
    WARM = "warm"
    FORMAL = "formal"


class Length(StrEnum):
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


TITLE_WIDTH = 60
"""Columns of a title in a search result: about 60 Latin letters, or 30 Chinese characters, which are twice as wide
(Google cuts by width, at about 580 to 600 px; Baidu shows about 30 Chinese characters)."""
DESCRIPTION_WIDTH = 155
"""Columns of the description below it: Google cuts at 155 to 160 letters, Baidu at about 80 Chinese characters."""
BULLETS: dict[Length, int] = {Length.SHORT: 3, Length.MEDIUM: 5, Length.LONG: 8}
SENTENCES: dict[Length, int] = {Length.SHORT: 2, Length.MEDIUM: 4, Length.LONG: 8}
QUESTIONS: dict[Length, int] = {Length.SHORT: 2, Length.MEDIUM: 3, Length.LONG: 6}
INTERESTS = 12
"""Words of a segment at most."""


class PageRequest(BaseModel):
    """One page. ``segment`` are names of what its readers look for, the most important first; ``user_id`` takes the
    person's own interests instead. Neither adds anything to what is said of the item: they decide what comes first."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    item_id: str = Field(min_length=1)
    language: Language = "en"
    """Of the page: en or zh."""
    tone: Tone = Tone.PLAIN
    """How it speaks: plain, warm or formal."""
    length: Length = Length.MEDIUM
    """Short: 3 bullets and 2 questions; medium: 5 and 3; long: 8 and 6."""
    segment: tuple[str, ...] = Field((), max_length=INTERESTS)
    """What its readers look for, the most important first: categories, interests, words."""
    user_id: str | None = Field(None, min_length=1)
    """For one person: their interests decide what comes first. Excludes segment."""

    @model_validator(mode="after")
    def _one_reader(self) -> PageRequest:
        if self.user_id is not None and self.segment:
            raise ValueError("segment and user_id exclude each other")
        return self
