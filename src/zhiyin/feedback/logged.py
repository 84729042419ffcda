"""Rewards of actions that were drawn with known chances, and how well they cover another policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import DataError
from zhiyin.types import Ints, Longs

Values = NDArray[np.float64]
SLACK = 1e-6
"""Chances may miss a sum of 1 by this much."""
FEW = 30.0
"""An effective sample below this says nothing."""
THIN = 0.1
"""Nor does one that is a smaller share of the rows than this, without a warning."""
HEAVY = 0.1
"""Share of all weight that one row may have before it is named."""
WIDE = 0.1
"""How far the mean weight may lie from 1 before the chances are doubted."""


@dataclass(frozen=True)
class Logged:
    """n rows of a log.

    ``action`` int [n] in 0..A-1 was drawn with the chance ``propensity`` [n] in (0, 1] and brought ``reward`` [n].
    ``position`` int [n] >= 0 is where it stood (None: all alike), ``context`` [n, d] is what was known when it was
    drawn (None: nothing). ``cluster`` int [n] says which rows belong together, one person's for example: they are
    resampled together (None: each row is by itself).

    Raises DataError where lengths differ, a figure is not finite or a chance is not in (0, 1].
    """

    reward: Values
    action: Ints
    propensity: Values
    position: Ints | None = None
    context: Values | None = None
    cluster: Longs | None = None

    def __post_init__(self) -> None:
        parts: dict[str, NDArray[Any] | None] = {"action": self.action, "propensity": self.propensity}
        parts |= {"position": self.position, "context": self.context, "cluster": self.cluster}
        for name, one in parts.items():
            if one is not None and len(one) != len(self.reward):
                raise DataError(f"{len(one)} of {name} and {len(self.reward)} rewards", fix="give one for each row")
        for name in ("reward", "propensity", "context"):
            one = getattr(self, name)
            if one is not None and not np.isfinite(one).all():
                raise DataError(f"a {name} is not a number", fix="leave such rows out, and say how many")
        if len(self.reward) and (self.propensity.min() <= 0 or self.propensity.max() > 1):
            raise DataError("a logged chance is not in (0, 1]", fix="leave out rows whose chance was not logged")
        if len(self.reward) and (self.action.min() < 0 or (self.position is not None and self.position.min() < 0)):
            raise DataError("an action or a position is below 0", fix="number them from 0")

    def __len__(self) -> int:
        return len(self.reward)


def logged(
    reward: Any, action: Any, propensity: Any, position: Any = None, context: Any = None, cluster: Any = None
) -> Logged:
    """``Logged`` out of anything that numpy takes for an array."""
    return Logged(
        np.asarray(reward, dtype=np.float64),
        np.asarray(action, dtype=np.int32),
        np.asarray(propensity, dtype=np.float64),
        None if position is None else np.asarray(position, dtype=np.int32),
        None if context is None else np.asarray(context, dtype=np.float64).reshape(len(np.asarray(reward)), -1),
        None if cluster is None else np.asarray(cluster, dtype=np.int64),
    )


def frequencies(action: Ints, position: Ints | None, actions: int) -> Values:
    """How often each action was taken at each position: [P, A], rows that sum to 1.

    The mean over time of a policy that does not look at who asks. (Not so the mean of the chances it logged: an action
    is logged when it was drawn, so the moments at which it was likely are seen too often.) A position that was never
    used has all chances alike.
    """
    at = np.zeros(len(action), dtype=np.int32) if position is None else position
    counts = np.zeros((int(at.max(initial=0)) + 1, actions))
    np.add.at(counts, (at, action), 1.0)
    totals = counts.sum(axis=1, keepdims=True)
    found: Values = np.where(totals > 0, counts / np.maximum(totals, 1), 1 / actions)
    return found


def checked(target: Values, log: Logged) -> Values:
    """The other policy's chance of the action taken, [n]. ``target`` is that, or its chances of all actions [n, A].
    Raises DataError where they cannot be chances."""
    if len(target) != len(log):
        raise DataError(f"{len(target)} chances of the policy and {len(log)} rows", fix="give one for each row")
    if len(target) and (not np.isfinite(target).all() or target.min() < 0 or target.max() > 1 + SLACK):
        raise DataError("a chance of the policy is not in [0, 1]", fix="check how they were computed")
    if target.ndim == 1:
        return target
    if len(log) and (target.shape[1] <= log.action.max() or np.abs(target.sum(axis=1) - 1).max() > SLACK):
        raise DataError("the policy's chances of all actions do not sum to 1", fix="give a column for each action")
    taken: Values = target[np.arange(len(log)), log.action]
    return taken


def effective_size(weights: Values) -> float:
    """(sum w)^2 / sum w^2: how many rows of equal weight would be as sure (Kish, 1965). 0 where no row has weight."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def warnings_of(weights: Values, log: Logged, target: Values) -> list[str]:
    """One line for each sign that the log says little of the policy; empty where there is none."""
    if not len(weights) or weights.max() == 0:
        return ["the log holds nothing that the policy would do: no estimate is of use"]
    said = []
    size, mean = effective_size(weights), float(weights.mean())
    if size < FEW or size < THIN * len(weights):
        share = size / len(weights)
        said.append(f"weights are nearly useless: {len(weights):,} rows are worth {size:,.0f} ({share:.1%})")
    top = float(weights.max() / weights.sum())
    if top > HEAVY:
        said.append(f"one row has {top:.0%} of all weight")
    error = float(weights.std(ddof=1) / np.sqrt(len(weights))) if len(weights) > 1 else np.inf
    if abs(mean - 1) > max(WIDE, 4 * error):
        said.append(f"weights have a mean of {mean:.2f} where 1 is expected: the logged chances are wrong, or cut off")
    if target.ndim == 2:
        unseen = np.setdiff1d(np.arange(target.shape[1]), log.action)
        lost = float(target[:, unseen].sum(axis=1).mean()) if len(unseen) else 0.0
        if lost > 0.01:
            said.append(f"{lost:.0%} of what the policy would do was never logged")
    return said
