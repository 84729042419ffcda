"""The graph of circles as a picture: a disc for each, its people as points, lines by how many they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.explain.text import shortened
from zhiyin.report.files import write_page
from zhiyin.report.svg import ACCENT, GRID, INK, MUTED, PAPER, drawing
from zhiyin.scenarios.community.circles.layout import centres, radii, spots
from zhiyin.scripts import Language
from zhiyin.store.sql import SqlStore

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 900
"""People drawn, at most; of larger communities each circle shows its share."""
MOST = 60
"""Circles drawn, the largest."""
LISTED, COLUMNS = 30, 2
"""Circles whose names stand below, the largest, in so many columns."""
HEIGHT, LINE = 3.4, 0.13
"""Inches: of the graph, and of a line of names."""
COLOURS = {"--ink": "#1d2430", "--muted": "#6b7280", "--line": "#d9dee6", "--accent": "#b4451f", "--paper": "#ffffff"}
"""A picture by itself has no page whose colours it could take."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """``sizes``, ``names`` and ``ids`` by circle; ``shared`` [C, C] counts the people of both; ``members`` holds, of
    those drawn, the circle in which each stands, and the second one each belongs to (-1 for none)."""

    ids: Sequence[str]
    names: Sequence[str]
    sizes: Sequence[int]
    shared: Values
    members: Sequence[tuple[int, int]]


def drawn(store: SqlStore, language: Language) -> Drawn:
    """What is drawn of the circles as kept."""
    from zhiyin.scenarios.community.circles.kept import circles

    found = circles(store)[:MOST]
    place = {one.id: number for number, one in enumerate(found)}
    own: dict[str, list[tuple[float, int]]] = {}
    for member in store.circles.all():
        if member.circle_id in place:
            own.setdefault(member.user_id, []).append((-member.weight, place[member.circle_id]))
    shared = np.zeros((len(found), len(found)))
    members = []
    for user in sorted(own):
        ranked = [circle for _, circle in sorted(own[user])]
        for one in ranked:
            for other in ranked:
                shared[one, other] += one != other
        members.append((ranked[0], ranked[1] if len(ranked) > 1 else -1))
    step = max(1, -(-len(members) // POINTS))
    kept: list[tuple[int, int]] = []
    for circle in range(len(found)):
        kept += sorted((one for one in members if one[0] == circle), key=lambda one: one[1])[::step]
    names = [str(one.body["name"][language]) for one in found]
    return Drawn([one.id for one in found], names, [int(one.body["size"]) for one in found], shared, kept)


def inline_picture(told: Drawn, title: str) -> str:
    """For a page: the page's own colours. Names stand in a list below, by the ids in the discs."""
    wide = radii(told.sizes)
    middle = centres(told.shared, wide)
    listed = min(len(wide), LISTED)
    rows = -(-listed // COLUMNS)
    key = rows * LINE + 0.1
    with drawing("circles", title, HEIGHT + key, left=0.05, right=0.05, bottom=0.05 + key) as made:
        axes = made.axes
        axes.set_axis_off()
        axes.set_aspect("equal")
        most = max(float(told.shared.max(initial=0.0)), 1.0)
        for one in range(len(wide)):
            for other in range(one):
                if told.shared[one, other] > 0:
                    share = float(told.shared[one, other]) / most
                    axes.plot(*middle[[one, other]].T, color=GRID, linewidth=0.4 + 6 * share, zorder=1)
        for circle, (centre, radius) in enumerate(zip(middle, wide, strict=True)):
            _disc(axes, told, circle, centre, float(radius))
        if len(wide):
            low, high = (middle - wide[:, None]).min(axis=0), (middle + wide[:, None]).max(axis=0)
            axes.set(xlim=(low[0] - 0.05, high[0] + 0.05), ylim=(low[1] - 0.05, high[1] + 0.05))
        for place in range(listed):
            column, row = divmod(place, rows)
            made.figure.text(
                0.02 + column / COLUMNS,
                (key - 0.05 - row * LINE) / (HEIGHT + key),
                f"{told.ids[place]}  {shortened(told.names[place])}, {told.sizes[place]:,}",
                fontsize=6.2,
                va="top",
            )
    return made.svg


def _disc(axes: Axes, told: Drawn, circle: int, centre: Values, radius: float) -> None:
    from matplotlib.patches import Circle
    from matplotlib.patheffects import withStroke

    disc = Circle((float(centre[0]), float(centre[1])), radius, facecolor=PAPER, edgecolor=MUTED, linewidth=0.8)
    axes.add_patch(disc).set_zorder(2)
    own = [second for first, second in told.members if first == circle]
    places = spots(len(own), centre, radius)
    several = np.array([second >= 0 for second in own], dtype=np.bool_)
    size = 2.2 if len(told.members) > 300 else 6.0
    for kept, colour in ((~several, MUTED), (several, ACCENT)):
        if len(own) and kept.any():
            axes.scatter(places[kept, 0], places[kept, 1], s=size, color=colour, linewidths=0, zorder=3)
    axes.annotate(
        told.ids[circle],
        (float(centre[0]), float(centre[1])),
        ha="center",
        va="center",
        fontsize=max(5.0, min(11.0, 13 * radius)),
        fontweight="bold",
        color=INK,
        zorder=4,
        path_effects=[withStroke(linewidth=2.5, foreground=PAPER)],
    )


def standalone(store: SqlStore, language: Language) -> str:
    """An SVG document that needs nothing else."""
    text = inline_picture(drawn(store, language), "圈子" if language == "zh" else "Circles")
    for name, colour in COLOURS.items():
        text = text.replace(f"var({name})", colour)
    start, end = text.split(">", 1)
    box = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{start} width="1128">{box}{end}\n'


def write_picture(path: Path, store: SqlStore, language: Language) -> None:
    """Write it to ``path``; a file of that name is replaced. Raises UsageError where it cannot be written."""
    write_page(path, standalone(store, language), "picture")
