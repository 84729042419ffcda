"""Shows of advertisements and the rules by which they are counted, whoever keeps them: no SQL here.

    a show is claimed    only while what was spent and its price fit into the budgets of its campaign and day, and no
                         cap is reached; a price per show is spent with the claim
    a click counts       once, for a show that is not withheld, for a while after it; a price per click is spent then,
                         as far as the budgets reach: clicks beyond them are free

Money is counted in millionths of the currency, times in microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Show(NamedTuple):
    """``time`` in microseconds UTC, ``day`` the days since 1970 where the campaign's days are counted; ``price`` in
    millionths, to be paid now where ``pays`` is "show", else with the click. ``withheld``: it won and was not shown,
    for the person belongs to those who are compared with. ``told`` is what the chance was told from."""

    show_id: str
    campaign: str
    creative: str
    user_id: str
    surface: str
    time: int
    day: int
    price: int
    pays: str
    probability: float
    propensity: float
    withheld: bool = False
    told: tuple[float, ...] = ()


class Limits(NamedTuple):
    """``total`` and ``daily`` in millionths (None: none). ``caps`` are pairs of shows and microseconds for one person
    and the campaign, ``person_caps`` for one person and all campaigns together."""

    total: int | None
    daily: int | None
    caps: tuple[tuple[int, int], ...] = ()
    person_caps: tuple[tuple[int, int], ...] = ()


class Clicked(NamedTuple):
    """A click that counted, and what was paid for it in millionths."""

    campaign: str
    creative: str
    charged: int


class Spent(NamedTuple):
    """Millionths."""

    total: int
    day: int


class Tried(NamedTuple):
    shows: int
    clicks: int


def fits(show: Show, limits: Limits, total: int, day: int) -> bool:
    """Whether one more price fits into the budgets."""
    return (limits.total is None or total + show.price <= limits.total) and (
        limits.daily is None or day + show.price <= limits.daily
    )


def charged(price: int, limits: Limits | None, total: int, day: int) -> int:
    """What of ``price`` is left to pay."""
    if limits is None:
        return price
    left = [bound - spent for bound, spent in ((limits.total, total), (limits.daily, day)) if bound is not None]
    return max(0, min([price, *left]))


def capped(times: Sequence[int], caps: Iterable[tuple[int, int]], now: int) -> bool:
    """Whether ``times`` of shows, rising, leave no room for one more at ``now``. What is noted for later counts too: a
    cap holds in every window, in whatever order shows are claimed."""
    size = len(times)
    # A loop: this is asked for every campaign that a person has seen, at each request.
    for shows, window in caps:  # noqa: SIM110
        if size >= shows and times[size - shows] > now - window:
            return True
    return False


def everywhere(seen: Mapping[str, Sequence[int]], caps: Sequence[tuple[int, int]], now: int) -> bool:
    """The same for all campaigns together."""
    size = 0
    for times in seen.values():
        size += len(times)
    for shows, _ in caps:
        if size >= shows:
            return capped(sorted(one for times in seen.values() for one in times), caps, now)
    return False
