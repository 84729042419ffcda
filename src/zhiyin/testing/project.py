"""A small project whose answers are visible by eye: two tastes, English and Chinese, awkward ids."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from zhiyin.cli import main

TEAS = [f"茶/{number} 号" for number in range(6)]
BOOKS = [f'book "{number}"' for number in range(6)]
NEVER_TAKEN = "never taken/茶"


def write_files(folder: Path) -> tuple[Path, Path]:
    """events.csv and items.jsonl: user ``tea-N`` takes teas in turn, user ``书-N`` takes books in turn."""
    events, items = folder / "events.csv", folder / "items.jsonl"
    with events.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for number in range(24):
            for name, shelf in ((f"tea-{number}", TEAS), (f"书-{number}", BOOKS)):
                for step in range(4):
                    out.writerow([name, shelf[(number + step) % 6], "view", 1_600_000_000 + 86_400 * (number + step)])
        out.writerow(["one event", TEAS[0], "view", 1_600_000_000])
    with items.open("w", encoding="utf-8") as file:
        for key in (*TEAS, NEVER_TAKEN):
            file.write(json.dumps({"item_id": key, "title": f"绿茶 {key}", "categories": ["茶", "饮料"]}) + "\n")
        for key in BOOKS:
            file.write(
                json.dumps({"item_id": key, "title": f"Novel {key} <b>", "categories": ["Books", "Fiction"]}) + "\n"
            )
    return events, items


def run(*words: str | Path) -> int:
    """The command line in this process; its exit code."""
    try:
        main([str(word) for word in words])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


def make_trained(folder: Path) -> Path:
    project = folder / "项目 one"
    events, items = write_files(folder)
    assert run("init", project) == 0
    settings = project / "zhiyin.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[encoder]\nmodel = "none"\n', encoding="utf-8")
    assert run("import", "--events", events, "--items", items, "--project", project, "--quiet") == 0
    assert run("train", "--project", project, "--quiet") == 0
    return project
