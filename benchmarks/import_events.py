"""How fast a million events are imported, and in how much memory.

Run: .venv/bin/python benchmarks/import_events.py [--events 1000000]
Each import is a process of its own ('zhiyin import' into a fresh project); memory is the peak that the kernel saw of
it. Prints a Markdown table; fails where a bar is missed.
"""

from __future__ import annotations

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

SEED = 20240131
SECONDS = 60.0
"""Bar for a million events."""
GIB = 2.0
"""Bar for the peak of memory."""


def synthetic(rows: int) -> pl.DataFrame:
    """``rows`` events of a long tail of users and items over two years, in order of time. No two are the same."""
    rng = np.random.default_rng(SEED)
    users = (rng.pareto(1.2, rows) * 2_000).astype(np.int64) % 100_000
    items = (rng.pareto(1.1, rows) * 500).astype(np.int64) % 50_000
    kinds = np.array(["view", "cart", "purchase"])[rng.choice(3, rows, p=[0.9, 0.07, 0.03])]
    times = 1_700_000_000 + np.arange(rows) * 63_000_000 // rows
    frame = pl.DataFrame({"user_id": users, "item_id": items, "event_type": kinds, "timestamp": times})
    return frame.with_columns(
        pl.format("u{}", "user_id").alias("user_id"), pl.format("商品 {}", "item_id").alias("item_id")
    )


def measure(file: Path, project: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and GiB of one import."""
    zhiyin = [sys.executable, "-c", "from zhiyin.cli import main; main()"]
    subprocess.run([*zhiyin, "init", str(project)], check=True, stdout=subprocess.DEVNULL)
    began = time.perf_counter()
    process = subprocess.Popen(
        [*zhiyin, "import", "--events", str(file), "--project", str(project), "--quiet"], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the import of {file.name} failed")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="Events to make and import.")
    rows: int = parser.parse_args().events
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = synthetic(rows)
        files = [folder / "events.csv.gz", folder / "events.parquet", folder / "events.jsonl"]
        files[0].write_bytes(gzip.compress(frame.write_csv().encode(), 6))
        frame.write_parquet(files[1])
        frame.write_ndjson(files[2])
        print(f"| file | events | seconds | processor seconds | events/s | peak memory, GiB |\n|{'---|' * 6}")
        missed = []
        for file in files:
            seconds, busy, gib = measure(file, folder / f"project {file.suffix}")
            print(
                f"| {file.name} | {rows:,} | {seconds:.1f} | {busy:.1f} | {rows / seconds:,.0f} | {gib:.2f} |",
                flush=True,
            )
            if seconds > SECONDS * rows / 1_000_000 + 5 or gib > GIB:
                missed.append(file.name)
    if missed:
        sys.exit(f"missed the bar of {SECONDS:.0f} s and {GIB} GiB for a million events: {', '.join(missed)}")


if __name__ == "__main__":
    main()
