"""Matplotlib figures as SVG that lives inside a page: the page's fonts and colours, the same bytes every time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stand-ins that become the page's own variables, so that a figure follows it from light to dark.
INK, MUTED, GRID, ACCENT, PAPER = "#010203", "#010204", "#010205", "#010206", "#010207"
VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--line", ACCENT: "--accent", PAPER: "--paper"}

WIDTH = 4.7
"""Inches: one figure is as wide as a phone, and two stand side by side on a desk."""
POINTS = 72

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 10.5,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "lines.solid_capstyle": "round",
}


class Drawing:
    """One figure with one pair of axes; ``svg`` holds it once the ``drawing`` block has ended."""

    def __init__(self, height: float, left: float, right: float, bottom: float) -> None:
        self.figure = Figure(figsize=(WIDTH, height))
        self.axes: Axes = self.figure.add_axes(
            (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + 0.12) / height)
        )
        self.svg = ""


@contextmanager
def drawing(
    name: str, title: str, height: float = 2.9, left: float = 0.62, right: float = 0.15, bottom: float = 0.52
) -> Iterator[Drawing]:
    """A figure to draw on. ``name`` keeps its ids apart from those of other figures on the page; ``title`` is read
    out to those who cannot see it; sizes are inches."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # Our fonts measure, the browser's draw: a glyph that is missing here is not missing there.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        made = Drawing(height, left, right, bottom)
        yield made
        buffer = io.StringIO()
        made.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        made.svg = inline(buffer.getvalue(), title, height)


def inline(text: str, title: str, height: float) -> str:
    """What a page needs of an SVG file: no prologue, no metadata, no fixed size, no ids that nothing refers to."""
    body = text[text.index("<svg") :]
    body = body[body.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    box = f"0 0 {WIDTH * POINTS:.1f} {height * POINTS:.1f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box}"'
        f' role="img" aria-label="{label}">{body.rstrip()}'
    )
