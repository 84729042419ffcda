"""Experiments: what one is, who belongs to which variant, and what can be said of it at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from zhiyin.errors import ConfigError, UsageError
from zhiyin.feedback.buckets import number_of, place_of
from zhiyin.feedback.measures import METRICS, People, measured, people_of
from zhiyin.feedback.sequential import FIRST, Course, Values, differences, mismatch, rho_for
from zhiyin.types import DEFAULT_SURFACE

if TYPE_CHECKING:
    import polars as pl

MISMATCHED = 0.001
"""Below this p-value of the shares of people nothing else is believed."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Variant(_Told):
    name: str = Field(min_length=1, max_length=60)
    pipeline: str = Field(min_length=1, max_length=60)
    """The pipeline file that re-ranks for it, by name."""
    weight: float = Field(1.0, gt=0)
    """Its part of the people, relative to the others."""


class Guardrail(_Told):
    metric: str = Field(min_length=1)
    """What must not fall (or, with ``direction`` "down", rise)."""
    tolerance: float = Field(0.05, ge=0)
    """By more than this share of the first variant's mean."""
    direction: Literal["up", "down"] = "up"


class Experiment(_Told):
    """The first variant is what the others are held against."""

    variants: list[Variant] = Field(min_length=2, max_length=20)
    surface: str = Field(DEFAULT_SURFACE, min_length=1)
    """Where it runs."""
    metric: str = "reward"
    """What decides: reward (events that came of what was shown, of one person), taken (whether there was one),
    per_list (reward of a list), lists, or events:TYPE (events of that type, however they came about)."""
    guardrails: list[Guardrail] = []
    traffic: float = Field(1.0, gt=0, le=1)
    """Share of the people who take part; the others get the surface's own pipeline, and are not looked at."""
    window_days: float = Field(1.0, gt=0, le=365)
    """A person's outcomes count for this long after their first list, and they count once that is over."""
    people: int = Field(2000, ge=100)
    """How many people it is planned for: the intervals are tightest there. It may go on, or stop, at any moment."""
    alpha: float = Field(0.05, gt=0, lt=0.5)
    """Chance of any false alarm over the whole run, however often it is looked at."""
    salt: str = ""
    """What people are dealt out by beside their id; "" takes the experiment's name."""

    @model_validator(mode="after")
    def _sound(self) -> Experiment:
        names = [one.name for one in self.variants]
        if len(set(names)) < len(names):
            raise ValueError("two variants have the same name")
        for metric in (self.metric, *(one.metric for one in self.guardrails)):
            if metric not in METRICS and not (metric.startswith("events:") and len(metric) > len("events:")):
                raise ValueError(f"unknown metric '{metric}': use one of {', '.join(METRICS)}, or events:TYPE")
        return self

    @property
    def weights(self) -> list[float]:
        return [one.weight for one in self.variants]

    def variant_of(self, name: str, user_id: str) -> Variant | None:
        """The variant of ``user_id`` in the experiment ``name``; None for who takes no part. The more ``traffic``, the
        more people, and nobody changes the variant."""
        salt = self.salt or name
        if number_of(f"{salt}\ntraffic", user_id) >= self.traffic:
            return None
        return self.variants[place_of(salt, user_id, self.weights)]


def make_experiment(told: Mapping[str, Any], name: str) -> Experiment:
    """Raises ConfigError naming the key that is wrong."""
    try:
        return Experiment(**told)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        what = f"{f'{key}: ' if key else ''}{first['msg'].removeprefix('Value error, ')}"
        raise ConfigError(what, where=f"experiment {name}", fix="see docs/feedback.md") from invalid


@dataclass(frozen=True)
class Compared:
    """A variant against the first one by ``metric``: means, and their difference with an interval that holds at every
    moment (NaN before there are ``FIRST`` people in both). ``p`` is the least alpha so far that would leave out 0.

    ``said``: "better", "worse" or "open"; of a guardrail "broken" (worse by more than it tolerates), "safe" or "open".
    """

    variant: str
    metric: str
    people: tuple[int, int]
    base: float
    mean: float
    difference: float
    low: float
    high: float
    p: float
    said: str
    tolerance: float | None = None


@dataclass(frozen=True)
class Analysis:
    """What an experiment says. ``assigned`` counts everybody who was shown a list, by variant; ``counted`` those whose
    time is over; ``mixed`` were shown lists of several variants and are left out. ``mismatch`` is the p-value of the
    shares of people. ``verdict`` is one line. ``courses`` are the paths of the deciding metric by variant."""

    name: str
    assigned: dict[str, int]
    counted: dict[str, int]
    mixed: int
    mismatch: float
    compared: list[Compared]
    guardrails: list[Compared]
    verdict: str
    courses: dict[str, Course]

    def to_dict(self) -> dict[str, Any]:
        told: dict[str, Any] = _without_nan(asdict(replace(self, courses={})))
        del told["courses"]
        return told


def analyse(name: str, experiment: Experiment, shown: pl.DataFrame, events: pl.DataFrame, now: int) -> Analysis:
    """``shown`` is a frame of ``outcomes`` for the lists of this experiment, ``events`` those of the store. Only people
    who were shown a list count, each once, in the order in which their time was over. ``now`` in microseconds."""
    if len(experiment.variants) < 2:
        raise UsageError("an experiment needs two variants", where=name)
    people = people_of(shown, [one.name for one in experiment.variants], experiment.window_days, now)
    counts = {one.name: int((people.everybody == place).sum()) for place, one in enumerate(experiment.variants)}
    p = mismatch(list(counts.values()), experiment.weights)
    tests = (len(experiment.variants) - 1) * (1 + len(experiment.guardrails))
    # The chance of a false alarm is shared among everything that is looked at.
    alpha = experiment.alpha / tests
    value = measured(experiment.metric, people, shown, events)
    compared, courses, guarded = [], {}, []
    for place, variant in enumerate(experiment.variants[1:], 1):
        one, course = _compare(variant.name, place, experiment.metric, people, value, experiment, alpha)
        compared.append(one)
        courses[variant.name] = course
        for guard in experiment.guardrails:
            worth = measured(guard.metric, people, shown, events)
            guarded.append(_guard(variant.name, place, guard, people, worth, experiment, alpha))
    counted = {one.name: int((people.variant == place).sum()) for place, one in enumerate(experiment.variants)}
    verdict = _verdict(p, compared, guarded, counted)
    return Analysis(name, counts, counted, people.mixed, p, compared, guarded, verdict, courses)


def _compare(
    name: str, place: int, metric: str, people: People, value: Values, experiment: Experiment, alpha: float
) -> tuple[Compared, Course]:
    kept = (people.variant == 0) | (people.variant == place)
    group, own = people.variant[kept] == place, value[kept]
    share = (experiment.weights[0] + experiment.weights[place]) / sum(experiment.weights)
    course = differences(group, own, rho=rho_for(max(100.0, experiment.people * share), alpha), alpha=alpha)
    sizes = (int((~group).sum()), int(group.sum()))
    base, mean = (float(own[one].mean()) if one.any() else float("nan") for one in (~group, group))
    difference, low, high, p = float("nan"), float("nan"), float("nan"), 1.0
    if len(own):
        difference, low, high, p = (float(one[-1]) for one in (course.difference, course.low, course.high, course.p))
    said = "better" if low > 0 else "worse" if high < 0 else "open"
    return Compared(name, metric, sizes, base, mean, difference, low, high, p, said), course


def _guard(
    name: str, place: int, guard: Guardrail, people: People, value: Values, experiment: Experiment, alpha: float
) -> Compared:
    signed = value if guard.direction == "up" else -value
    one, _ = _compare(name, place, guard.metric, people, signed, experiment, alpha)
    most = guard.tolerance * abs(one.base)
    said = "broken" if one.high < -most else "safe" if one.low > -most else "open"
    low, high = (one.low, one.high) if guard.direction == "up" else (-one.high, -one.low)
    sign = 1.0 if guard.direction == "up" else -1.0
    figures = (sign * one.base, sign * one.mean, sign * one.difference, low, high, one.p)
    return Compared(name, guard.metric, one.people, *figures, said, guard.tolerance)


def _verdict(p: float, compared: list[Compared], guarded: list[Compared], counted: dict[str, int]) -> str:
    if p < MISMATCHED:
        return (
            f"do not believe it: people came in other shares than they were dealt out (p = {p:.2g}); lists are lost, "
            "or noted twice, in one variant"
        )
    if broken := next((one for one in guarded if one.said == "broken"), None):
        return f"stop: '{broken.variant}' breaks the guardrail on {broken.metric}"
    if min(counted.values()) < FIRST:
        least = min(counted.values())
        return f"too early: every variant needs {FIRST} people whose time is over, and one has {least}"
    better = [one for one in compared if one.said == "better"]
    if better:
        best = max(better, key=lambda one: one.difference)
        unsure = [one.metric for one in guarded if one.variant == best.variant and one.said == "open"]
        wait = f"; not yet sure of {', '.join(unsure)}" if unsure else ""
        return f"'{best.variant}' is better by {best.difference:.4g} ({best.low:.4g} to {best.high:.4g}){wait}"
    if all(one.said == "worse" for one in compared):
        return "stop: what is there is better than every variant"
    return "open: no difference is sure yet"


def _without_nan(told: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(told, dict):
        return {key: _without_nan(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [_without_nan(value) for value in told]
    return None if isinstance(told, float) and not np.isfinite(told) else told
