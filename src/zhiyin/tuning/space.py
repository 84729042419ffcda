"""Where parameters are looked for: between the values that a model's own ``search_space`` names.

Nothing is stated here that a model has not said. The values of a number, in order, are places 0, 1, 2, ... on a scale;
what lies between two of them is reached along it, by equal ratios (by equal steps from 0 on). So the scale is as fine
where the model's values are close, and 0 has its place. Other values are told apart by name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any, get_args

from zhiyin.search import numeric

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution
    from pydantic import BaseModel

DIGITS = 3
"""Significant digits of a value between two of the model's own: a config is read by people."""

Places = dict[str, Any]
"""One point of a space: by parameter, a place on its scale or one of its options."""


@dataclass(frozen=True)
class Scale:
    """A number, by its place among ``values`` (rising). ``whole``: of a field that holds integers. ``stepped``: only
    the values themselves, since any other would need the expensive part of the model again."""

    values: tuple[float, ...]
    whole: bool = False
    stepped: bool = False

    def suggest(self, trial: Trial, name: str) -> float:
        last = len(self.values) - 1
        return trial.suggest_int(name, 0, last) if self.stepped else trial.suggest_float(name, 0, last)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution, IntDistribution

        last = len(self.values) - 1
        return IntDistribution(0, last) if self.stepped else FloatDistribution(0, last)

    def at(self, place: float) -> float:
        """The value at ``place``, from 0 to len(values) - 1."""
        below = min(int(place), len(self.values) - 1)
        share = place - below
        low, high = self.values[below], self.values[min(below + 1, len(self.values) - 1)]
        if share == 0:
            return low
        value = _between(low, high, share)
        return round(value) if self.whole else min(max(float(f"{value:.{DIGITS}g}"), low), high)

    def place(self, value: float) -> float:
        """Where ``value`` is; beyond the ends, the end."""
        value = min(max(value, self.values[0]), self.values[-1])
        above = max(1, bisect_left(self.values, value))
        low, high = self.values[above - 1], self.values[above]
        share = (log(value) - log(low)) / (log(high) - log(low)) if low > 0 else (value - low) / (high - low)
        if self.stepped:
            return above - 1 + round(share)
        return min(above - 1 + share, float(above))


def _between(low: float, high: float, share: float) -> float:
    return exp(log(low) + share * (log(high) - log(low))) if low > 0 else low + share * (high - low)


@dataclass(frozen=True)
class Options:
    """One of several values that have no order."""

    values: tuple[Any, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        return trial.suggest_categorical(name, self.values)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def at(self, place: Any) -> Any:
        return place

    def place(self, value: Any) -> Any:
        return value if value in self.values else self.values[0]


Space = dict[str, Scale | Options]


def space_of(
    params_type: type[BaseModel],
    search_space: Mapping[str, tuple[Any, ...]],
    *,
    fixed: Iterable[str] = (),
    stepped: Iterable[str] = (),
) -> Space:
    """The space of a model by its fields and its own values; parameters in ``fixed`` have no place in it.

    None is left out, for a settings file cannot say it, and so is a parameter of which then fewer than two values
    remain.
    """
    space: Space = {}
    for name, given in search_space.items():
        values = tuple(value for value in given if value is not None)
        if name in fixed or len(set(values)) < 2:
            continue
        if numeric(values):
            kind = params_type.model_fields[name].annotation
            whole = kind is int or (int in get_args(kind) and float not in get_args(kind))
            space[name] = Scale(tuple(sorted(set(values))), whole, name in stepped)
        else:
            space[name] = Options(tuple(dict.fromkeys(values)))
    return space


def suggest(space: Space, trial: Trial) -> Places:
    return {name: axis.suggest(trial, name) for name, axis in space.items()}


def values_at(space: Space, places: Mapping[str, Any]) -> dict[str, Any]:
    """Parameter values of one point."""
    return {name: axis.at(places[name]) for name, axis in space.items()}


def places_of(space: Space, params: BaseModel) -> Places:
    """The point of the space next to ``params``."""
    places = {}
    for name, axis in space.items():
        value = getattr(params, name)
        places[name] = axis.place(axis.values[-1] if value is None and isinstance(axis, Scale) else value)
    return places


def told(space: Space) -> dict[str, Any]:
    """What names the space, for a fingerprint."""
    return {
        name: [type(axis).__name__, list(axis.values), getattr(axis, "stepped", None)] for name, axis in space.items()
    }
