"""Mixed load for half an hour while bundles are trained and swapped: failed requests, and what memory does.

    python -m benchmarks soak [--quick] [--project DIR] [--minutes 30] [--clients 6]

MovieLens-100K (``--project`` takes a trained project; it is copied). Clients ask for lists (mostly by GET, some with
conditions or words), explanations and profiles, and send events; meanwhile a training is started again and again, and
another bundle is put in place in between. Memory is that of the processes that answer, the training's not counted: its
median over the last fifth of the time, against that over the fifth after the warm-up (the first fifth).
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil

from benchmarks.serve import trained
from benchmarks.tables import markdown
from zhiyin.testing.service import COMMAND, Service

EVERY_SECONDS = 45.0
"""Between swaps."""
LOOK_SECONDS = 2.0
MIB = 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks soak", description="Mixed load with retraining and swaps.")
    parser.add_argument("--quick", action="store_true", help="a small slice, 20 seconds: to see that it runs")
    parser.add_argument("--project", type=Path, help="a trained project of MovieLens-100K")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=6)
    given = parser.parse_args(arguments)
    seconds = 20.0 if given.quick else 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="zhiyin-soak-") as folder:
        project = Path(folder) / "project"
        if given.project is None:
            trained(project, given.quick)
        else:
            shutil.copytree(given.project, project)
        another(project)
        with Service(project, workers=2) as service:
            load = Load(service.url)
            memory = run(service, load, seconds, given.clients)
    fifth = max(1, len(memory) // 5)
    before, after = statistics.median(memory[fifth : 2 * fifth]), statistics.median(memory[-fifth:])
    rows = [[kind, f"{count:,}", str(load.failed[kind])] for kind, count in sorted(load.done.items())]
    print(markdown(["Request", "answered", "failed"], rows))
    print(
        f"\n{seconds / 60:.1f} minutes, {load.swaps} changes of the bundle, {load.trainings} trainings; memory of "
        f"what answers {before:,.0f} MiB after the warm-up, {after:,.0f} MiB at the end ({after / before - 1:+.1%})."
    )
    for failure, count in load.failures.most_common(5):
        print(f"{count} x {failure}")


def another(project: Path) -> None:
    """A second bundle beside the first, trained as the service trains: bundles of one kind take the same memory, so
    that what is compared is not which of them happens to be served."""
    words = ["train", "--no-search", "--quiet", "--project", str(project)]
    subprocess.run([sys.executable, "-c", COMMAND, *words], check=True)


class Load:
    """What clients did. A request fails where the answer is no 2xx, or none comes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.swaps = self.trainings = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def client(self, seed: int) -> None:
        draw = random.Random(seed)
        sent = 0
        with httpx.Client(base_url=self.url, timeout=60) as http:
            while not self.over.is_set():
                user = str(draw.randint(1, 943))
                sent += 1
                kind = draw.choices(
                    ["list", "filtered", "words", "events", "explain", "profile"], [60, 10, 1, 25, 2, 2]
                )[0]
                self._ask(http, kind, user, f"{seed}/{sent}", draw)

    def _ask(self, http: httpx.Client, kind: str, user: str, key: str, draw: random.Random) -> None:
        try:
            if kind == "list":
                answer = http.get("/v1/recommend", params={"user_id": user})
            elif kind == "filtered":
                wanted = {"user_id": user, "where": {"category": "Drama"}, "exclude": [str(draw.randint(1, 1682))]}
                answer = http.post("/v1/recommend", json=wanted)
            elif kind == "words":
                answer = http.post("/v1/recommend", json={"user_id": user, "query": "a comedy, no horror"})
            elif kind == "events":
                rows = [
                    {"user_id": user, "item_id": str(draw.randint(1, 1682)), "event_id": f"{key}/{n}"} for n in range(5)
                ]
                answer = http.post("/v1/events", json=rows)
            elif kind == "explain":
                answer = http.get("/v1/explain", params={"user_id": user, "item_id": str(draw.randint(1, 1682))})
            else:
                answer = http.get("/v1/profile", params={"user_id": user})
            wrong = None if answer.is_success else f"{kind}: {answer.status_code} {answer.text[:200]}"
        except httpx.TransportError as broken:
            wrong = f"{kind}: {broken!r}"
        with self._lock:
            self.done[kind] += 1
            if wrong is not None:
                self.failed[kind] += 1
                self.failures[wrong] += 1

    def swapper(self, seconds: float) -> None:
        """Start a training where none runs; else put another bundle in place."""
        with httpx.Client(base_url=self.url, timeout=60) as http:
            while not self.over.wait(seconds):
                started = http.post("/v1/training/start", json={"search": False}).status_code == 200
                self.trainings += started
                bundles = http.get("/v1/bundles").json()["bundles"]
                others = [one["name"] for one in bundles if not one["served"]]
                if others:
                    self.swaps += http.post("/v1/bundles/use", json={"name": others[0]}).status_code == 200


def run(service: Service, load: Load, seconds: float, clients: int) -> list[float]:
    """Memory of the answering processes, MiB, every ``LOOK_SECONDS``."""
    threads = [threading.Thread(target=load.client, args=(seed,)) for seed in range(clients)]
    threads.append(threading.Thread(target=load.swapper, args=(min(EVERY_SECONDS, seconds / 5),)))
    for thread in threads:
        thread.start()
    parent, memory = psutil.Process(service.pid), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
        # A training is started by one of them, in a session of its own.
        memory.append(sum(child.memory_info().rss for child in parent.children()) / MIB)
    load.over.set()
    for thread in threads:
        thread.join()
    return memory


if __name__ == "__main__":
    main()
