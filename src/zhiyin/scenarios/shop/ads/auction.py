"""Who gets a place and what it costs: a second-price auction with a reserve (Vickrey, 1961), place by place; for
several places in one list this is the generalised second price (Edelman, Ostrovsky and Schwarz, 2007).

What a campaign's offer is worth is its bid for a show, or its bid for a click times the chance of a click. The best
offer wins and pays what the second is worth, or the reserve, whichever is more; where it pays by clicks, so much for a
click that the chance makes it that. No price is above the bid.

With the chance ``spare`` a place goes to somebody drawn evenly among all that offer the reserve, at the reserve price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Longs

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Won:
    """For B requests: the winning campaign int [B] (-1: nobody offers the reserve), what a show must bring [B] in
    millionths, and the chance [B] with which the winner was taken, given all offers."""

    campaign: Longs
    worth: Values
    chance: Values


def auction(offers: Values, reserve: float, spare: float, random: np.random.Generator) -> Won:
    """``offers`` [B, C] are worths of one show in millionths, -inf for whoever takes no part."""
    rows = np.arange(len(offers))
    if not offers.shape[1]:
        return Won(np.full(len(offers), -1, dtype=np.int64), np.zeros(len(offers)), np.ones(len(offers)))
    fit = offers >= reserve
    offered = np.where(fit, offers, -np.inf)
    size = fit.sum(axis=1)
    best = offered.argmax(axis=1)
    others = offered.copy()
    others[rows, best] = -np.inf
    second = np.maximum(others.max(axis=1), reserve)
    # One number in [0, 1) says whether the place is spare, and a second one whose it is then.
    spared = random.random(len(offers)) < spare
    nth = np.floor(random.random(len(offers)) * np.maximum(size, 1)).astype(np.int64)
    drawn = (fit.cumsum(axis=1) > nth[:, None]).argmax(axis=1)
    winner = np.where(spared, drawn, best)
    chance = np.where(winner == best, 1 - spare, 0.0) + spare / np.maximum(size, 1)
    worth = np.where(spared, reserve, second)
    return Won(np.where(size > 0, winner, -1), worth, chance)


def prices(worth: Values, chance: Values, bid: Values, by_click: NDArray[np.bool_]) -> Longs:
    """Millionths to pay for the show or the click, whole, never above the bid. ``chance`` of a click is above 0."""
    each = np.where(by_click, worth / np.maximum(chance, 1e-12), worth)
    found: Longs = np.floor(np.minimum(np.ceil(each), bid)).astype(np.int64)
    return found
