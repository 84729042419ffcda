"""What holds for all campaigns: where advertisements may stand, what they cost at least, how they are tried out.

``ads.toml`` in the project's folder; without one the defaults below hold.
"""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from zhiyin.scenarios.shop.ads.campaign import Cap, Name, Part, Words

FILE = "ads.toml"

Place = Annotated[int, Field(ge=1, le=1_000)]


class Places(Part):
    """Where advertisements may stand in a list."""

    positions: tuple[Place, ...] = (3, 8, 13)
    """Places from 1, in the list with its advertisements."""
    at_most: int = Field(2, ge=0, le=20)
    """Of them in one list; 0 for a list without any."""
    gap: int = Field(3, ge=0, le=100)
    """Recommended items between two advertisements, at least."""
    shortest: int = Field(5, ge=1, le=1_000)
    """A list with fewer recommended items has none."""


class Policy(Places):
    surface: dict[Name, Places] = Field(default_factory=dict)
    """Other places for a surface of that name, for example ``[surface.cart]``."""
    label_en: Words = "Ad"
    label_zh: Words = "广告"
    """What stands by an advertisement, so that nobody takes it for a recommendation."""
    zone: str = "UTC"
    """Where days begin: for budgets, dates and the day's traffic, for example Asia/Shanghai."""
    currency: Name = "CNY"
    reserve: float = Field(1.0, ge=0, le=1e6)
    """What a thousand shows cost at least. With 0 a campaign that nobody bids against pays nothing."""
    person_cap: tuple[Cap, ...] = ()
    """For one person and all campaigns together."""
    explore: Literal["thompson", "linucb", "none"] = "thompson"
    """How a campaign's creatives are tried out; ``none`` shows the one with the highest click rate."""
    spare: float = Field(0.02, ge=0, le=0.5)
    """Share of the places that go to a campaign drawn evenly among those that fit, at the reserve price: so that each
    is seen by people of whom the model expects little."""
    rate: float = Field(0.01, gt=0, lt=1)
    """Click rate expected before anything was shown."""
    strength: float = Field(100.0, gt=0, le=1e6)
    """Shows that the rate of all creatives counts for in the rate of one."""
    click_days: float = Field(7.0, gt=0, le=90)
    """A click later than this after its show does not count."""
    refresh_seconds: float = Field(5.0, ge=0.1, le=600)
    """How long campaigns and what was spent are taken as they were read. Budgets hold all the same: each show is held
    against what is stored."""
    learn_hours: float = Field(6.0, gt=0, le=24 * 30)
    """A service learns click rates anew after so long."""

    @field_validator("zone")
    @classmethod
    def _known(cls, told: str) -> str:
        try:
            ZoneInfo(told)
        except (ValueError, OSError, KeyError) as unknown:
            raise ValueError(f"no time zone '{told}'; write, for example, Asia/Shanghai") from unknown
        return told

    @property
    def person_caps(self) -> tuple[tuple[int, int], ...]:
        return tuple((one.shows, one.window) for one in self.person_cap)

    def places(self, surface: str) -> Places:
        return self.surface.get(surface, self)
