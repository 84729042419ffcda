"""Run benchmarks: ``python -m benchmarks [NAME ...] [--quick] [--list]``; without a name, all of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
PARTS = (
    "__init__",
    "__main__",
    "ads_logged",
    "ads_world",
    "blends",
    "corruptions",
    "data",
    "lenskit_child",
    "obp_child",
    "peer_child",
    "peer_cost",
    "peer_counting",
    "peer_elsewhere",
    "peer_implicit",
    "peer_kinds",
    "peers",
    "quality_published",
    "quality_rows",
    "rectools_child",
    "reranked",
    "sansa_child",
    "sequence_speed_child",
    "tables",
)
"""Modules that the benchmarks share; every other one is a benchmark."""
QUICK = {"import_events": ["--events", "20000"]}
"""How a benchmark is told to be quick, where it is not ``--quick``."""


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in PARTS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Run benchmarks and print their tables.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names())}; all without a name")
    parser.add_argument("--quick", action="store_true", help="small slices: to see that they run")
    parser.add_argument("--list", action="store_true", help="print the names alone")
    given, more = parser.parse_known_args()
    if given.list:
        print("\n".join(names()))
        return 0
    if unknown := sorted(set(given.names) - set(names())):
        parser.error(f"no benchmark '{unknown[0]}'; use one of {', '.join(names())}")
    if more and len(given.names) != 1:
        parser.error(f"'{more[0]}' needs the name of one benchmark")
    failed = []
    for name in given.names or names():
        print(f"\n## {name}\n", flush=True)
        quick = QUICK.get(name, ["--quick"]) if given.quick else []
        command = [sys.executable, "-m", f"benchmarks.{name}", *quick, *more]
        if subprocess.run(command, cwd=FOLDER.parent).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
