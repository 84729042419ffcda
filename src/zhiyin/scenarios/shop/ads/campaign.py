"""What a campaign is: who pays how much for which creatives, when, before whom, and how often.

Money is told in units of the currency and counted in millionths of it, as whole numbers: sums are exact.
"""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from zhiyin.rerank.conditions import Where

MILLION = 1_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
"""Microseconds."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH = datetime.date(1970, 1, 1).toordinal()
MOST_CREATIVES = 50
LONGEST = 200
KEYS = 20
MOST = 1e15


def _number(told: Any) -> Any:
    if isinstance(told, bool | str | bytes):
        raise ValueError("give a number")
    return told


def _day(told: Any) -> Any:
    """A date and nothing that could be taken for one: a moment would be cut to its day."""
    if isinstance(told, datetime.datetime) or not isinstance(told, datetime.date | str):
        raise ValueError("give a date, as 2026-03-01")
    if isinstance(told, str) and not DATE.fullmatch(told):
        raise ValueError("give a date, as 2026-03-01")
    return told


def _formed(told: Any) -> Any:
    """What JSON and TOML can hold in a segment, within bounds: more than ``Where`` asks for itself."""
    if not isinstance(told, dict) or not 1 <= len(told) <= KEYS:
        raise ValueError(f"a segment names 1 to {KEYS} attributes")
    for key, value in told.items():
        several = value if isinstance(value, list) else [value]
        if not 1 <= len(several) <= 100:
            raise ValueError(f"'{key}' takes 1 to 100 values")
        for one in several:
            if isinstance(one, str):
                if not 1 <= len(one) <= LONGEST:
                    raise ValueError(f"'{key}' takes texts of 1 to {LONGEST} characters")
            elif not isinstance(one, int | float) or not -MOST <= one <= MOST:
                raise ValueError(f"'{key}' takes a text, a number, true or false, or several of them")
    return told


_ONE = [
    {"type": "string", "minLength": 1, "maxLength": LONGEST},
    {"type": "number", "minimum": -MOST, "maximum": MOST},
    {"type": "boolean"},
]
_SEGMENT = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": KEYS,
    "patternProperties": {r"(_below|_above)$|^new_days$": _ONE[1]},
    "additionalProperties": {
        "anyOf": [*_ONE, {"type": "array", "minItems": 1, "maxItems": 100, "items": {"anyOf": _ONE}}]
    },
}
Segment = Annotated[Where, BeforeValidator(_formed), WithJsonSchema(_SEGMENT)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00]+$")]
Number = BeforeValidator(_number)
Money = Annotated[float, Field(gt=0, le=1e9), Number]
Day = Annotated[datetime.date, BeforeValidator(_day)]


class Part(BaseModel):
    """Unknown keys are refused: a slip of the pen must not go unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Creative(Part):
    """What is shown. Give ``item``, an item of the catalogue, or a ``title`` of its own, or both."""

    id: Name
    item: Name | None = None
    title: Words | None = None
    text: Words | None = None
    image: Words | None = None
    link: Words | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.item is None and self.title is None:
            raise ValueError("a creative needs an item or a title")
        return self


class Cap(Part):
    """At most ``shows`` before one person within any ``hours``."""

    shows: Annotated[int, Field(ge=1, le=10_000), Number]
    hours: Annotated[float, Field(gt=0, le=24 * 366), Number]

    @property
    def window(self) -> int:
        """Microseconds."""
        return round(self.hours * HOUR)


class Budget(Part):
    """What may be spent: in ``total``, in one day (``daily``), or both."""

    total: Money | None = None
    daily: Money | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.total is None and self.daily is None:
            raise ValueError("a budget has a total, a daily sum, or both")
        return self


class Target(Part):
    """Whom it is for: everything that is given must hold, and of several values one is enough. Nothing given: all."""

    interests: tuple[Name, ...] = ()
    """Ids or names of interests (``zhiyin profile USER`` shows them)."""
    interest_at_least: Annotated[float, Field(gt=0, le=100), Number] = 1.5
    """How strong such an interest must be: so many times as strong as in somebody of whom nothing is known."""
    categories: tuple[Name, ...] = ()
    """Somebody who took an item of it, or a page of it."""
    segment: Segment | None = None
    """Attributes of the person, as conditions of pipelines have those of items: NAME, NAME_not, NAME_below,
    NAME_above."""
    surfaces: tuple[Name, ...] = ()

    @property
    def everybody(self) -> bool:
        return not (self.interests or self.categories or self.segment)


class Campaign(Part):
    bid: Money
    """The most that a click, or a thousand shows, is worth."""
    charge: Literal["click", "show"] = "click"
    """What is paid for: each click, or each show (``bid`` is then for a thousand)."""
    starts: Day
    ends: Day
    """The last day, in the zone of the policy."""
    budget: Budget
    creative: tuple[Creative, ...] = Field(min_length=1, max_length=MOST_CREATIVES)
    target: Target = Target()
    cap: tuple[Cap, ...] = ()
    pace: Literal["even", "fast"] = "even"
    """``even`` follows the day's traffic to the end of the day, ``fast`` spends as soon as it can."""
    advertiser: Name | None = None
    holdout: Annotated[float, Field(ge=0, le=0.5), Number] = 0.0
    """Share of the people from whom it is withheld, so that the lift can be told."""
    goal: tuple[Name, ...] = ()
    """Types of events that it is there to bring about; none given: any event with an advertised item."""
    goal_days: Annotated[float, Field(gt=0, le=90), Number] = 7.0
    """How long after the first show such an event counts."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.ends < self.starts:
            raise ValueError("it ends before it starts")
        ids = [one.id for one in self.creative]
        if len(set(ids)) < len(ids):
            raise ValueError("two creatives have the same id")
        return self

    @property
    def first_day(self) -> int:
        """Days since 1970."""
        return self.starts.toordinal() - EPOCH

    @property
    def last_day(self) -> int:
        return self.ends.toordinal() - EPOCH

    def to_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)


def micros(money: float) -> int:
    """Millionths of the currency."""
    return round(money * MILLION)
