"""Models by measures, with intervals and the protocol beside them, for a terminal or for Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from zhiyin.errors import UsageError
from zhiyin.evaluate.measure import Measurement
from zhiyin.evaluate.protocol import Protocol

SHOWN = ("HR", "NDCG", "Recall", "MRR", "Coverage")
NOTE = "Ranges are 95 % bootstrap intervals over users."


def as_text(models: Mapping[str, Measurement], protocol: Protocol, measures: Sequence[str] | None = None) -> str:
    """Two lines a model, the figures and below them their intervals; then the protocol.

    ``measures`` names the columns ("HR@10"); by default those of ``SHOWN`` at the first k.
    """
    names = _columns(models, protocol, measures)
    rows = [["model", *names]]
    for name, measured in models.items():
        rows.append([name, *(_figure(measured.means[column]) for column in names)])
        rows.append(["", *(_range(measured, column) for column in names)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(names) + 1)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*(line.rstrip() for line in lines), "", protocol.describe(), NOTE])


def as_markdown(models: Mapping[str, Measurement], protocol: Protocol, measures: Sequence[str] | None = None) -> str:
    """One row a model, intervals in brackets; then the protocol."""
    names = _columns(models, protocol, measures)
    lines = [f"| model | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for name, measured in models.items():
        cells = []
        for column in names:
            bounds = _range(measured, column)
            cells.append(_figure(measured.means[column]) + (f" ({bounds})" if bounds else ""))
        lines.append(f"| {name.replace('|', '/')} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", protocol.describe(), NOTE])


def _columns(models: Mapping[str, Measurement], protocol: Protocol, measures: Sequence[str] | None) -> list[str]:
    names = list(measures) if measures is not None else [f"{name}@{protocol.ks[0]}" for name in SHOWN]
    for measured in models.values():
        for name in names:
            if name not in measured.means:
                raise UsageError(f"no measure '{name}'", fix=f"use some of {', '.join(measured.means)}")
    return names


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _range(measured: Measurement, name: str) -> str:
    interval = measured.intervals.get(name)
    return "" if interval is None or math.isnan(interval.low) else f"{interval.low:.4f}-{interval.high:.4f}"
