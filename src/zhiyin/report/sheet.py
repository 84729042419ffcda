"""A page of sections, figures and tables in the style of the report, in one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zhiyin.report.files import filled, write_page


@dataclass(frozen=True)
class Part:
    """One section. ``figures`` are captions with inline SVG; ``table`` has its header in the first row, and names its
    rows in the first column; ``small`` stands below. ``wide`` gives a figure the width of the page, ``prose`` says that
    cells hold words, which begin at the left and go on in the next line."""

    title: str
    words: Sequence[str] = ()
    figures: Sequence[tuple[str, str]] = ()
    table: Sequence[Sequence[str]] = ()
    small: Sequence[str] = ()
    wide: bool = False
    prose: bool = False


@dataclass(frozen=True)
class Sheet:
    kind: str
    title: str
    lead: str
    parts: Sequence[Part]
    notes: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = field(default_factory=tuple)


def render_sheet(sheet: Sheet) -> str:
    """The page. The same content gives the same text."""
    return filled("sheet.html", sheet=sheet)


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write the page to ``path``; a file of that name is replaced. Raises UsageError where it cannot be written."""
    write_page(path, render_sheet(sheet), "page")
