"""How fast the service answers and takes events in: server and load generator on the same machine.

    python -m benchmarks serve [--quick] [--project DIR] [--seconds 20] [--only lists|events]

MovieLens-100K, the bundle that ``zhiyin train`` makes by default (``--project`` takes a trained project as it is). The
load comes from ``wrk``; events of PostgreSQL go to a server started for it. Latencies are those that ``wrk`` saw.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import load, make_project
from benchmarks.tables import markdown
from zhiyin.bundle import FOLDER
from zhiyin.config import FILE_NAME
from zhiyin.errors import ZhiyinError
from zhiyin.ports import Silent
from zhiyin.testing.service import COMMAND, Service

CONNECTIONS = 32
WORKERS = 2
BATCH = 100
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}

LISTS = """
math.randomseed(os.time())
function request()
  return wrk.format("GET", string.format(TARGET, math.random(1, 943)))
end
"""
EVENTS = """
local thread_number = 0
function setup(thread) thread:set("number", thread_number); thread_number = thread_number + 1 end
local sent = 0
local begun = os.time() .. "-" .. tostring({}):sub(8)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  local rows = {}
  for place = 1, BATCH do
    sent = sent + 1
    rows[place] = string.format('{"user_id":"%d","item_id":"%d","type":"view","event_id":"%s-%d-%d"}',
      math.random(1, 943), math.random(1, 1682), begun, number, sent)
  end
  return wrk.format(nil, "/v1/events", nil, "[" .. table.concat(rows, ",") .. "]")
end
"""


@dataclass(frozen=True)
class Load:
    """What wrk measured: answers a second, latencies in ms, answers that were no 2xx, connections that failed."""

    rate: float
    median: float
    p99: float
    errors: int


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks serve", description="Speed of the service.")
    parser.add_argument("--quick", action="store_true", help="a small slice, 2 seconds each: to see that it runs")
    parser.add_argument("--project", type=Path, help="a trained project of MovieLens-100K, taken as it is")
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement")
    parser.add_argument("--only", choices=("lists", "events"), help="one of the two halves")
    given = parser.parse_args(arguments)
    if shutil.which("wrk") is None:
        raise ZhiyinError("the load generator wrk is not here", fix="install it: apt-get install wrk")
    seconds = 2 if given.quick else given.seconds
    rows: list[list[str]] = []
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zhiyin-serve-")))
        project = given.project or trained(scratch / "project", given.quick)
        if given.only != "events":
            rows += lists(project, seconds, scratch)
        if given.only != "lists":
            rows += events(scratch, seconds)
    print(markdown(["What", "connections", "bar", "measured", "median ms", "p99 ms", "errors"], rows))
    print(f"\n{WORKERS} processes, {seconds} s each, MovieLens-100K; wrk on the same 2 cores.")


def trained(folder: Path, quick: bool) -> Path:
    make_project(load("movielens-100k", quick, folder.parent / "slice"), folder, quick, Silent())
    subprocess.run([sys.executable, "-c", COMMAND, "train", "--quiet", "--project", str(folder)], check=True)
    assert (folder / FOLDER).is_dir()
    return folder


def lists(project: Path, seconds: int, scratch: Path) -> list[list[str]]:
    plain, reasoned = "/api/recommend/%d?n=10", "/v1/recommend?user_id=%d"
    rows = []
    with Service(project, workers=WORKERS, environment={"ZHIYIN_SERVE__CACHED_PEOPLE": "0"}) as service:
        for what, target, connections, bar in (
            ("list of 10, made anew", plain, CONNECTIONS, ">= 800/s, p99 <= 80 ms"),
            ("list of 10, made anew", plain, 1, "p99 <= 12 ms"),
            ("the same with reasons", reasoned, CONNECTIONS, ""),
            ("the same with reasons", reasoned, 1, ""),
        ):
            script = LISTS.replace("TARGET", f'"{target}"')
            wrk(service.url, script, scratch, connections, 3)  # what is mapped is read once
            rows.append(row(what, connections, bar, wrk(service.url, script, scratch, connections, seconds)))
    with Service(project, workers=WORKERS) as service:
        for what, target in (("list of 10, kept", plain), ("the same with reasons", reasoned)):
            script = LISTS.replace("TARGET", f'"{target}"')
            wrk(service.url, script, scratch, CONNECTIONS, 5)  # everybody once, in each process
            bar = ">= 4,000/s" if target is plain else ""
            rows.append(row(what, CONNECTIONS, bar, wrk(service.url, script, scratch, CONNECTIONS, seconds)))
    return rows


def events(scratch: Path, seconds: int) -> list[list[str]]:
    from zhiyin.testing.postgres import PostgresServer

    rows = []
    with PostgresServer(durable=True) as server:
        for name, url, bar in (
            ("SQLite", "sqlite:///zhiyin.db", ">= 10,000/s"),
            ("PostgreSQL", server.fresh(), ">= 8,000/s"),
        ):
            project = scratch / name
            project.mkdir()
            (project / FILE_NAME).write_text(f'[store]\nurl = "{url}"\n', encoding="utf-8")
            with Service(project, workers=WORKERS) as service:
                script = EVENTS.replace("BATCH", str(BATCH))
                wrk(service.url, script, scratch, 16, 2)
                found = wrk(service.url, script, scratch, 16, seconds)
            rows.append(row(f"events, batches of {BATCH}, {name}", 16, bar, found, times=BATCH))
    return rows


def wrk(url: str, script: str, scratch: Path, connections: int, seconds: int) -> Load:
    path = scratch / "load.lua"
    path.write_text(script, encoding="utf-8")
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency", "-s", str(path), url]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
    errors = (int(wrong[1]) if wrong else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(_number(r"Requests/sec:\s+([\d.]+)", told), _latency("50%", told), _latency("99%", told), errors)


def _number(pattern: str, told: str) -> float:
    found = re.search(pattern, told)
    assert found is not None, told
    return float(found[1])


def _latency(share: str, told: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", told)
    assert found is not None, told
    return float(found[1]) * UNITS[found[2]]


def row(what: str, connections: int, bar: str, found: Load, times: int = 1) -> list[str]:
    rate = f"{found.rate * times:,.0f}/s"
    return [what, str(connections), bar, rate, f"{found.median:.1f}", f"{found.p99:.1f}", str(found.errors)]


if __name__ == "__main__":
    main()
