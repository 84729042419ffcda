"""``zhiyin explain`` in both languages and both formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from zhiyin.cli.explain import explain
from zhiyin.testing.project import BOOKS, TEAS


def told(trained: Path, *words: str) -> str:
    app = typer.Typer()
    app.command("explain")(explain)
    done = CliRunner().invoke(app, [*words, "--project", str(trained)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def data(trained: Path, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(told(trained, *words, "--format", "json"))
    return answer


def test_in_the_list(trained: Path) -> None:
    text = told(trained, "tea-0", TEAS[4])
    assert "in the list, rank 1" in text
    assert "推荐它主要是因为您看过《绿茶" in text
    assert "event:" in text
    answer = data(trained, "tea-0", TEAS[4], "--language", "en")
    assert answer["shown"]
    assert answer["language"] == "en"
    assert answer["tier"] == "none"
    ids = {one["id"] for one in answer["evidence"]}
    for sentence in answer["sentences"]:
        assert sentence["evidence"]
        assert set(sentence["evidence"]) <= ids
    assert answer["why_not"] is None


def test_not_in_the_list(trained: Path) -> None:
    text = told(trained, "tea-0", BOOKS[3], "-k", "2", "--language", "en")
    assert "not in the list" in text
    assert "It stands at rank" in text
    assert "-> Choosing" in text
    answer = data(trained, "tea-0", TEAS[0])
    assert not answer["shown"]
    assert answer["why_not"]["rule"] == "taken"
    assert data(trained, "谁/都不是", "没有/它")["why_not"]["rule"] == "unknown"


def test_a_language_it_does_not_speak_is_wrong_usage(trained: Path) -> None:
    app = typer.Typer()
    app.command("explain")(explain)
    done = CliRunner().invoke(app, ["tea-0", TEAS[4], "--language", "fr", "--project", str(trained)])
    assert done.exit_code == 2
