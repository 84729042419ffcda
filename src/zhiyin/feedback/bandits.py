"""Whom to try: bandits that learn from outcomes and say with what chance they choose.

Both take a place of a list for a part of a trial: a person looks at place k with the weight 1 / log2(k + 1), so that an
item is not blamed for standing low (a position-based model; Lagree, Vernade and Cappe, 2016). What is learned loses
half its weight in ``half_life`` microseconds. Outcomes may come late: ``learn`` counts what was shown, and ``credit``
what came of it, whenever that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import DataError, UsageError
from zhiyin.types import Longs

Values = NDArray[np.float64]
GRID = 21
"""Quantiles of each different arm at which ``best_of`` adds up."""
RATES = 800
"""Rates at which ``Thompson.chances`` does, evenly spaced in log-odds from -16 to 16: the same for all arms, so that
each is worked out once."""
KNOWN = 20_000
"""Arms that are kept worked out."""
FORMAT = 1


def examined(position: NDArray[np.integer[Any]]) -> Values:
    """How likely a place (from 1) is looked at, on a scale on which the first has 1."""
    found: Values = 1 / np.log2(np.asarray(position, dtype=np.float64) + 1)
    return found


@dataclass
class Thompson:
    """Thompson sampling over arms with rewards in [0, 1] (Thompson, 1933; Beta-Bernoulli).

    Each arm's rate has the prior Beta(strength * rate, strength * (1 - rate)), ``rate`` being that of all arms
    together: an arm of which nothing is known is taken for a typical one of which nothing is known. ``trials`` and
    ``successes`` are by arm, as of ``now``.
    """

    strength: float = 4.0
    half_life: float | None = None
    trials: dict[str, float] = field(default_factory=dict)
    successes: dict[str, float] = field(default_factory=dict)
    now: int | None = None
    _below: dict[tuple[float, float], Values] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.strength > 0 or (self.half_life is not None and not self.half_life > 0):
            raise UsageError("strength and half-life must be above 0", fix="leave half_life out to forget nothing")

    def learn(self, ids: Sequence[str], position: NDArray[np.integer[Any]], times: Longs) -> None:
        """Items ``ids`` were shown at ``position`` (from 1) at ``times`` (microseconds)."""
        self._add(self.trials, ids, examined(position), times)

    def credit(self, ids: Sequence[str], reward: Values, times: Longs) -> None:
        """``reward`` in [0, 1] came of showing ``ids`` at ``times`` (those of the impressions)."""
        self._add(self.successes, ids, reward, times)

    def posterior(self, ids: Sequence[str]) -> tuple[Values, Values]:
        """Beta parameters a and b of each arm, float64 [m], above 0."""
        shown, won = sum(self.trials.values()), sum(self.successes.values())
        rate = (won + 0.5) / (max(shown, won) + 1.0)
        wins = np.array([self.successes.get(key, 0.0) for key in ids], dtype=np.float64)
        tries = np.array([self.trials.get(key, 0.0) for key in ids], dtype=np.float64)
        return self.strength * rate + wins, self.strength * (1 - rate) + np.maximum(tries - wins, 0.0)

    def chances(self, ids: Sequence[str], told: Values | None = None) -> Values:
        """The chance [m] that each of ``ids`` has the highest draw, added up over fixed rates (to about 0.01 of
        ``best_of``); ``told`` is not looked at."""
        pairs, same = _pairs(*self.posterior(ids))
        if len(pairs) < 2:
            return np.full(len(ids), 1 / max(1, len(ids)))
        if len(self._below) > KNOWN:
            self._below.clear()
        rows = [self._row(float(a), float(b)) for a, b in pairs]
        return _added_up(np.stack(rows), same)

    def _row(self, a: float, b: float) -> Values:
        """Beta's distribution function at 0, the fixed rates and 1."""
        found = self._below.get((a, b))
        if found is None:
            from scipy.special import betainc

            rates = 1 / (1 + np.exp(-np.linspace(-16, 16, RATES)))
            found = self._below[a, b] = np.concatenate(([0.0], betainc(a, b, rates), [1.0]))
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "strength": self.strength,
            "half_life": self.half_life,
            "now": self.now,
            "trials": self.trials,
            "successes": self.successes,
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Thompson:
        """Raises DataError where ``told`` is nothing that ``to_dict`` made."""
        try:
            _check_format(told)
            trials = {str(key): float(value) for key, value in told["trials"].items()}
            successes = {str(key): float(value) for key, value in told["successes"].items()}
            return cls(float(told["strength"]), told["half_life"], trials, successes, told["now"])
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            raise DataError("this is no state of a bandit", fix="learn it again from the outcomes") from broken

    def _add(self, counts: dict[str, float], ids: Sequence[str], worth: Values, times: Longs) -> None:
        if not len(times):
            return
        latest = int(np.max(times)) if self.now is None else max(self.now, int(np.max(times)))
        if self.half_life is not None and self.now is not None and latest > self.now:
            kept = 0.5 ** ((latest - self.now) / self.half_life)
            for held in (self.trials, self.successes):
                for key in held:
                    held[key] *= kept
        self.now = latest
        weight = worth * _kept(latest, times, self.half_life)
        for key, value in zip(ids, weight.tolist(), strict=True):
            counts[key] = counts.get(key, 0.0) + value


@dataclass
class LinUcb:
    """LinUCB with one model for all arms (Li, Chu, Langford and Schapire, 2010), made to draw.

    With A = ridge I + sum w x x', b = sum r x: the bound of an arm is x' A^-1 b + alpha sqrt(x' A^-1 x). The highest
    bound alone would leave no chances to log, so arms are drawn by softmax(bound / temperature).
    """

    size: int
    alpha: float = 0.5
    temperature: float = 0.02
    ridge: float = 1.0
    half_life: float | None = None
    matrix: Values = field(default_factory=lambda: np.zeros((0, 0)))
    vector: Values = field(default_factory=lambda: np.zeros(0))
    now: int | None = None

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.ridge > 0 and self.alpha >= 0 and self.size > 0):
            raise UsageError("temperature, ridge and size must be above 0, alpha not below", fix="see docs/feedback.md")
        if not len(self.matrix):
            self.matrix, self.vector = np.zeros((self.size, self.size)), np.zeros(self.size)

    def learn(self, told: Values, position: NDArray[np.integer[Any]], times: Longs) -> None:
        """Items of which ``told`` [m, size] was known were shown at ``position`` (from 1) at ``times``."""
        weight = examined(position) * self._aged(times)
        self.matrix = self.matrix + (told * weight[:, None]).T @ told

    def credit(self, told: Values, reward: Values, times: Longs) -> None:
        """``reward`` came of showing them."""
        self.vector = self.vector + told.T @ (reward * self._aged(times))

    def bounds(self, told: Values) -> Values:
        """Upper bounds of the expected rewards, float64 [m]."""
        solved = np.linalg.solve(self.matrix + self.ridge * np.eye(self.size), np.column_stack((self.vector, told.T)))
        spread = np.maximum((told * solved[:, 1:].T).sum(axis=1), 0.0)
        found: Values = told @ solved[:, 0] + self.alpha * np.sqrt(spread)
        return found

    def chances(self, ids: Sequence[str], told: Values) -> Values:
        """softmax(bounds / temperature), float64 [m]; ``ids`` are not looked at."""
        scaled = self.bounds(told) / self.temperature
        found: Values = np.exp(scaled - scaled.max(initial=-np.inf))
        return found if not len(found) else found / float(found.sum())

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "size": self.size,
            "alpha": self.alpha,
            "temperature": self.temperature,
            "ridge": self.ridge,
            "half_life": self.half_life,
            "now": self.now,
            "matrix": self.matrix.tolist(),
            "vector": self.vector.tolist(),
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> LinUcb:
        """Raises DataError where ``told`` is nothing that ``to_dict`` made."""
        try:
            _check_format(told)
            size = int(told["size"])
            matrix = np.array(told["matrix"], dtype=np.float64).reshape(size, size)
            vector = np.array(told["vector"], dtype=np.float64).reshape(size)
            how = {name: float(told[name]) for name in ("alpha", "temperature", "ridge")}
            return cls(size, **how, half_life=told["half_life"], matrix=matrix, vector=vector, now=told["now"])
        except (KeyError, TypeError, ValueError) as broken:
            raise DataError("this is no state of a bandit", fix="learn it again from the outcomes") from broken

    def _aged(self, times: Longs) -> Values:
        """Weights of rows of ``times``; what was learned before is aged to the latest of them."""
        if not len(times):
            return np.zeros(0)
        latest = int(np.max(times)) if self.now is None else max(self.now, int(np.max(times)))
        if self.half_life is not None and self.now is not None and latest > self.now:
            kept = 0.5 ** ((latest - self.now) / self.half_life)
            self.matrix, self.vector = self.matrix * kept, self.vector * kept
        self.now = latest
        return _kept(latest, times, self.half_life)


def best_of(a: Values, b: Values) -> Values:
    """The chance [m] that arm j has the highest of independent draws from Beta(a, b): the integral of prod_{i != j} F_i
    over dF_j, added up over the quantiles of all arms. Sums to 1."""
    from scipy.special import betainc, betaincinv

    pairs, same = _pairs(a, b)
    if len(pairs) < 2:
        return np.full(len(a), 1 / max(1, len(a)))
    first, second = pairs[:, :1], pairs[:, 1:]
    levels = np.linspace(0, 1, GRID)[None, 1:-1]
    inner = betaincinv(first, second, levels)
    tails = np.stack([betaincinv(first[:, 0], second[:, 0], level) for level in (1e-4, 1e-3, 0.999, 0.9999)])
    grid = np.unique(np.concatenate(([0.0], inner.ravel(), tails.ravel(), [1.0])))
    return _added_up(betainc(first, second, grid[None, :]), same)


def _pairs(a: Values, b: Values) -> tuple[Values, Longs]:
    """The different arms [p, 2], and which of them each is [m]."""
    pairs, same = np.unique(np.column_stack((a, b)), axis=0, return_inverse=True)
    return pairs, np.asarray(same, dtype=np.int64).reshape(-1)


def _added_up(below: Values, same: Longs) -> Values:
    """``best_of`` from the distribution functions ``below`` [p, g] of the different arms along rising rates."""
    logs = np.log(np.maximum(below, 1e-300))
    others = np.exp(np.bincount(same, minlength=len(below)) @ logs - logs)
    each = (np.diff(below, axis=1) * (others[:, :-1] + others[:, 1:]) / 2).sum(axis=1)
    found: Values = np.maximum(each, 0.0)[same]
    found /= found.sum()
    return found


def _kept(latest: int, times: Longs, half_life: float | None) -> Values:
    if half_life is None:
        return np.ones(len(times))
    found: Values = 0.5 ** ((latest - np.asarray(times, dtype=np.float64)) / half_life)
    return found


def _check_format(told: Mapping[str, Any]) -> None:
    if told["format"] != FORMAT:
        raise ValueError("of another format")
