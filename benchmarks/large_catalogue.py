"""The linear core with 25,000 to 200,000 items: seconds, memory, accuracy; dense, local, SANSA.

    python -m benchmarks large_catalogue [--quick] [--folder FOLDER] [--only NAME]

Every fit is a process of its own; memory is the peak that the kernel saw of it, data included. The synthetic data are
made from a seed. SANSA (Spišák et al., RecSys 2023) gets an environment of its own on first use; where that fails, its
rows say so. Amazon Beauty needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.assets.cache import root
from zhiyin.candidates.matrix import decayed, history_rows, user_items
from zhiyin.candidates.solvers import solve
from zhiyin.ports import Silent
from zhiyin.types import Floats, Histories, Ints

HEADER = ("solved by", "seconds", "processor seconds", "peak memory, GiB", "NDCG@10")
SEED = 20240207
ASKED = 10_000
"""Users whose next item is looked for."""
DIMENSION = 384
PENALTY = 200.0
TEXT = 20.0
KEEP = 400
PER_ITEM = 100
"""Entries of each item that SANSA keeps in either of its matrices: as many as a local solution has."""
SANSA = "1.1.0"
WATCH = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as file:
    json.dump({"processor": usage.ru_utime + usage.ru_stime, "gib": usage.ru_maxrss / 2**20}, file)
sys.exit(abs(os.waitstatus_to_exitcode(status)))
"""
"""Runs a command and writes what it used. A small process of its own, since a new process starts with the peak of the
one that made it."""
METHODS = {
    "dense, with texts": ("dense", TEXT),
    "local, with texts": ("local", TEXT),
    "dense, without texts (EASE)": ("dense", 0.0),
    "local, without texts": ("local", 0.0),
    "SANSA (without texts)": ("sansa", 0.0),
}
LARGE = ("dense, with texts", "local, with texts", "local, without texts", "SANSA (without texts)")
LARGER = LARGE[1:]
"""200,000 items solved densely would take 75 GiB and most of a day."""


@dataclass(frozen=True)
class Split:
    """Histories to learn from, histories asked with, and what each of those users took next."""

    train: Histories
    asked: Histories
    targets: Ints
    vectors: Floats
    decay: float

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        train, n = self.train, len(self.vectors)
        np.savez(folder / "train.npz", indptr=train.indptr, items=train.items, n_items=n)
        np.save(folder / "vectors.npy", self.vectors)


def synthetic(n: int) -> Split:
    """``n`` items in clusters, four users an item, about eight events a user; popularity has a long tail inside and
    between clusters, and an item's vector is its cluster's direction with noise: cosines are near 0.6 inside a cluster.

    A user takes four of five items from two clusters of their own, the rest from anywhere; order means nothing.
    """
    rng = np.random.default_rng(SEED)
    clusters, users = n // 60, 4 * n
    of_item = np.sort(rng.choice(clusters, n, p=_tail(clusters, 0.5)))
    popularity = rng.permutation(np.arange(1, n + 1) ** -0.8)
    ends = np.concatenate(([0.0], np.cumsum(popularity)))
    first, last = np.searchsorted(of_item, np.arange(clusters)), np.searchsorted(of_item, np.arange(clusters), "right")
    mass = ends[last] - ends[first]
    lengths = 4 + rng.geometric(0.25, users)
    owners = np.repeat(np.arange(users), lengths)
    own = rng.choice(clusters, (users, 2), p=mass / mass.sum())
    chosen = own[owners, rng.integers(0, 2, len(owners))]
    low, high = ends[first[chosen]], ends[last[chosen]]
    anywhere = rng.random(len(owners)) < 0.2
    low[anywhere], high[anywhere] = 0.0, ends[-1]
    items = np.searchsorted(ends, low + rng.random(len(owners)) * (high - low), "right") - 1
    items = np.minimum(items, n - 1).astype(np.int32)
    # A user takes an item once, where they first took it.
    firsts = np.sort(np.unique(owners * np.int64(n) + items, return_index=True)[1])
    owners, items = owners[firsts], items[firsts]
    centres = rng.standard_normal((clusters, DIMENSION), dtype=np.float32)
    vectors = centres[of_item] + np.float32(0.8) * rng.standard_normal((n, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    indptr = np.searchsorted(owners, np.arange(users + 1))
    asked = np.sort(rng.choice(np.flatnonzero(np.diff(indptr) > 1), min(ASKED, users // 4), replace=False))
    targets = items[indptr[asked + 1] - 1]
    kept = np.ones(len(items), dtype=np.bool_)
    kept[indptr[asked + 1] - 1] = False
    indptr = np.searchsorted(owners[kept], np.arange(users + 1))
    train = _histories(indptr, items[kept])
    given = train.take(asked)
    return Split(train, given, targets, vectors, 1.0)


def beauty(quick: bool) -> Split:
    """Amazon Beauty, strict: learned without the last two events of each user, asked with all but the last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared, _ = make_project(load("amazon_beauty", quick, folder / "slice"), folder / "project", quick, Silent())
    histories = prepared.interactions.histories
    lists = [histories.items[a:b] for a, b in pairwise(histories.indptr) if b - a > 2]
    assert prepared.catalogue.vectors is not None
    return Split(
        _of([one[:-2] for one in lists]),
        _of([one[:-1] for one in lists]),
        np.array([one[-1] for one in lists], dtype=np.int32),
        prepared.catalogue.vectors,
        0.6,
    )


def _tail(count: int, power: float) -> NDArray[np.float64]:
    weights = np.arange(1, count + 1, dtype=np.float64) ** -power
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _of(lists: list[Ints]) -> Histories:
    return _histories(np.cumsum([0] + [len(one) for one in lists]), np.concatenate(lists))


def _histories(indptr: NDArray[np.int64], items: Ints) -> Histories:
    return Histories(
        indptr=indptr.astype(np.int64),
        items=items,
        weights=np.ones(len(items), dtype=np.float32),
        times=np.zeros(len(items), dtype=np.int64),
        users=np.arange(len(indptr) - 1, dtype=np.int32),
    )


def fit(method: str, text: float, folder: Path, out: Path) -> None:
    """Solve what ``folder`` holds; leave the item-item matrix and the seconds in ``out``. Runs in its own process."""
    vectors = np.load(folder / "vectors.npy")
    with np.load(folder / "train.npz") as arrays:
        train = _histories(arrays["indptr"], arrays["items"])
    began = time.perf_counter()
    chosen = user_items(train, len(vectors))
    solution = solve(
        (chosen.T @ chosen).tocsr(),
        vectors,
        text_scale=text,
        text_power=4.0,
        regularisation=PENALTY,
        keep=KEEP,
        method="dense" if method == "dense" else "local",
        memory_gib=1.0,
    )
    (out / "seconds").write_text(str(time.perf_counter() - began))
    sparse.save_npz(out / "left.npz", sparse.csr_matrix(solution.matrix), compressed=False)


def environment() -> Path:
    """The Python that has SANSA, installed on first use beside the fetched assets.

    Raises Missing where that fails: scikit-sparse is compiled, so a C compiler and SuiteSparse's headers
    (libsuitesparse-dev) are needed.
    """
    folder = root().parent / "peers" / f"sansa-{SANSA}"
    python = folder / "bin" / "python"
    if (folder / "complete").is_file():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        packages = [f"sansa=={SANSA}", "scikit-sparse==0.4.16", "numpy<2"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise Missing("SANSA cannot be installed", fix="install a C compiler and libsuitesparse-dev") from failed
    (folder / "complete").touch()
    return python


def measured(data: Path, out: Path, method: str, text: float) -> dict[str, float]:
    """Run one fit, or take what an earlier run left in ``out``: seconds, processor seconds, peak GiB.

    Raises Missing where the fit fails.
    """
    kept = out / "figures.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    out.mkdir(parents=True, exist_ok=True)
    command: list[str | Path]
    if method == "sansa":
        child = Path(__file__).with_name("sansa_child.py")
        command = [environment(), child, data, out, str(PENALTY), str(PER_ITEM)]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    else:
        command = [sys.executable, "-m", "benchmarks.large_catalogue", "fit", method, str(text), data, out]
        clean = dict(os.environ)
    watched = [sys.executable, "-c", WATCH, out / "usage", *command]
    with (out / "log").open("w") as log:
        done = subprocess.run(watched, cwd=Path(__file__).parents[1], env=clean, stdout=log, stderr=log)
    if done.returncode:
        last = (out / "log").read_text().strip().splitlines()[-1:] or [f"stopped with {done.returncode}"]
        raise Missing(last[0])
    figures = {"seconds": float((out / "seconds").read_text()), **json.loads((out / "usage").read_text())}
    kept.write_text(json.dumps(figures))
    return figures


def ndcg(split: Split, out: Path) -> float:
    """NDCG@10 of the targets among all items but those of the history; ties share their places."""
    n = len(split.vectors)
    matrices = [
        sparse.csr_array(sparse.load_npz(out / name)) for name in ("left.npz", "right.npz") if (out / name).exists()
    ]
    gains = []
    for start in range(0, len(split.asked), 100):
        asked = split.asked.slice(start, start + 100)
        scores = history_rows(decayed(asked, split.decay), asked.items, asked, n)
        for matrix in matrices:
            scores = scores @ matrix
        block = scores.toarray()
        target = block[np.arange(len(block)), split.targets[start : start + 100]]
        block[asked.owners(), asked.items] = -np.inf
        place = (block > target[:, None]).sum(axis=1) + ((block == target[:, None]).sum(axis=1) - 1) / 2
        gains.append(np.where(place < 10, 1 / np.log2(place + 2), 0))
    return float(np.concatenate(gains).mean())


def table(split: Split, folder: Path, methods: Sequence[str]) -> str:
    split.save(folder)
    rows = []
    for name in methods:
        method, text = METHODS[name]
        out = folder / f"{method}-{text:g}"
        try:
            took = measured(folder, out, method, text)
        except Missing as failed:
            rows.append([name, "-", "-", "-", failed.line])
            continue
        rows.append(
            [
                name,
                f"{took['seconds']:,.0f}",
                f"{took['processor']:,.0f}",
                f"{took['gib']:.2f}",
                figure(ndcg(split, out)),
            ]
        )
    return markdown(HEADER, rows)


def run(folder: Path, quick: bool, only: str | None) -> None:
    sizes = (1_000, 1_500, 2_000) if quick else (25_000, 50_000, 200_000)
    for n, methods in zip(sizes, (LARGE, LARGE, LARGER), strict=True):
        if only in (None, f"{n}"):
            split = synthetic(n)
            print(
                f"\nSynthetic, {n:,} items, {len(split.train):,} users, {len(split.train.items):,} events:\n",
                flush=True,
            )
            print(table(split, folder / f"{n}", methods), flush=True)
    if only in (None, "amazon_beauty"):
        try:
            split = beauty(quick)
        except Missing as missing:
            print(f"\nAmazon Beauty is left out: {missing.line}", flush=True)
            return
        print(f"\nAmazon Beauty, {len(split.vectors):,} items, strict test:\n", flush=True)
        print(table(split, folder / "beauty", list(METHODS)), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks large_catalogue", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--quick", action="store_true", help="small catalogues: to see that it runs")
    parser.add_argument("--folder", type=Path, help="keep data and fits here; fits that are there are not run again")
    parser.add_argument("--only", help="one data set: 25000, 50000, 200000 or amazon_beauty")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        run(given.folder or Path(temporary), given.quick, given.only)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fit"]:
        fit(sys.argv[2], float(sys.argv[3]), Path(sys.argv[4]), Path(sys.argv[5]))
    else:
        main()
