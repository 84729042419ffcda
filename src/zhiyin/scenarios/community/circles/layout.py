"""Where circles and their people stand in a picture: circles that share people or edges near each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

ROUNDS = 600
GAP = 0.3
"""Room between two circles, as a share of the larger one's radius."""
FLAT = np.array([0.7, 1.3])
"""Drawn to the middle more from above and below: pictures are wide."""
GOLDEN = np.pi * (3 - np.sqrt(5))


def radii(sizes: Sequence[int]) -> Values:
    """A circle's area follows its number of people; the largest has radius 1."""
    wide = np.sqrt(np.asarray(sizes, dtype=np.float64))
    return wide / max(1.0, float(wide.max(initial=0.0)))


def centres(ties: Values, radius: Values, seed: int = 0) -> Values:
    """Float64 [C, 2]. ``ties`` [C, C] symmetric >= 0 draw circles together, and no two lie on each other. The same
    input gives the same places."""
    count = len(radius)
    if count == 0:
        return np.zeros((0, 2))
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(count) / count
    place: Values = np.stack((np.cos(angle), np.sin(angle)), axis=1) * (1 + radius.sum() / np.pi)
    place = place + rng.normal(0, 0.01, (count, 2))
    pull = ties / max(float(ties.max(initial=0.0)), 1e-12)
    np.fill_diagonal(pull, 0)
    for round_ in range(ROUNDS):
        step = 0.08 * (1 - round_ / ROUNDS) + 0.004
        away = place[:, None] - place[None]
        place = place - step * (pull[:, :, None] * away).sum(axis=1) - step * 0.15 * place * FLAT
        place = apart(place, radius)
    for _ in range(200):
        moved = apart(place, radius)
        if np.abs(moved - place).max() < 1e-4:
            break
        place = moved
    middle: Values = place - place.mean(axis=0)
    return middle


def apart(place: Values, radius: Values) -> Values:
    """Circles that lie on each other give way, each by half."""
    away = place[:, None] - place[None]
    far = np.linalg.norm(away, axis=2) + 1e-9
    wanted = radius[:, None] + radius[None] + GAP * np.maximum(radius[:, None], radius[None])
    over = np.maximum(wanted - far, 0)
    np.fill_diagonal(over, 0)
    return np.asarray(place + (away / far[:, :, None] * over[:, :, None]).sum(axis=1) / 2)


def spots(count: int, centre: Values, radius: float) -> Values:
    """``count`` places spread evenly in a circle, the first in its middle (Vogel, Math. Biosciences 44, 1979)."""
    number = np.arange(count)
    away = radius * 0.92 * np.sqrt((number + 0.5) / max(count, 1))
    found: Values = centre + np.stack((away * np.cos(number * GOLDEN), away * np.sin(number * GOLDEN)), axis=1)
    return found
