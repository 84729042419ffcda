"""The figures of the page, each as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.report.svg import ACCENT, GRID, INK, MUTED, PAPER, drawing
from zhiyin.types import Longs

BINS = 36
CURVE_POINTS = 200
NAME_CHARACTERS = 18
LABEL_GAP, LABEL_HEIGHT = 0.035, 0.085
"""Distance of a label from its point and room it needs in height, as shares of the axes."""


@dataclass(frozen=True)
class Point:
    """A model in a figure. ``low`` and ``high``: its 95 % interval on the value shown, None where there is none."""

    name: str
    value: float
    low: float | None
    high: float | None
    served: bool
    other: float = 0.0
    """The second coordinate of a scatter plot."""


def long_tail(item_counts: NDArray[np.integer[Any]]) -> str:
    """Cumulative share of the interactions over the share of the items, the most popular first."""
    ordered = np.sort(np.asarray(item_counts, dtype=np.int64))[::-1]
    held = np.concatenate(([0.0], np.cumsum(ordered) / max(1, ordered.sum())))
    places = np.unique(np.linspace(0, len(ordered), min(CURVE_POINTS, len(ordered)) + 1).round().astype(int))
    with drawing("tail", "Share of the interactions that the most popular items take") as made:
        axes = made.axes
        axes.plot([0, 100], [0, 100], color=GRID, linewidth=1.2)
        axes.plot(places / max(1, len(ordered)) * 100, held[places] * 100, color=INK, linewidth=1.8)
        tenth = len(ordered) // 10
        if tenth:
            axes.plot([10], [held[tenth] * 100], "o", color=INK, markersize=5)
            axes.annotate(
                f"10 % of items: {held[tenth]:.0%}",
                (10, held[tenth] * 100),
                xytext=(9, -3),
                textcoords="offset points",
                va="top",
            )
        axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="% of items, most popular first", ylabel="% of interactions")
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.set_yticks([0, 25, 50, 75, 100])
        axes.grid()
    return made.svg


def activity(times: Longs) -> str:
    """Events over time. ``times``: int64 microseconds, at least two different ones."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    counts, edges = np.histogram(times, bins=min(BINS, int(times.max() - times.min())))
    days = date2num(edges.astype("datetime64[us]"))  # type: ignore[no-untyped-call]
    with drawing("activity", "Events over time", left=0.72) as made:
        axes = made.axes
        axes.bar(days[:-1], counts, width=np.diff(days) * 0.86, align="edge", color=MUTED, linewidth=0)
        locator = AutoDateLocator(minticks=3, maxticks=5)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        axes.xaxis.get_offset_text().set_color(MUTED)
        axes.yaxis.set_major_locator(_few())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set(xlim=(days[0], days[-1]), ylabel="events")
        axes.grid(axis="y")
    return made.svg


def whiskers(measure: str, points: Sequence[Point]) -> str:
    """A row for each model, the best on top: a dot for the mean and a line for its interval."""
    rows = sorted(points, key=lambda point: point.value)
    names = [_short(point.name) for point in rows]
    left = 0.2 + 0.095 * max(map(_width, names), default=0)
    with drawing(measure, f"{measure} of each model", 0.45 + 0.3 * len(rows), left, 0.72, 0.33) as made:
        axes = made.axes
        for place, point in enumerate(rows):
            colour = ACCENT if point.served else MUTED
            if point.low is not None and point.high is not None:
                axes.plot([point.low, point.high], [place, place], color=colour, linewidth=2.2 if point.served else 1.4)
            axes.plot(
                [point.value],
                [place],
                "o",
                markersize=7,
                markerfacecolor=colour if point.served else PAPER,
                markeredgecolor=colour,
                markeredgewidth=1.6,
                clip_on=False,
            )
            axes.annotate(
                f"{point.value:.4f}",
                (1, place),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=colour if point.served else INK,
                annotation_clip=False,
            )
        top = max((point.value if point.high is None else point.high for point in rows), default=0.0)
        axes.set(xlim=(0, top * 1.05 or 1), ylim=(-0.6, len(rows) - 0.4))
        axes.xaxis.set_major_locator(_few())
        axes.set_yticks(range(len(rows)), names)
        for label, point in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_color(ACCENT if point.served else INK)
            label.set_fontweight("bold" if point.served else "normal")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
    return made.svg


def trade_off(across: str, up: str, points: Sequence[Point]) -> str:
    """Models by two measures, ``other`` across (a share, in %) and ``value`` up, each with its name beside it."""
    height = 3.3
    with drawing("tradeoff", f"{up} against {across}", height) as made:
        axes = made.axes
        right = max((point.other for point in points), default=0.0) * 100 * 1.1 or 1
        top = max((point.value for point in points), default=0.0) * 1.12 or 1
        axes.set(xlim=(0, right), ylim=(0, top), xlabel=f"{across}, % of items", ylabel=up)
        axes.xaxis.set_major_locator(_few())
        axes.yaxis.set_major_locator(_few())
        axes.grid()
        spots = _spread(points, right, top)
        for point, spot in zip(points, spots, strict=True):
            colour = ACCENT if point.served else MUTED
            on_left = point.other * 100 > right * 0.62
            axes.plot(
                [point.other * 100],
                [point.value],
                "o",
                markersize=7,
                markerfacecolor=colour if point.served else PAPER,
                markeredgecolor=colour,
                markeredgewidth=1.6,
                clip_on=False,
            )
            axes.annotate(
                _short(point.name),
                (point.other * 100, point.value),
                xytext=(point.other * 100 + right * (-LABEL_GAP if on_left else LABEL_GAP), spot * top),
                textcoords="data",
                arrowprops=None
                if abs(spot * top - point.value) < top * LABEL_HEIGHT / 4
                else {"arrowstyle": "-", "color": MUTED, "shrinkA": 1, "shrinkB": 5, "linewidth": 0.8},
                ha="right" if on_left else "left",
                va="center",
                color=ACCENT if point.served else INK,
                fontweight="bold" if point.served else "normal",
                annotation_clip=False,
            )
    return made.svg


def reliability_plot(table: Sequence[Mapping[str, float]]) -> str:
    """Share that was hit over the chance that was told, both in % on scales of powers of ten: a dot for each bin, a
    line for its interval, the diagonal where both are the same. ``table``: bins with "told", "seen", "low", "high"; a
    bin without a hit has no dot, and its line ends at the edge."""
    values = [one[key] * 100 for one in table for key in ("told", "seen", "high") if one[key] > 0]
    low = min((one[key] * 100 for one in table for key in ("told", "seen") if one[key] > 0), default=1.0) / 1.6
    high = max([low * 10, *values]) * 1.15
    with drawing("reliability", "Share that was hit over the chance that was told", 3.3) as made:
        axes = made.axes
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
        axes.plot([low, high], [low, high], color=GRID, linewidth=1.2)
        for one in table:
            told, seen = max(one["told"] * 100, low), one["seen"] * 100
            axes.plot([told, told], [max(one["low"] * 100, low), one["high"] * 100], color=ACCENT, linewidth=1.6)
            if seen >= low:
                axes.plot([told], [seen], "o", color=ACCENT, markersize=5.5)
        for axis in (axes.xaxis, axes.yaxis):
            _powers(axis, (1, 2, 5) if high / low < 300 else (1,))
        axes.set(xlabel="told: chance of an item, %", ylabel="seen: share taken, %")
        axes.grid()
    return made.svg


def _powers(axis: Any, between: tuple[int, ...]) -> None:
    """Marks at powers of ten times each of ``between``, as plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=between, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: f"{value:g}")


def _spread(points: Sequence[Point], right: float, top: float) -> list[float]:
    """Heights of the labels as a share of the axes: at their points, pushed apart where two would overlap."""
    order = sorted(range(len(points)), key=lambda place: (points[place].value, points[place].name))
    heights = [point.value / top for point in points]
    for _ in range(100):
        moved = False
        for below, above in combinations(order, 2):
            gap = heights[above] - heights[below]
            near = abs(points[below].other - points[above].other) * 100 < right * 0.45
            if near and gap < LABEL_HEIGHT - 1e-9:
                heights[below] -= (LABEL_HEIGHT - gap) / 2
                heights[above] += (LABEL_HEIGHT - gap) / 2
                moved = True
        if not moved:
            break
    return heights


def _short(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"


def _width(name: str) -> float:
    """Width in characters of the Latin script; those of the Chinese one take nearly two."""
    return sum(1.8 if ord(character) > 0x2E7F else 1 for character in name)


def _few() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4)
