"""What is left after kill -9, 50 times under load, on each store.

    python -m benchmarks durability [--quick] [--kills 50]

A small trained project takes events in batches from several clients and answers lists, while a training runs in every
third round; at a random moment all its processes are killed. Then it is started again: every event that was
acknowledged must be there exactly once, every file of the served bundle must be whole, and a list must come.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.tables import markdown
from zhiyin.bundle import FOLDER, active
from zhiyin.config import FILE_NAME
from zhiyin.store import open_store
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.project import TEAS, write_files
from zhiyin.testing.service import COMMAND, Service

CLIENTS = 6
BATCH = 20
READY_BAR = 3.0


@dataclass
class Outcome:
    """Events acknowledged, lost, and there more than once; lists refused after a start; damaged bundles; seconds to
    ready of each start after a kill."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    lists_refused: int = 0
    damaged: int = 0
    starts: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks durability", description="kill -9 under load.")
    parser.add_argument("--quick", action="store_true", help="two kills: to see that it runs")
    parser.add_argument("--kills", type=int, default=50, help="of each store")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    given = parser.parse_args(arguments)
    kills = 2 if given.quick else given.kills
    rows = []
    with tempfile.TemporaryDirectory(prefix="zhiyin-durability-") as folder, PostgresServer(durable=True) as server:
        for name, url in (("SQLite", "sqlite:///zhiyin.db"), ("PostgreSQL", server.fresh())):
            project = trained(Path(folder) / name, url)
            found = run(project, url, kills, random.Random(given.seed))
            median, most = sorted(found.starts)[len(found.starts) // 2], max(found.starts)
            rows.append(
                [
                    name,
                    str(kills),
                    f"{found.acknowledged:,}",
                    str(found.lost),
                    str(found.doubled),
                    str(found.damaged),
                    str(found.lists_refused),
                    f"{median:.1f} / {most:.1f}",
                ]
            )
    header = ["Store", "kills", "acknowledged", "lost", "doubled", "damaged bundles", "lists refused", "ready s, most"]
    print(markdown(header, rows))


def trained(folder: Path, url: str) -> Path:
    folder.mkdir()
    events, items = write_files(folder)
    project = folder / "project"
    project.mkdir()
    text = f'[store]\nurl = "{url}"\n[encoder]\nmodel = "none"\n[train]\nsearch = false\nkeep_bundles = 2\n'
    (project / FILE_NAME).write_text(text, encoding="utf-8")
    for words in (["import", "--events", str(events), "--items", str(items)], ["train"]):
        subprocess.run(
            [sys.executable, "-c", COMMAND, *words, "--quiet", "--project", str(project)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return project


def run(project: Path, url: str, kills: int, draw: random.Random) -> Outcome:
    found, acknowledged = Outcome(), set[str]()
    with Service(project, workers=2) as service:
        for kill in range(kills):
            acknowledged |= under_load(service, kill, draw.uniform(0.2, 1.5))
            found.starts.append(service.start())
            look(project, url, acknowledged, service, found)
    found.acknowledged = len(acknowledged)
    return found


def under_load(service: Service, kill: int, seconds: float) -> set[str]:
    """Ids of events that were acknowledged before the kill."""
    kept: list[set[str]] = [set() for _ in range(CLIENTS)]
    over = threading.Event()

    def client(number: int) -> None:
        with httpx.Client(base_url=service.url, timeout=5) as http:
            sent = 0
            while not over.is_set():
                ids = [f"{kill}/{number}/{sent}/{place}" for place in range(BATCH)]
                sent += 1
                who = f"茶 {number}"
                rows = [{"user_id": who, "item_id": TEAS[place % 6], "event_id": key} for place, key in enumerate(ids)]
                try:
                    answer = http.post("/v1/events", json=rows)
                    http.get("/v1/recommend", params={"user_id": who})
                except httpx.TransportError:
                    continue
                if answer.status_code == 200:
                    kept[number] |= set(ids)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    if kill % 3 == 0:
        httpx.post(f"{service.url}/v1/training/start", json={"search": False}, timeout=30)
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    service.kill()
    over.set()
    for thread in threads:
        thread.join()
    return set.union(*kept)


def look(project: Path, url: str, acknowledged: set[str], service: Service, found: Outcome) -> None:
    store = open_store(url, project)
    try:
        with store.snapshot() as connection:
            rows = connection.exec_driver_sql("SELECT event_id FROM events").scalars()
            counts: Counter[str] = Counter(rows)
        found.lost = sum(key not in counts for key in acknowledged)
        found.doubled = sum(count > 1 for count in counts.values())
        try:
            active(store, project / FOLDER).verify()
        except Exception as damaged:
            print(damaged, file=sys.stderr)
            found.damaged += 1
    finally:
        store.close()
    answer = httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}, timeout=30)
    found.lists_refused += answer.status_code != 200 or not answer.json()["items"]


if __name__ == "__main__":
    main()
