"""What ``docs/stores.md`` says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from zhiyin.store import PATIENCE, changes
from zhiyin.store.erasing import KEY_FILE, PERSONAL
from zhiyin.store.whole import TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "stores.md").read_text(encoding="utf-8")
SAYS = " ".join(PAGE.split())


def test_kinds_of_changes() -> None:
    kinds = [getattr(changes, name) for name in ("ITEM", "HIDDEN", "PROFILE", "USER", "BUNDLE", "EXPERIMENT")]
    section = PAGE.split("## Seeing what others wrote", 1)[1].split("```", 1)[0]
    assert [word for word in re.findall(r"`(\w+)`", section) if word not in ("seq", "changes")] == kinds


def test_figures_and_names() -> None:
    assert f"wait up to {PATIENCE:g} s" in SAYS
    assert f"{changes.NOTED:,} of a kind" in SAYS
    assert f"`{KEY_FILE}`" in SAYS
    assert [str(job) for job in PERSONAL] == ["profiles", "queries", "explanations", "rerank", "pages"]
    assert "for profiles, queries, explanations, re-ranking and pages" in SAYS
    assert "leases" not in {table.name for table in TABLES}
