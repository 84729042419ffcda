"""Markdown tables on standard output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One table; a bar inside a cell is written as a slash."""
    lines = [list(header), ["---"] * len(header), *[[cell.replace("|", "/") for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(value: float, low: float | None = None, high: float | None = None) -> str:
    """Four digits, with the interval behind it where there is one; "-" for NaN."""
    if math.isnan(value):
        return "-"
    return f"{value:.4f}" if low is None or high is None else f"{value:.4f} ({low:.4f}-{high:.4f})"


def settings(values: dict[str, Any]) -> str:
    """Hyper-parameters in one cell."""
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
