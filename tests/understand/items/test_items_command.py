"""``zhiyin items``, on a small project of two languages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from zhiyin.cli.items import items
from zhiyin.errors import UnknownItem
from zhiyin.testing.project import BOOKS, TEAS

app = typer.Typer()
app.command("items")(items)
app.command("other")(lambda: None)


@pytest.fixture(scope="module")
def project(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy: what is read is written into the store."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("items") / "项目"))


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["items", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def test_items_in_text(project: Path) -> None:
    shown = run(BOOKS[3], TEAS[2], "--project", str(project), "--quiet")
    first, second = shown.split(TEAS[2], 1)
    assert first.startswith(f"Novel {BOOKS[3]} <b>  [{BOOKS[3]}]")
    assert "topics: Books (1), Fiction (1)" in first
    assert "language: zh" in second
    assert "茶 (1)" in second
    assert "饮料 (1)" in second


def test_items_in_json(project: Path) -> None:
    [one] = json.loads(run(TEAS[0], "--project", str(project), "--format", "json", "--quiet"))["items"]
    assert one["item_id"] == TEAS[0]
    assert one["tier"] == "none"
    assert {topic["name"] for topic in one["topics"]} == {"茶", "饮料"}
    assert json.loads(run(TEAS[0], "--project", str(project), "--format", "json", "--quiet"))["items"] == [one]


def test_an_unknown_item_is_an_error(project: Path) -> None:
    with pytest.raises(UnknownItem, match="no item 'nope/无'"):
        run("nope/无", "--project", str(project))
