"""Every Python example of docs/python.md, run in order against a small trained project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from zhiyin.registry import MODELS

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_examples_run(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    shutil.copytree(trained, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {"__name__": "docs"}
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == 13
    for block in blocks:
        # The line numbers of a traceback are those of the page.
        above = "\n" * (text[: block.start()].count("\n") + 1)
        exec(compile(above + block[1], str(PAGE), "exec"), space)
    told = capsys.readouterr().out
    assert "no item 'no such item' check the id" in told
    assert "Protocol leave-one-out" in told
    assert "hot 2" in told
    assert "like 绿茶 茶/0 号" in told
    assert set(space["result"].models) - {"fusion", "sequence"} == set(MODELS) - {
        "content",
        "community",
        "trending",
        "sequence",
    }
    assert space["measured"].means["HR@5"] == 1.0
