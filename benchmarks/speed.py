"""How fast Zhiyin trains and answers, beside the ``implicit`` library on the same machine in the same run.

    python -m benchmarks speed [--quick] [--repeats 7]

Amazon Beauty, from the raw files to lists. Needs the folder ``shared/data`` beside the repository. Training is timed
with an empty cache of text vectors; fetching the encoder (once per machine) is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.data import QUICK_TOML, DataSet, Missing, load
from benchmarks.peer_implicit import counts
from benchmarks.tables import markdown
from zhiyin import assets
from zhiyin.config import FILE_NAME, PreprocessSettings
from zhiyin.preprocess.clean import positives
from zhiyin.preprocess.dataset import histories_of
from zhiyin.recommend import Engine
from zhiyin.types import Histories

ZHIYIN = [sys.executable, "-c", "from zhiyin.cli import main; main()"]
ENCODER = "minilm-l6-v2-int8"
K = 100
FACTORS = 128
CALLS = 1000
COMMANDS = 7


@dataclass(frozen=True)
class Command:
    """One run of the command line: wall and processor seconds, and the peak of its resident memory, MiB."""

    seconds: float
    processor: float
    mib: float
    output: str


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks speed", description="Speed of training and answering.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--repeats", type=int, default=7, help="rounds of each batch measurement")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            data = load("amazon_beauty", given.quick, Path(folder) / "slice")
        except Missing as absent:
            print(f"skipped: {absent.line}")
            return
        assets.get(ENCODER)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
        print("### From raw files to a served model\n")
        # A quick run trains once: it is there to see that this works.
        rows = [] if given.quick else [train(data, Path(folder) / "plain", False, "--no-search")]
        rows.append(train(data, Path(folder) / "searched", given.quick, "--search"))
        header = ("train", "init s", "import s", "train s", "together s", "processor s", "peak MiB")
        print(markdown(header, rows), flush=True)
        project = Path(folder) / "searched"
        engine = Engine.open(project)
        print(f"\n### Lists of {K} for everybody\n")
        batches(engine, 2 if given.quick else given.repeats)
        print("\n### One list of 10, with reasons\n")
        singles(engine, project, 20 if given.quick else CALLS, 1 if given.quick else COMMANDS)


def train(data: DataSet, project: Path, quick: bool, search: str) -> list[str]:
    made = zhiyin("init", str(project))
    if quick:
        (project / FILE_NAME).write_text(QUICK_TOML, encoding="utf-8")
    where = ["--project", str(project), "--quiet"]
    imported = zhiyin("import", "--events", str(data.events), "--items", str(data.items), *where)
    trained = zhiyin("train", search, "--format", "json", *where)
    served = json.loads(trained.output)["served"]
    steps = (made, imported, trained)
    return [
        f"{search} (serves {served})",
        *(f"{step.seconds:.1f}" for step in steps),
        f"{sum(step.seconds for step in steps):.1f}",
        f"{sum(step.processor for step in steps):.1f}",
        f"{max(step.mib for step in steps):,.0f}",
    ]


def zhiyin(*arguments: str) -> Command:
    """Run one command to its end. Ends the benchmark where it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([*ZHIYIN, *arguments], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"zhiyin {' '.join(arguments)} failed")
        output.seek(0)
        return Command(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read())


def batches(engine: Engine, repeats: int) -> None:
    """Every user's list by the served model, by the whole engine, and by the library, in turns."""
    from implicit.cpu.als import AlternatingLeastSquares

    users = engine.store.users()["user_id"].to_list()
    histories, ranker = everybody(engine, users), engine._ranker
    matrix = counts(histories, len(engine.bundle.items))
    rows = np.arange(len(users))
    with threadpool_limits(1, "blas"):
        learner = AlternatingLeastSquares(factors=FACTORS, iterations=3, random_state=0)
        learner.fit(matrix, show_progress=False)

    def library(threads: int) -> Callable[[], Any]:
        def call() -> Any:
            with threadpool_limits(threads, "blas"):
                return learner.recommend(rows, matrix, N=K)

        return call

    contenders: dict[str, Callable[[], Any]] = {
        "Zhiyin, what the engine ranks with": lambda: ranker.top_k(histories, K),
        "Zhiyin, `recommend --all` without the file: reads the store, ranks, names the items": lambda: list(
            engine.recommend_all(K)
        ),
    }
    for threads in sorted({1, os.cpu_count() or 1}):
        contenders[f"implicit, ALS {FACTORS} factors, BLAS threads: {threads}"] = library(threads)
    seconds = in_turns(contenders, repeats)
    speeds = {name: len(users) / float(np.median(taken)) for name, taken in seconds.items()}
    best = max(speed for name, speed in speeds.items() if name.startswith("implicit"))
    print(
        markdown(
            ("what", "users/s, median", "slowest to fastest round", "times implicit at its best"),
            [
                [
                    name,
                    f"{speed:,.0f}",
                    f"{len(users) / max(seconds[name]):,.0f} to {len(users) / min(seconds[name]):,.0f}",
                    f"{speed / best:.2f}",
                ]
                for name, speed in speeds.items()
            ],
        )
    )
    print(
        f"\n{len(users):,} users, {len(engine.bundle.items):,} items, lists of {K}, seen items left out; "
        f"{repeats} rounds, everyone once a round, the order turned round after each.",
        flush=True,
    )


def everybody(engine: Engine, users: list[str]) -> Histories:
    config = engine.bundle.manifest.config
    events = positives(engine.store.events(), PreprocessSettings(**config["preprocess"]), unit=config["unit"])
    return histories_of(events, engine.bundle.items, users)


def in_turns(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Wall seconds of each, once per round, after one call that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    order = list(contenders)
    for _ in range(repeats):
        for name in order:
            began = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - began)
        order.reverse()
    return seconds


def singles(engine: Engine, project: Path, calls: int, commands: int) -> None:
    users = engine.store.users()["user_id"].to_list()
    asked = np.random.default_rng(0).choice(len(users), calls)
    engine.recommend(users[0])
    taken = []
    for row in asked:
        began = time.perf_counter()
        engine.recommend(users[row])
        taken.append(1000 * (time.perf_counter() - began))
    whole = [
        zhiyin("recommend", users[asked[place]], "--project", str(project), "--format", "json").seconds
        for place in range(commands)
    ]
    half, most = np.percentile(taken, [50, 99])
    print(
        markdown(
            ("what", "median", "p99"),
            [
                [f"`Engine.recommend`, engine open ({calls:,} calls)", f"{half:.1f} ms", f"{most:.1f} ms"],
                [f"`zhiyin recommend USER`, start to end ({commands} runs)", f"{np.median(whole):.2f} s", "-"],
            ],
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
