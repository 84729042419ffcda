"""The container file and the systemd unit say what they should; there is no engine here to run the container."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def test_the_container_file_is_sound() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, "--failure-threshold", "info", DEPLOY / "Containerfile"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_container_file_copies_what_is_there() -> None:
    for line in (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--"):
            for name in words[1:-1]:
                assert (ROOT / name).exists(), line


def test_the_unit_is_sound(tmp_path: Path) -> None:
    """systemd reads it; the program and the user are not on this machine, so it is given others."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine")
    unit = tmp_path / "zhiyin.service"
    text = (DEPLOY / "zhiyin.service").read_text(encoding="utf-8")
    text = text.replace("/opt/zhiyin/bin/zhiyin", shutil.which("true") or "/bin/true")
    unit.write_text(text.replace("User=zhiyin\nGroup=zhiyin\n", ""), encoding="utf-8")
    done = subprocess.run([analyze, "verify", "--man=no", unit], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "zhiyin.service" in line]
    assert not said, said
