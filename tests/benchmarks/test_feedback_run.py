"""The benchmarks of the feedback loop run, and print what docs/feedback.md quotes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data import SHARED
from zhiyin.assets.cache import root

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "feedback.md").read_text(encoding="utf-8")


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "benchmarks", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(
    not (SHARED / "open_bandit").is_dir(), reason="the Open Bandit Dataset is not beside the repository"
)
def test_off_policy() -> None:
    told = run("off_policy", "--no-peer")
    rows = [line for line in told.splitlines() if line.startswith("| random -> bts")]
    assert len(rows) == 10
    for line in rows:
        name, value, span, covers = (cell.strip() for cell in line.split("|")[2:6])
        assert covers == ("**no**" if name.startswith("DM") else "yes"), line
        if not name.startswith("DM") and "lightgbm" not in name:
            assert f"| {value} | {span} |" in PAGE, line
    assert "sum to 2.34, 1.84, 1.69" in told


@pytest.mark.skipif(not any(root().glob("movielens-100k-*")), reason="MovieLens-100K was not fetched")
def test_loop(tmp_path: Path) -> None:
    told = run("loop", "--quick", "--out", str(tmp_path))
    header, rows = (re.findall(pattern, told, re.MULTILINE) for pattern in (r"^\| seed .*$", r"^\| 0 .*$"))
    assert len(header) == 1
    assert len(rows) == 2
    assert (tmp_path / "thompson-0" / "simulation.html").is_file()
