"""Lines over time with their intervals, as part of a page or as files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zhiyin.report.svg import ACCENT, GRID, INK, MUTED, STYLE, drawing

Values = NDArray[np.floating[Any]]
POINTS = 240
PRINT = {INK: "#1d2023", MUTED: "#62666b", GRID: "#dcdad2", ACCENT: "#a5371f"}
"""Colours where there is no page to ask."""


@dataclass(frozen=True)
class Line:
    """``y`` over ``x``, with a band from ``low`` to ``high`` (None: without); NaN leave a gap. ``main`` stands out."""

    name: str
    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    main: bool = False


@dataclass(frozen=True)
class Chart:
    """``level`` is a value to hold the lines against, None for none."""

    title: str
    across: str
    up: str
    lines: Sequence[Line]
    level: float | None = None
    from_zero: bool = True


def inline_chart(name: str, chart: Chart) -> str:
    """For a page; ``name`` keeps its ids apart from those of other figures there."""
    with drawing(name, chart.title, right=0.3) as made:
        _draw(made.axes, chart, {colour: colour for colour in PRINT})
    return made.svg


def write_charts(path: Path, charts: Sequence[Chart]) -> None:
    """All charts in one picture, two in a row. The ending of ``path`` says the format (.png or .svg)."""
    style = {key: PRINT.get(value, value) if isinstance(value, str) else value for key, value in STYLE.items()}
    rows = (len(charts) + 1) // 2
    with mpl.rc_context({**style, "svg.hashsalt": path.stem}):
        figure = Figure(figsize=(9.6, 3.2 * rows), layout="constrained")
        figure.patch.set_facecolor("#fcfcfa")
        for place, chart in enumerate(charts, 1):
            axes = figure.add_subplot(rows, 2, place)
            axes.set_title(chart.title, loc="left", fontsize=10.5, fontweight="bold")
            _draw(axes, chart, PRINT)
        more = {"metadata": {"Date": None}} if path.suffix == ".svg" else {"dpi": 144}
        figure.savefig(path, **more)


def _draw(axes: Axes, chart: Chart, colours: dict[str, str]) -> None:
    # What is counted (rounds, people, days) has no halves.
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chart.level is not None:
        axes.axhline(chart.level, color=colours[GRID], linewidth=1.2)
    ends: list[tuple[float, Line]] = []
    for line in sorted(chart.lines, key=lambda one: one.main):
        colour = colours[ACCENT if line.main else MUTED]
        picks = np.unique(np.linspace(0, len(line.x) - 1, min(POINTS, len(line.x))).round().astype(int))
        x, y = line.x[picks], line.y[picks]
        if line.low is not None and line.high is not None:
            axes.fill_between(x, line.low[picks], line.high[picks], color=colour, alpha=0.16, linewidth=0)
        axes.plot(x, y, color=colour, linewidth=1.9 if line.main else 1.5)
        known = np.flatnonzero(np.isfinite(y))
        if len(known):
            ends.append((float(y[known[-1]]), line))
    low, high = axes.get_ylim()
    if chart.from_zero:
        low = min(0.0, low)
        high += 0.14 * (high - low)
    axes.set(xlabel=chart.across, ylabel=chart.up, ylim=(low, high))
    axes.margins(x=0)
    axes.grid(axis="y")
    if len(chart.lines) < 2:
        return
    for place, (_, line) in enumerate(sorted(ends, key=lambda end: -end[0])):
        axes.annotate(
            line.name,
            (0.02 if place == 0 else 0.98, 0.97),
            xycoords="axes fraction",
            ha="left" if place == 0 else "right",
            va="top",
            color=colours[ACCENT if line.main else MUTED],
            fontweight="bold" if line.main else "normal",
        )
