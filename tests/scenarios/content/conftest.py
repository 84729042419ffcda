"""A small site: three subjects in two languages, people with tastes, six weeks of reading."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zhiyin.cli.common import Project, open_project
from zhiyin.testing.project import run

SUBJECTS = {
    "tea": ["茶叶", "龙井", "采摘", "茶农", "新茶", "工艺"],
    "rail": ["铁路", "高铁", "新线", "停运", "车站", "时刻"],
    "space": ["rocket", "launch", "engine", "lander", "crew", "repair"],
}
PER = 14
DAY = 86_400
START = 1_700_000_000
WEEKS = 6


def title(subject: str, at: int) -> str:
    common, *words = SUBJECTS[subject]
    one, other = words[at % 5], words[(at // 5 + 1) % 5]
    return (
        f"{common}：{one}与{other}，第{at}条"
        if subject != "space"
        else f"{common.title()} {one} and {other}, part {at}"
    )


def write_files(folder: Path, rises: str = "tea") -> None:
    """``rises`` is read three times as often in the last week."""
    random = np.random.default_rng(3)
    with (folder / "items.jsonl").open("w", encoding="utf-8") as file:
        for subject in SUBJECTS:
            for at in range(PER):
                told = {"item_id": f"{subject}/{at} 号", "title": title(subject, at), "timestamp": START + at * DAY}
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
    with (folder / "users.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "city", "age"])
        for person in range(60):
            out.writerow([f"读者/{person}", "杭州" if person % 2 else "Berlin", 20 + person])
    names = list(SUBJECTS)
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for day in range(7 * WEEKS):
            for person in np.flatnonzero(random.random(60) < 0.5).tolist():
                # People of Hangzhou read more of railways.
                chance = np.array([1.0, 3.0 if person % 2 else 0.6, 1.5])
                if day >= 7 * (WEEKS - 1):
                    chance[names.index(rises)] *= 3
                subject = names[random.choice(3, p=chance / chance.sum())]
                stamp = START + day * DAY + int(random.integers(DAY))
                out.writerow([f"读者/{person}", f"{subject}/{random.integers(PER)} 号", "read", stamp])


@pytest.fixture(scope="session")
def site_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_files(folder)
    assert run("init", folder / "p") == 0
    (folder / "p" / "zhiyin.toml").write_text('[encoder]\nmodel = "none"\n', encoding="utf-8")
    files: list[str | Path] = ["--events", folder / "events.csv", "--items", folder / "items.jsonl"]
    files += ["--users", folder / "users.csv"]
    assert run("import", *files, "--project", folder / "p", "--quiet") == 0
    return folder


@pytest.fixture
def site_folder(site_files: Path, tmp_path: Path) -> Path:
    """A project folder that a test may change."""
    import shutil

    return Path(shutil.copytree(site_files / "p", tmp_path / "站 one"))


@pytest.fixture
def site(site_folder: Path) -> Iterator[Project]:
    with open_project(site_folder) as opened:
        yield opened
