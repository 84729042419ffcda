"""The sequence model in variants: alone, and what it adds to the core.

    python -m benchmarks sequence [--quick] [--data NAME] [--only NAME ...] [--test]

Leave-one-out, strict. Each variant changes the named parameters of the default and is fitted on the training part. The
core keeps its defaults. "with the core" adds the two models' scores, each set to mean 0 and deviation 1 over the items
of every user, the sequence model's times the weight that is best on validation. With ``--test`` the default is then
asked for the test part, with the weight from validation. Needs the folder ``shared/data`` beside the repository for
Amazon Beauty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.sequence import SequenceModel
from zhiyin.cli.progress import make_progress
from zhiyin.preprocess.splits import Split, Trial, leave_one_out
from zhiyin.types import Catalogue, Floats, TrainingData

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "without text": {"text": 0.0},
    "last weights instead of averaged": {"averaging": 0.0},
    "two members": {"members": 2},
    "128 factors": {"factors": 128},
    "2 blocks": {"blocks": 2},
    "2,048 negatives": {"negatives": 2048},
    "latest 20 events": {"length": 20},
    "latest 200 events": {"length": 200},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.5": {"dropout": 0.5},
}
USED = ("amazon_beauty", "movielens-100k")
WEIGHTS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
BLOCK = 1000
SEED = 0
K = 10
QUICK = {"epochs": 2, "factors": 16}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks sequence", description="Variants of the sequence model.")
    parser.add_argument("--quick", action="store_true", help="a small slice and few epochs: to see that it runs")
    parser.add_argument(
        "--data", choices=sorted(DATA_SETS), help=f"one data set alone; by default {' and '.join(USED)}"
    )
    parser.add_argument("--only", nargs="+", choices=sorted(VARIANTS), help="these variants alone")
    parser.add_argument("--test", action="store_true", help="ask the default for the test part as well")
    given = parser.parse_args(arguments)
    for name in [given.data] if given.data else USED:
        with tempfile.TemporaryDirectory() as folder:
            try:
                data = load(name, given.quick, Path(folder) / "data")
            except Missing as missing:
                print(f"{name} is left out: {missing}\n")
                continue
            prepared, _ = make_project(data, Path(folder) / "project", given.quick, make_progress(True))
        print(f"### {data.name}\n")
        split = leave_one_out(prepared.interactions)
        more = QUICK if given.quick else {}
        print(table(split, prepared.catalogue, given.only or list(VARIANTS), more, given.test) + "\n", flush=True)


def table(split: Split, catalogue: Catalogue, variants: Sequence[str], more: dict[str, Any], test: bool) -> str:
    trial = split.search()
    data = TrainingData(trial.train, catalogue, SEED, trial.now)
    core = LinearCore().fit(data)
    alone = together(core, None, trial)
    lines = [["core alone", "-", "-", f"{alone[0][0]:.4f}", "-", f"{alone[0][0]:.4f}"]]
    chosen: tuple[SequenceModel, float] | None = None
    for name in variants:
        model = SequenceModel(**{**VARIANTS[name], **more})
        began = time.perf_counter()
        model.fit(data)
        seconds = time.perf_counter() - began
        passes = ", ".join(str(len(progress.losses)) for progress in model.progress)
        joined, itself = together(core, model, trial)
        weight = max(joined, key=lambda one: (joined[one], -one))
        lines.append([name, passes, f"{seconds:.0f}", figure(itself), f"{weight:g}", figure(joined[weight])])
        if name == "default":
            chosen = model, weight
    header = ["variant", "epochs", "seconds", f"NDCG@{K} alone", "weight", "with the core"]
    told = "Validation:\n\n" + markdown(header, lines)
    if test and chosen is not None:
        asked = split.strict()
        joined, itself = together(core, chosen[0], asked, (0.0, chosen[1]))
        told += (
            f"\n\nTest, the default: alone {itself:.4f}, the core {joined[0.0]:.4f}, "
            f"with the core {joined[chosen[1]]:.4f} (weight {chosen[1]:g})."
        )
    return told


def together(
    core: Recommender, model: Recommender | None, trial: Trial, weights: Sequence[float] = WEIGHTS
) -> tuple[dict[float, float], float]:
    """Mean NDCG@10 of the sum by weight, and of ``model`` alone."""
    sums: dict[float, float] = dict.fromkeys(weights if model is not None else (0.0,), 0.0)
    itself = 0.0
    for start in range(0, len(trial.users), BLOCK):
        histories, targets = trial.histories.slice(start, start + BLOCK), trial.targets.slice(start, start + BLOCK)
        seen = histories.owners(), histories.items
        wanted = np.arange(len(targets)), targets.items

        def gain(scores: Floats, seen: Any = seen, wanted: Any = wanted) -> float:
            scores[seen] = -np.inf
            ranks = (scores >= scores[wanted][:, None]).sum(axis=1) - 1
            gains: NDArray[np.float64] = np.where(ranks < K, 1 / np.log2(ranks + 2), 0)
            return float(gains.sum())

        base = standard(core.score(histories))
        other = None if model is None else standard(model.score(histories))
        for weight in sums:
            sums[weight] += gain(base + np.float32(weight) * other if other is not None else base.copy())
        itself += gain(other.copy()) if other is not None else 0.0
    return {weight: total / len(trial.users) for weight, total in sums.items()}, itself / len(trial.users)


def standard(scores: Floats) -> Floats:
    """Each row with mean 0 and deviation 1."""
    around = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(around / np.maximum(around.std(axis=1, keepdims=True), 1e-12), dtype=np.float32)


if __name__ == "__main__":
    main()
