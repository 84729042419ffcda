"""Whether the chance beside an item comes true: four ways to learn it on validation, measured on the test part.

    python -m benchmarks calibration [--quick] [--data NAME] [--models NAME ...]

Amazon Beauty and MovieLens-100K, leave-one-out. Chances are learned from the lists that a model fitted on the training
part gives to validation people, and measured on the lists of the same model fitted on training and validation events:
what a service does. ``linear`` is the core with its defaults; ``fusion`` all models with theirs, combined. Which way is
used is chosen on validation too. Needs the folder ``shared/data`` beside the repository for Amazon Beauty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.fill import Filled
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import hits
from zhiyin.evaluate.reliability import brier, expected_calibration_error, log_loss, relative_error, reliability
from zhiyin.fused import FusedModel
from zhiyin.fusing import FusingParams, fuse
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial, leave_one_out
from zhiyin.rank.probability import METHODS, Probability
from zhiyin.registry import CORE, FILLER, MODELS
from zhiyin.types import Floats, Longs, TrainingData

DATA = ("amazon_beauty", "movielens-100k")
SEED = 0
DEPTH = 100
PLACES = (10, 100)
BINS = 10


@dataclass(frozen=True)
class Lists:
    """``scores`` float32 and ``hit`` bool [U, k] of people with histories of ``lengths`` events."""

    scores: Floats
    hit: NDArray[np.bool_]
    lengths: Longs


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks calibration", description="Whether chances come true.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--data", choices=DATA, help="one data set alone")
    parser.add_argument("--models", nargs="+", choices=tuple(SOURCES), default=list(SOURCES), help="whose lists")
    given = parser.parse_args(arguments)
    rows, bins = [], []
    for name in [given.data] if given.data else DATA:
        with tempfile.TemporaryDirectory() as folder:
            try:
                data = load(name, given.quick, Path(folder) / "slice")
            except Missing as absent:
                print(f"skipped: {absent.line}")
                continue
            progress = make_progress(given.quick)
            prepared, _ = make_project(data, Path(folder) / "project", given.quick, progress)
        split = leave_one_out(prepared.interactions)
        for model in given.models:
            learned, test = SOURCES[model](split, prepared, progress)
            more, table = measured(learned, test)
            rows += [[data.name, model, *row] for row in more]
            bins += [[data.name, model, *row] for row in table]
    if not rows:
        return
    print("\n### Learned on validation, measured on test\n")
    header = (
        "data", "lists of", "chance by", "places", "told / seen", "ECE, equal mass", "ECE, equal width", "error / hits",
        "Brier", "log loss", "less than rank", "learned in, s",
    )  # fmt: skip
    print(markdown(header, rows))
    print(
        f"\n{BINS} bins. error / hits: the error of equal mass over the share that was hit; saying 0 always has 1. "
        "Less than rank: mean difference of people's log loss to that of the curve over ranks, with its 95 % bootstrap "
        "interval; below 0 is better. *: chosen on validation.\n"
    )
    print(f"### The chosen chances of the first {PLACES[0]} places, in bins of as many hits as told\n")
    print(markdown(("data", "lists of", "items", "told", "seen", "told / seen"), bins))


def measured(learned: Lists, test: Lists) -> tuple[list[list[str]], list[list[str]]]:
    """Rows for each way and number of places, and the bins of the chosen one."""
    chosen = Probability.learn(learned.scores, learned.hit, learned.lengths, SEED).method
    rows, bins = [], []
    curve: Floats | None = None
    for method in METHODS:
        began = time.perf_counter()
        told = Probability.learn(learned.scores, learned.hit, learned.lengths, SEED, method)
        seconds = time.perf_counter() - began
        chances = told.of(test.scores, test.lengths)
        curve = chances if curve is None else curve
        for places in PLACES:
            shown = np.isfinite(test.scores[:, :places]) & np.isfinite(chances[:, :places])
            own, hit = chances[:, :places][shown], test.hit[:, :places][shown]
            even = reliability(own, hit, BINS)
            wide = reliability(own, hit, BINS, "equal_width")
            gap = bootstrap_difference(by_person(chances, test, places), by_person(curve, test, places))
            rows.append(
                [
                    f"{method} *" if method == chosen else method,
                    str(places),
                    f"{own.mean() / hit.mean():.3f}" if hit.any() else "-",
                    f"{expected_calibration_error(even):.4f}",
                    f"{expected_calibration_error(wide):.4f}",
                    f"{relative_error(even):.3f}",
                    f"{brier(own, hit):.5f}",
                    f"{log_loss(own, hit):.5f}",
                    "-" if method == "rank" else f"{gap.mean:+.5f} ({gap.low:+.5f} to {gap.high:+.5f})",
                    f"{seconds:.1f}",
                ]
            )
            if method == chosen and places == PLACES[0]:
                bins = [
                    [
                        f"{one.count:,}",
                        f"{one.told:.2%}",
                        f"{one.seen:.2%} ({one.low:.2%}-{one.high:.2%})",
                        figure(one.ratio)[:4],
                    ]
                    for one in reliability(own, hit, BINS, "equal_hits")
                ]
    return rows, bins


def by_person(chances: Floats, test: Lists, places: int) -> NDArray[np.float64]:
    """Mean log loss of the first ``places`` of each person's list, float64 [U]; NaN for an empty list."""
    found = np.full(len(chances), np.nan)
    for row, (own, hit, scores) in enumerate(zip(chances, test.hit, test.scores, strict=True)):
        shown = np.isfinite(scores[:places]) & np.isfinite(own[:places])
        if shown.any():
            found[row] = log_loss(own[:places][shown], hit[:places][shown])
    return found


def lists_of(ranker: Ranker, trial: Trial, prepared: Prepared) -> Lists:
    hidden = prepared.catalogue.hidden
    allowed = ~hidden if hidden.any() else None
    rows, scores = ranker.top_k(trial.histories, min(DEPTH, trial.train.n_items), allowed=allowed)
    return Lists(scores, hits(rows, trial.targets), trial.histories.lengths)


def data_of(trial: Trial, prepared: Prepared) -> TrainingData:
    return TrainingData(trial.train, prepared.catalogue, SEED, trial.now)


def linear(split: Split, prepared: Prepared, progress: Progress) -> tuple[Lists, Lists]:
    """Lists of the core, short ones filled: of validation and of test."""
    found = []
    for trial in (split.search(), split.refit()):
        with progress.task(f"Fitting the core for {trial.part}"):
            data = data_of(trial, prepared)
            ranker = Filled(MODELS[CORE]().fit(data), MODELS[FILLER]().fit(data))
        found.append(lists_of(ranker, trial, prepared))
    return found[0], found[1]


def fusion(split: Split, prepared: Prepared, progress: Progress) -> tuple[Lists, Lists]:
    """Lists of all models combined: of validation by cross-fitting, and of test by what was learned from all. Where the
    combination is not better than the core, the lists are those of the core."""
    search, test = split.search(), split.refit()
    members = {name: kind().fit(data_of(search, prepared)) for name, kind in MODELS.items()}
    tried = fuse(
        members, CORE, members[FILLER], search, prepared.catalogue, FusingParams(), seed=SEED,
        progress=progress,
    )  # fmt: skip
    if tried.model is None:
        progress.say("the combination is not better than the core alone")
        return linear(split, prepared, progress)
    data = data_of(test, prepared)
    names = dict.fromkeys((*tried.model.members, FILLER))
    fitted = {name: MODELS[name]().fit(data) for name in names}
    again = FusedModel(
        tried.model.params, {name: fitted[name] for name in tried.model.members}, tried.model.combiner
    ).over(data)
    scores, hit, lengths = tried.lists
    return Lists(scores, hit, lengths), lists_of(Filled(again, fitted[FILLER]), test, prepared)


SOURCES: dict[str, Callable[[Split, Prepared, Progress], tuple[Lists, Lists]]] = {"linear": linear, "fusion": fusion}


if __name__ == "__main__":
    main()
