"""What an experiment says, as a page and as lines for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from zhiyin.feedback.experiments import Analysis, Compared, Experiment
from zhiyin.feedback.sequential import FIRST
from zhiyin.report.lines import Chart, Line, inline_chart
from zhiyin.report.sheet import Part, Sheet

HEADER = ("variant", "metric", "people", "first", "variant's", "difference", "interval", "p", "so far")


def sheet_of(experiment: Experiment, told: Analysis) -> Sheet:
    first = experiment.variants[0].name
    figures: list[tuple[str, str]] = []
    for name, course in told.courses.items():
        seen = np.flatnonzero(np.isfinite(course.low))
        if not len(seen):
            continue
        # The first intervals are so wide that nothing else could be seen.
        seen = seen[len(seen) // 10 :] if len(seen) > 20 else seen
        values = (course.people[seen].astype(float), course.difference[seen], course.low[seen], course.high[seen])
        title = f"{name} less {first}: {experiment.metric}"
        line = Line(name, *values, main=True)
        chart = Chart(title, "people whose time is over", "difference", [line], level=0.0, from_zero=False)
        figures.append((title, inline_chart(f"course-{len(figures)}", chart)))
    level = f"{1 - experiment.alpha:.0%}"
    parts = [
        Part(
            "The difference",
            [
                f"What decides is {experiment.metric}, once per person, over {experiment.window_days:g} days from "
                f"their first list. Intervals hold at every moment at once ({level} for all that is looked at "
                "together): this page may be opened as often as one likes, and the experiment ended when it says "
                "something."
            ],
            figures,
            _table(told.compared, first),
            [] if figures else [f"Nothing is drawn before every variant has {FIRST} people whose time is over."],
        )
    ]
    if told.guardrails:
        words = ["What must not get worse. Broken: surely worse by more than is tolerated. Safe: surely not."]
        parts.append(Part("Guardrails", words, table=_table(told.guardrails, first)))
    weights = [one.weight / sum(experiment.weights) for one in experiment.variants]
    rows = [
        (one.name, one.pipeline, f"{share:.1%}", f"{told.assigned[one.name]:,}", f"{told.counted[one.name]:,}")
        for one, share in zip(experiment.variants, weights, strict=True)
    ]
    total = max(1, sum(told.assigned.values()))
    came = ", ".join(f"{name} {count / total:.1%}" for name, count in told.assigned.items())
    parts.append(
        Part(
            "Who took part",
            ["Only people who were shown a list count."],
            table=[("variant", "pipeline", "dealt out", "shown a list", "time is over"), *rows],
            small=[
                f"Came: {came}. The chance of shares as far off as these, looked at at every moment, is "
                f"{_p(told.mismatch)}.",
                f"{told.mixed:,} people were shown more than one variant, and are left out.",
            ],
        )
    )
    facts = [(name, f"{count:,}") for name, count in told.counted.items()]
    return Sheet("experiment", told.name, _sentence(told.verdict), parts, facts=facts)


def lines_of(experiment: Experiment, told: Analysis) -> list[str]:
    """The same for a terminal."""
    people = ", ".join(f"{name} {told.counted[name]:,} of {count:,}" for name, count in told.assigned.items())
    lines = [f"{told.name}: {told.verdict}", f"people whose time is over: {people}"]
    for one in (*told.compared, *told.guardrails):
        guard = "" if one.tolerance is None else f"guardrail ({one.tolerance:.0%}), "
        span = "no interval yet" if math.isnan(one.low) else f"{one.low:+.4g} to {one.high:+.4g}"
        lines.append(
            f"  {one.variant}, {one.metric}: {guard}{_number(one.base)} -> {_number(one.mean)}, {span}: {one.said}"
        )
    lines.append(f"shares of people as they came: p = {_p(told.mismatch)}; {told.mixed:,} saw several variants")
    return lines


def _table(rows: Sequence[Compared], first: str) -> list[tuple[str, ...]]:
    header = tuple(first if name == "first" else name for name in HEADER)
    return [header, *(_row(one) for one in rows)]


def _row(one: Compared) -> tuple[str, ...]:
    span = "–" if math.isnan(one.low) else f"{one.low:+.4g} to {one.high:+.4g}"
    people = f"{one.people[0]:,} + {one.people[1]:,}"
    figures = (_number(one.base), _number(one.mean), "–" if math.isnan(one.difference) else f"{one.difference:+.4g}")
    said = one.said if one.tolerance is None else f"{one.said} (tolerates {one.tolerance:.0%})"
    return one.variant, one.metric, people, *figures, span, _p(one.p), said


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
