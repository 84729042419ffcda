"""How many lists an engine makes a second: alone and in batches, with reasons and without.

    python -m benchmarks many_lists [--quick] [--project DIR ...] [--lists 2000]

Without a project, MovieLens-100K (fetched on first use) and, where ``shared/data`` lies beside the repository, Amazon
Beauty are imported and trained with the defaults. People are drawn by seed with those of whom the engine has just read
the events and those of whom it has not; no list is kept. A new item is timed from the moment it is stored to a new
engine that recommends it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.data import QUICK_TOML, DataSet, Missing, load
from benchmarks.tables import markdown
from zhiyin.cli import main as command
from zhiyin.config import FILE_NAME
from zhiyin.errors import ZhiyinError
from zhiyin.listing import ListRequest
from zhiyin.recommend import Engine

BATCHES = (1, 8, 32)
DATA = ("movielens-100k", "amazon_beauty")
HEADER = ("lists of 10", "together", "lists/s", "processor ms a list", "median ms", "p99 ms")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks many_lists", description="Lists a second.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--project", action="append", type=Path, default=[], help="a trained project, copied first")
    parser.add_argument("--lists", type=int, default=2000, help="lists made in each row of the table")
    given = parser.parse_args(arguments)
    count = 64 if given.quick else given.lists
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    for project in given.project:
        with tempfile.TemporaryDirectory() as folder:
            measure(project.name, Path(shutil.copytree(project, Path(folder) / "copy")), count)
    for name in () if given.project else DATA:
        with tempfile.TemporaryDirectory() as folder:
            try:
                data = load(name, given.quick, Path(folder) / "slice")
            except Missing as absent:
                print(f"skipped: {absent.line}")
                continue
            measure(data.name, trained(data, Path(folder) / "project", given.quick), count)


def trained(data: DataSet, project: Path, quick: bool) -> Path:
    where = ["--project", str(project), "--quiet"]
    steps = [
        ["init", str(project)],
        ["import", "--events", str(data.events), "--items", str(data.items), *where],
        ["train", *where],
    ]
    for place, step in enumerate(steps):
        try:
            command(step)
        except SystemExit as ended:
            if ended.code:
                raise
        if quick and not place:
            (project / FILE_NAME).write_text(QUICK_TOML, encoding="utf-8")
    return project


def measure(name: str, project: Path, count: int) -> None:
    with Engine.open(project) as engine:
        began = time.perf_counter()
        engine.warm()
        warm = time.perf_counter() - began
        rows = [row(engine, batch, reasons, count) for reasons in (False, True) for batch in BATCHES]
        print(f"\n### {name}, serves {engine.bundle.manifest.served}\n")
        print(markdown(HEADER, rows))
        seconds = newcomer(engine)
        print(
            f"\n{len(engine.bundle.users):,} people, {len(engine.bundle.items):,} items. The first lists are ready "
            f"{warm:.2f} s after the project is opened; a new item is in the lists of a renewed engine after "
            f"{seconds[0]:.2f} s, the next after {seconds[1]:.2f} s.",
            flush=True,
        )


def row(engine: Engine, batch: int, reasons: bool, count: int) -> list[str]:
    people = engine.bundle.users.ids
    drawn = np.random.default_rng([batch, reasons]).integers(len(people), size=(max(1, count // batch), batch))
    taken, processor = [], time.process_time()
    for some in drawn:
        requests = [ListRequest(people[one], reasons=reasons) for one in some]
        began = time.perf_counter()
        answers = engine.recommend_many(requests)
        taken.append(1000 * (time.perf_counter() - began))
        if failed := [one for one in answers if isinstance(one, ZhiyinError)]:
            raise failed[0]
    processor = 1000 * (time.process_time() - processor) / drawn.size
    half, most = np.percentile(taken, [50, 99])
    return [
        "with reasons" if reasons else "without",
        str(batch),
        f"{1000 * drawn.size / sum(taken):,.0f}",
        f"{processor:.2f}",
        f"{half:.1f}",
        f"{most:.1f}",
    ]


def newcomer(engine: Engine) -> list[float]:
    """Seconds from storing an item to a renewed engine that has it in a list, twice: the first loads the encoder."""
    seconds = []
    like = engine.store.items([engine.bundle.items.ids[0]])
    for number in range(2):
        key = f"newcomer {number}"
        began = time.perf_counter()
        with engine.store.writing() as writer:
            writer.put_items(like.with_columns(item_id=pl.lit(key)))
        newer = engine.renewed()
        newer.warm()
        told = newer.recommend(engine.bundle.users.ids[0], len(engine.bundle.items) + number + 1)
        seconds.append(time.perf_counter() - began)
        if key not in {one.item_id for one in told.items}:
            print(f"\n'{key}' is in no list: nothing places it")
        engine = newer
    return seconds


if __name__ == "__main__":
    main()
