"""Rows that were not taken: where they are, why, and the file that keeps them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "rejects"
"""Folder of reject files in a project."""

REASONS = (
    "malformed row",
    "bad UTF-8",
    "missing user id",
    "missing item id",
    "missing other id",
    "id too long",
    "bad timestamp",
    "future timestamp",
    "too old timestamp",
    "bad number",
    "duplicate event",
    "link to oneself",
    "duplicate link",
)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record on lines ``line`` to ``end`` (Parquet: row ``line``) and why it was not taken."""

    line: int
    end: int
    reason: str
    detail: str = ""


@dataclass
class Rejects:
    """All rejects of one file."""

    rows: list[Reject] = field(default_factory=list)

    def add(self, line: int, end: int, reason: str, detail: str = "") -> None:
        self.rows.append(Reject(line, end, reason, detail))

    def counts(self) -> dict[str, int]:
        """Rejects by reason, in the order of ``REASONS``."""
        found = Counter(row.reason for row in self.rows)
        return {reason: found[reason] for reason in REASONS if found[reason]}

    def first(self) -> dict[str, int]:
        """The first line by reason."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.reason] = min(row.line, found.get(row.reason, row.line))
        return found


def write(path: Path, rejects: Rejects, raw: Callable[[Iterable[tuple[int, int]]], dict[int, str]]) -> None:
    """One JSON object a line: ``line``, ``reason``, ``detail`` where there is one, and the ``raw`` text, by line."""
    texts = raw((row.line, row.end) for row in rejects.rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", errors="backslashreplace") as out:
        for row in sorted(rejects.rows, key=lambda row: (row.line, row.end)):
            entry = {"line": row.line, "reason": row.reason} | ({"detail": row.detail} if row.detail else {})
            out.write(json.dumps(entry | {"raw": texts.get(row.line, "")}, ensure_ascii=False) + "\n")
    part.replace(path)
