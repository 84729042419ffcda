"""Every link in the documentation leads somewhere, and every command line in it could be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from zhiyin.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(.*)$", re.MULTILINE)
INLINE = re.compile(r"`((?:\.venv/bin/)?zhiyin [^`]+)`")


def anchors(page: Path) -> set[str]:
    """Names of the headings, as a reader of Markdown makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert not broken


def command_lines(text: str) -> Iterator[str]:
    """Lines that call zhiyin: in shell fences, indented, or between backticks."""
    for language, body in FENCE.findall(text):
        if language in ("sh", "bash", "console", ""):
            yield from filter(is_command, (line.strip().removeprefix("$ ") for line in body.splitlines()))
    rest = FENCE.sub("", text)
    yield from filter(is_command, (line.strip() for line in INDENTED.findall(rest)))
    yield from (" ".join(line.split()) for line in INLINE.findall(rest))


def is_command(line: str) -> bool:
    return line.startswith(("zhiyin ", ".venv/bin/zhiyin "))


def problem(line: str) -> str | None:
    """Why ``line`` could not be typed, or None. Words in capitals and files stand for what a reader puts there."""
    words = shlex.split(line.split(" | ")[0].split(" && ")[0].split(" > ")[0], comments=True)[1:]
    if "..." in words:
        words = words[: words.index("...")]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        if words[0] == "--help":
            return None
        if words[0] not in command.commands:
            return f"no command '{words[0]}'"
        command = command.commands[words.pop(0)]
    if not words:
        return None  # the command is only named
    if "--help" in words:
        return None
    try:
        command.make_context("zhiyin", words)
    except Exception as refused:
        return f"{type(refused).__name__}: {getattr(refused, 'message', refused)}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_could_be_typed(page: Path) -> None:
    lines = list(command_lines(page.read_text(encoding="utf-8")))
    wrong = {line: why for line in lines if (why := problem(line)) is not None}
    assert not wrong


def test_command_lines_are_found() -> None:
    found = [line for page in PAGES for line in command_lines(page.read_text(encoding="utf-8"))]
    assert sum(".venv/bin/zhiyin" in line for line in found) >= 8
    assert any("import --events ratings.dat" in line for line in found)


@pytest.mark.parametrize(
    "line",
    [
        "zhiyin trian",
        "zhiyin recommend 1 --top 5",
        "zhiyin bundles use a b",
        "zhiyin evaluate --protocol best",
        "zhiyin x y",
    ],
)
def test_a_wrong_command_line_is_seen(line: str) -> None:
    assert problem(line) is not None
