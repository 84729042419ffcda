"""What a simulation shows: figures with intervals over people, and a page of its curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.feedback.rounds import Interval, Values, over_people
from zhiyin.report.lines import Chart, Line, inline_chart, write_charts
from zhiyin.report.sheet import Part, Sheet, write_sheet
from zhiyin.simulate import Arm, Simulated

ENDS = 5
"""Rounds at the beginning and at the end that are held against each other."""
ASSUMED = (
    "Each person has a theme (categories drawn evenly, Dirichlet weights), a taste (the mean of three random items' "
    "texts) and shares a liking for good items with everybody; the three decide, in log-odds, whether an item that is "
    "looked at is clicked. The engine is never told any of it.",
    "Place k is looked at with the chance 1 / log2(k + 1). An item that was looked at and not clicked is wanted less "
    "each time, and so are items of the categories that were clicked of late.",
    "Everybody is new in the first round and gets one list a round. Between rounds clicks go back as events and the "
    "core is trained again with its defaults, as in a service that retrains every day; nothing is searched.",
    "Both runs have the same people, who decide alike over the same lists.",
)


@dataclass(frozen=True)
class Figures:
    """``rise``: clicks a list in the last rounds less those in the first ones, by arm. ``cost``: clicks a list with
    exploration less those without, over all rounds. ``covered``: the mean coverage of a round, and ``so_far`` that of
    all rounds, with exploration over that without."""

    rise: dict[str, Interval]
    cost: Interval
    covered: float
    so_far: float

    def to_dict(self) -> dict[str, Any]:
        told = {name: vars(one) for name, one in self.rise.items()}
        return {"rise": told, "cost": vars(self.cost), "covered": self.covered, "so_far": self.so_far}


def figures_of(told: Simulated) -> Figures:
    plain, exploring = told.arms
    ends = min(ENDS, told.params.rounds // 2)
    rise = {
        arm.name: over_people(
            [mean_of(arm.reward[:ends]), mean_of(arm.reward[-ends:])], lambda first, last: last - first
        )
        for arm in told.arms
    }
    cost = over_people([mean_of(plain.reward), mean_of(exploring.reward)], lambda without, by: by - without)
    covered = float(np.mean(exploring.coverage) / np.mean(plain.coverage))
    return Figures(rise, cost, covered, exploring.so_far[-1] / plain.so_far[-1])


def mean_of(rewards: Sequence[Values]) -> Values:
    """Each person's mean over rounds."""
    found: Values = np.mean(rewards, axis=0)
    return found


def lines_of(told: Simulated) -> list[str]:
    """For a terminal."""
    figures, rounds = figures_of(told), told.params.rounds
    ends = min(ENDS, rounds // 2)
    lines = [f"{told.params.people.people:,} simulated people, {told.items:,} items, {rounds} rounds"]
    for arm in told.arms:
        first, last = (float(mean_of(some).mean()) for some in (arm.reward[:ends], arm.reward[-ends:]))
        lines.append(
            f"{arm.name}: {first:.3f} clicks a list in the first {ends} rounds, {last:.3f} in the last {ends} "
            f"({_signed(figures.rise[arm.name])}); a round shows {np.mean(arm.coverage):.1%} of the catalogue, "
            f"all together {arm.so_far[-1]:.1%}"
        )
    lines.append(f"exploration: clicks a list {_signed(figures.cost)}; coverage of a round x {figures.covered:.2f}")
    return lines


def charts_of(told: Simulated) -> list[Chart]:
    rounds = np.arange(1, told.params.rounds + 1, dtype=np.float64)

    def line(arm: Arm, values: Sequence[float]) -> Line:
        return Line(arm.name, rounds, np.asarray(values), main=arm is told.arms[1])

    def chart(title: str, up: str, values: dict[str, Sequence[float]]) -> Chart:
        return Chart(title, "round", up, [line(arm, values[arm.name]) for arm in told.arms])

    rewards = []
    for arm in told.arms:
        mean = np.array([one.mean() for one in arm.reward])
        error = 1.96 * np.array([one.std(ddof=1) / np.sqrt(len(one)) for one in arm.reward])
        rewards.append(Line(arm.name, rounds, mean, mean - error, mean + error, arm is told.arms[1]))
    percent = {"coverage": "coverage", "so_far": "so_far"}
    table = {name: {arm.name: [100 * one for one in getattr(arm, name)] for arm in told.arms} for name in percent} | {
        name: {arm.name: getattr(arm, name) for arm in told.arms} for name in ("variety", "gini")
    }
    return [
        Chart("Reward", "round", "clicks a list", rewards),
        chart("Coverage of a round", "% of the catalogue shown", table["coverage"]),
        chart("Coverage so far", "% of the catalogue shown", table["so_far"]),
        chart("Variety of a list", "1 - mean cosine", table["variety"]),
        chart("Concentration", "Gini of what is shown", table["gini"]),
    ]


def sheet_of(told: Simulated, project: str) -> Sheet:
    figures, people = figures_of(told), told.params.people.people
    charts = charts_of(told)
    pictures = [(chart.title, inline_chart(f"loop-{place}", chart)) for place, chart in enumerate(charts)]
    ends = min(ENDS, told.params.rounds // 2)
    header = ("", *(arm.name for arm in told.arms))
    rows = [
        (f"clicks a list, first {ends} rounds", *(f"{mean_of(arm.reward[:ends]).mean():.3f}" for arm in told.arms)),
        (f"clicks a list, last {ends} rounds", *(f"{mean_of(arm.reward[-ends:]).mean():.3f}" for arm in told.arms)),
        ("the second less the first", *(_signed(figures.rise[arm.name]) for arm in told.arms)),
        ("coverage of a round", *(f"{np.mean(arm.coverage):.1%}" for arm in told.arms)),
        ("coverage of all rounds", *(f"{arm.so_far[-1]:.1%}" for arm in told.arms)),
        ("variety of a list", *(f"{np.mean(arm.variety):.3f}" for arm in told.arms)),
        ("Gini of a round", *(f"{np.mean(arm.gini):.3f}" for arm in told.arms)),
        ("places that were open to chance", *(f"{np.mean(arm.explored):.1%}" for arm in told.arms)),
    ]
    facts = [("people", f"{people:,}"), ("items", f"{told.items:,}"), ("rounds", f"{told.params.rounds:,}")]
    lead = (
        f"With exploration a round shows {figures.covered:.2f} times as much of the catalogue, and a list has "
        f"{_signed(figures.cost)} clicks against one without."
    )
    parts = [
        Part("The loop, round by round", figures=pictures, small=["Bands are 95 % intervals over people."]),
        Part(
            "Figures",
            table=[header, *rows],
            small=["In brackets: 95 % intervals, percentile bootstrap over people, paired."],
        ),
        Part("What is assumed", ASSUMED, small=[json.dumps(told.params.model_dump(mode="json"), ensure_ascii=False)]),
    ]
    return Sheet("simulation", project, lead, parts, facts=facts)


def write_all(folder: Path, told: Simulated, project: str) -> list[Path]:
    """``simulation.html``, ``.png``, ``.svg`` and ``.json`` in ``folder``, which is made. Raises UsageError where they
    cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"simulation.{ending}" for ending in ("html", "png", "svg", "json")]
        write_sheet(paths[0], sheet_of(told, project))
        for path in paths[1:3]:
            write_charts(path, charts_of(told))
        told_all = told.to_dict() | {"figures": figures_of(told).to_dict()}
        paths[3].write_text(json.dumps(told_all, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as failure:
        what = f"cannot write there: {failure.strerror}"
        raise UsageError(what, where=str(folder), fix="choose another folder with --out") from failure
    return paths


def _signed(one: Interval) -> str:
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"
