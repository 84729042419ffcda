"""docs/files.md against the code: its names, reasons and weights, and its examples through the command line."""

from __future__ import annotations

import re
import shlex
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest

from zhiyin.events.columns import FLAGS, SYNONYMS, Kind
from zhiyin.events.rejects import REASONS
from zhiyin.preprocess.weights import KNOWN_WEIGHTS
from zhiyin.store import open_store
from zhiyin.testing.project import run

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([^`\n]+)`(?: \(saved as (\w+)\))?:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]


def rows(start: str) -> list[list[str]]:
    """Cells of the first table below the line that begins with ``start``, its heading left out."""
    below = dropwhile(lambda line: not line.startswith("|"), PAGE[PAGE.index(f"\n{start}") :].splitlines())
    table = list(takewhile(lambda line: line.startswith("|"), below))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_page_lists_every_column_name(kind: Kind) -> None:
    told = {row[0]: row[1].split(", ") for row in rows(f"{kind.value.capitalize()} (`--{kind.value}`)")}
    assert told == SYNONYMS[kind]


def test_the_page_lists_every_flag() -> None:
    for role, flag in FLAGS.items():
        assert re.search(rf"^\| {role} \| .* \| `{flag}` \|$", PAGE, re.MULTILINE), flag


def test_the_page_lists_every_reason() -> None:
    told = [row[0] for row in rows("## What is rejected")]
    assert told == list(REASONS)


def test_the_page_lists_every_weight() -> None:
    told = {name: float(row[0]) for row in rows("### What an event weighs") for name in row[1].split(", ")}
    assert told == KNOWN_WEIGHTS


def test_the_examples_do_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    files = FILE.findall(PAGE)
    assert [name for name, _, _ in files] == [
        "events.csv", "items.jsonl", "users.csv", "商品.csv", "ratings.dat", "shop.inter", "feedback.jsonl", "bad.csv",
    ]  # fmt: skip
    for name, encoding, content in files:
        Path(name).write_bytes(content.encode(encoding or "utf-8"))
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        words = shlex.split(command)
        assert words[:2] == ["zhiyin", "import"]
        last = command == COMMANDS[-1]
        capsys.readouterr()
        assert run(*words[1:], "--quiet", *([] if last else ["--strict"])) == 0, command
    printed = capsys.readouterr().out
    shown = re.findall(r"^prints\n\n```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    assert printed.startswith(shown)
    kept = re.findall(r"holds\n\n```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
    assert Path("rejects/bad.csv.jsonl").read_text(encoding="utf-8") == kept
    check_store(tmp_path)


def check_store(folder: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", folder)
    try:
        assert store.counts()["events"] == 4 + 3 + 2 + 2 + 1
        items = {row["item_id"]: row for row in store.items().to_dicts()}
        assert items["书/围城"]["attributes"] == '{"price": 39.8}'
        assert items["sku-1"]["title"] == "龙井茶"
        assert items["sku-1"]["categories"] == ["茶", "饮料"]
        assert items["sku-2"]["title"] == "小说《围城》,精装"
        assert store.events("ann")["time"].to_list()[:2] == [1_709_280_000_000_000, 1_709_280_300_000_000]
        assert store.events("bob")["time"].to_list() == [1_668_952_527_000_000, None]
        assert store.events("1")["event_type"].to_list() == ["rating", "rating"]
        people = {row["user_id"]: row["attributes"] for row in store.users().to_dicts()}
        assert people["小明"] == '{"age": "27", "city": "杭州"}'
        assert people["bob"] == "{}"
    finally:
        store.close()
