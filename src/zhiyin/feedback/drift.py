"""When it is time to train again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhiyin.feedback.outcomes import DAY
from zhiyin.feedback.sequential import FIRST, radius, rho_for

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """Each None is not looked at. ``events``: new events since the bundle. ``share``: the same over those it was
    trained on. ``days``: age of the bundle. ``drop``: by how much (as a share) the online metric may surely have
    fallen. ``fewest``: new events without which nothing else counts, for there would be nothing to learn."""

    events: int | None = None
    share: float | None = None
    days: float | None = None
    drop: float | None = None
    fewest: int = 1


def due(
    limits: Limits,
    *,
    trained_on: int,
    new: int,
    trained_at: int,
    now: int,
    before: Sequence[float] | Values = (),
    since: Sequence[float] | Values = (),
) -> str | None:
    """Why it is time, on one line; None where it is not.

    ``trained_on`` events were there in training and ``new`` came since. Times are in microseconds. ``before`` and
    ``since`` are outcomes per person or list (reward, for example) under an earlier, settled bundle and since this one:
    see ``dropped``.
    """
    if new < limits.fewest:
        return None
    if limits.events is not None and new >= limits.events:
        return f"{new:,} new events (limit {limits.events:,})"
    if limits.share is not None and trained_on > 0 and new >= limits.share * trained_on:
        return f"{new:,} new events are {new / trained_on:.1%} of those it was trained on (limit {limits.share:.1%})"
    age = (now - trained_at) / DAY
    if limits.days is not None and age >= limits.days:
        return f"the bundle is {age:.1f} days old (limit {limits.days:g})"
    if limits.drop is not None:
        return dropped(np.asarray(before, dtype=np.float64), np.asarray(since, dtype=np.float64), limits.drop)
    return None


def dropped(before: Values, since: Values, drop: float, alpha: float = 0.01) -> str | None:
    """Why the mean of ``since`` (in the order in which it came) is surely more than ``drop`` (a share) below that of
    ``before``; None where it is not, or both have fewer than ``FIRST`` values.

    It may be asked after every outcome: the upper bound of ``since`` holds at every moment (see ``sequential``), with
    a chance of ``alpha`` for a false alarm; that of ``before`` is one of a settled sample.
    """
    if min(len(before), len(since)) < FIRST:
        return None
    base, mean = float(before.mean()), float(since.mean())
    n = float(len(since))
    spread = float(np.concatenate((before, since)).std())
    half = spread * float(radius(np.array([n]), rho_for(10 * FIRST, alpha), alpha)[0])
    # The base is an estimate too: 2.58 standard errors of it are 99 %.
    floor = (base - 2.58 * float(before.std()) / np.sqrt(len(before))) * (1 - drop)
    if mean + half >= floor:
        return None
    return f"the metric fell from {base:.4g} to {mean:.4g} (at most {mean + half:.4g}), more than {drop:.0%}"
