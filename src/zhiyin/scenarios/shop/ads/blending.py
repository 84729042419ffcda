"""Advertisements among recommended items: at set places, at most so many, not close together, none in a short list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from zhiyin.scenarios.shop.ads.policy import Places

T = TypeVar("T")
A = TypeVar("A")


def positions(places: Places, organic: int) -> list[int]:
    """Where advertisements may stand (from 1, counted with them) in a list of ``organic`` recommended items."""
    if organic < places.shortest:
        return []
    found: list[int] = []
    for place in sorted(set(places.positions)):
        if len(found) >= places.at_most or place - 1 - len(found) > organic:
            break
        if not found or place - found[-1] - 1 >= places.gap:
            found.append(place)
    return found


def blend(organic: Sequence[T], ads: Sequence[A], at: Sequence[int]) -> list[T | A]:
    """``organic`` in its order with ``ads`` at the first of the positions ``at``; what has no position is left out."""
    found: list[T | A] = list(organic)
    for one, place in zip(ads, at, strict=False):
        found.insert(place - 1, one)
    return found
