"""Seconds for one epoch of the sequence model beside RecTools' SASRec of the same size, on the same machine.

    python -m benchmarks sequence_speed [--quick] [--epochs N] [--threads N] [--loss NAME ...]

Both learn from the training part of Amazon Beauty, leave-one-out: 64 factors, 1 block, 1 head, the latest 50 events,
batches of 128 histories or as many events as these have on average. RecTools is measured with the loss closest to ours
(softmax over 512 sampled items, which it draws for each event and not for each batch), with its default (softmax over
all items) and with its cheapest (one negative). Its clock runs over its batches alone; ours over a whole pass, cutting
histories into batches included. They run one after the other. Needs the folder ``shared/data`` beside the repository;
without it, MovieLens-100K is taken, which is fetched.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Missing, load, make_project
from benchmarks.peer_elsewhere import RECTOOLS, ROOT
from benchmarks.tables import markdown
from zhiyin.candidates.sequence import SequenceParams
from zhiyin.candidates.sequence.training import Learner, quietly
from zhiyin.cli.progress import make_progress
from zhiyin.errors import ModelError
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.types import Histories

HISTORIES = 128
"""In each of RecTools' batches."""
SIZE = {"n_factors": 64, "n_blocks": 1, "n_heads": 1, "session_max_len": 50, "dropout_rate": 0.3}
NAMES = {
    "sampled": "512 sampled items",
    "all": "all items (its default)",
    "cheapest": "1 sampled item (its cheapest)",
}
LOSSES: dict[str, dict[str, Any]] = {
    "sampled": {"loss": "sampled_softmax", "n_negatives": 512},
    "all": {"loss": "softmax"},
    "cheapest": {"loss": "BCE", "n_negatives": 1},
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks sequence_speed", description="Time for one epoch.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--epochs", type=int, default=3, help="epochs measured, after one that is not (3)")
    parser.add_argument("--threads", type=int, default=2, help="processor threads for either (2)")
    parser.add_argument("--loss", choices=list(LOSSES), action="append", help="RecTools with this loss alone (all)")
    given = parser.parse_args(arguments)
    RECTOOLS.install()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            data = load("amazon_beauty", given.quick, folder / "data")
        except Missing:
            data = load("movielens-100k", given.quick, folder / "data")
        prepared, _ = make_project(data, folder / "project", True, make_progress(True))
    train = leave_one_out(prepared.interactions).search().train
    n, events = train.n_items, len(train.histories.items)
    print(
        f"{data.name}: {events} events, {n} items, {given.threads} threads, median of {given.epochs} epochs\n",
        flush=True,
    )
    lines = []
    for threads in dict.fromkeys((given.threads, 1)):
        seconds = ours(train.histories, n, given.epochs, threads)
        lines.append(["Zhiyin sequence", "512 sampled items, shared in a batch", f"{threads}", told(seconds)])
    for loss in given.loss or LOSSES:
        seconds = rectools(train.histories, LOSSES[loss], given.epochs, given.threads)
        lines.append(["RecTools SASRec", NAMES[loss], f"{given.threads}", told(seconds)])
    print(markdown(["model", "loss over", "threads", "seconds an epoch (least to most)"], lines))


def told(seconds: list[float]) -> str:
    return f"{np.median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f})"


def ours(histories: Histories, n_items: int, epochs: int, threads: int) -> list[float]:
    held = np.minimum(histories.lengths, SIZE["session_max_len"] + 1) - 1
    params = SequenceParams(
        factors=SIZE["n_factors"],
        blocks=SIZE["n_blocks"],
        heads=SIZE["n_heads"],
        length=SIZE["session_max_len"],
        dropout=SIZE["dropout_rate"],
        negatives=512,
        batch=max(1, round(HISTORIES * float(held[held > 0].mean()))),
    )
    start = np.random.default_rng(0).normal(0, 0.02, (n_items, params.factors)).astype(np.float32)
    seconds = []
    with quietly(0, threads):
        learner = Learner(start, histories, params, 0)
        for _ in range(epochs + 1):
            began = time.perf_counter()
            learner.one_pass()
            seconds.append(time.perf_counter() - began)
    return seconds[1:]


def rectools(histories: Histories, how: dict[str, Any], epochs: int, threads: int) -> list[float]:
    """Raises ModelError where the process fails."""
    params = {**SIZE, **how, "batch_size": HISTORIES, "epochs": epochs + 1}
    with tempfile.TemporaryDirectory() as name:
        question, answer = Path(name) / "question.npz", Path(name) / "answer.npz"
        np.savez(question, users=histories.owners(), items=histories.items, params=json.dumps(params), threads=threads)
        # Nothing of our own environment may reach into the other.
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZHIYIN_"))}
        python = str(RECTOOLS.folder() / "bin" / "python")
        command = [python, "-m", "benchmarks.sequence_speed_child", str(question), str(answer)]
        done = subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise ModelError(f"RecTools failed: {last}", where="sequence_speed_child", fix="run it by hand to see more")
        seconds: list[float] = np.load(answer)["seconds"].tolist()
    return seconds[1:]


if __name__ == "__main__":
    main()
