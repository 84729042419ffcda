"""The interest model: likelihood of the next item beside popularity, names beside the items they name, ids that stay.

    python -m benchmarks interest_model [--quick] [--data NAME]

Amazon Beauty and MovieLens-100K, leave-one-out. The model keeps its defaults, which were chosen on the validation part;
the smoothing of popularity is chosen there too. All items compete but those in the person's history, for both. Needs
the folder ``shared/data`` beside the repository for Amazon Beauty.
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

from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.topn import best_of
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference, interval_of, resampled_means
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial, leave_one_out
from zhiyin.rank.interests import InterestModel, Previous, name_interests
from zhiyin.rank.interests.align import matches
from zhiyin.rank.interests.terms import read
from zhiyin.rank.interests.words import TOP, coverage
from zhiyin.types import Floats, Histories, Interactions, TrainingData

SMOOTHINGS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
SEED = 0
BLOCK_CELLS = 16_000_000
COVERED = 0.6
"""Share of an interest's top items that its words should cover."""
KEPT = 0.9
"""Share of the events that the earlier of two trainings sees."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """log-likelihood of each target and its rank (0 is best), the history left out for both."""

    logs: Values
    ranks: NDArray[np.int64]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks interest_model", description="The interest model.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--data", choices=sorted(DATA_SETS), help="one data set alone")
    given = parser.parse_args(arguments)
    likelihood, named = [], []
    for name in [given.data] if given.data else sorted(DATA_SETS):
        with tempfile.TemporaryDirectory() as folder:
            try:
                data = load(name, given.quick, Path(folder) / "slice")
            except Missing as absent:
                print(f"skipped: {absent.line}")
                continue
            progress = make_progress(given.quick)
            prepared, _ = make_project(data, Path(folder) / "project", given.quick, progress)
        split = leave_one_out(prepared.interactions)
        likelihood += measured(data.name, split, prepared, progress)
        named.append(names_of(data.name, prepared, progress))
    if not named:
        return
    print("\n### Log-likelihood of the next item (nats an event), and the list of the model alone, test\n")
    header = ("data", "model", "log-likelihood", "minus popularity", "NDCG@10", "fit, s")
    print(markdown(header, likelihood))
    print("\nRanges are 95 % bootstrap intervals over users; every item but those in the history competes.\n")
    print("### Words and ids\n")
    header = (
        "data",
        "interests",
        "general",
        "words cover",
        f"interests at {COVERED:.0%} or more",
        "ids kept, 90 % to all",
    )
    print(markdown(header, named))
    print(
        f"\nCover: share of an interest's {TOP} top items whose title or categories hold one of its five words; mean "
        "over those not general. Ids: of a training on nine tenths of the events, drawn by seed, found again on all."
    )


def measured(name: str, split: Split, prepared: Prepared, progress: Progress) -> list[list[str]]:
    """Rows of one data set: popularity and the model, fitted on all but the test events."""
    search, test = split.search(), split.refit()
    base = max(SMOOTHINGS, key=lambda value: float(told_by(popularity(search, value), search).logs.mean()))
    popular = told_by(popularity(test, base), test)
    with progress.task(f"{name}: learning interests"):
        began = time.perf_counter()
        model = InterestModel().fit(TrainingData(test.train, prepared.catalogue, SEED, test.now))
        seconds = time.perf_counter() - began
    ours = told_by(model.score, test)
    rows = []
    for label, told, spent in ((f"popularity, {base:g} added", popular, None), ("interests", ours, seconds)):
        low, high = _interval(told.logs)
        gap = "-"
        if told is not popular:
            more = bootstrap_difference(told.logs, popular.logs)
            gap = f"{more.mean:+.4f} ({more.low:+.4f} to {more.high:+.4f})"
        ndcg = np.where(told.ranks < 10, 1 / np.log2(told.ranks + 2.0), 0.0)
        ends = _interval(ndcg)
        time_ = "-" if spent is None else f"{spent:.0f}"
        rows.append(
            [name, label, figure(float(told.logs.mean()), low, high), gap, figure(float(ndcg.mean()), *ends), time_]
        )
    return rows


def popularity(trial: Trial, smoothing: float) -> Callable[[Histories], Floats]:
    counts = np.bincount(trial.train.histories.items, minlength=trial.train.n_items) + smoothing
    logits = np.log(counts / counts.sum()).astype(np.float32)
    return lambda histories: np.repeat(logits[None, :], len(histories), axis=0)


def told_by(score: Callable[[Histories], Floats], trial: Trial) -> Told:
    """What a softmax over ``score`` says of the targets of ``trial``, one per user."""
    logs, ranks = [], []
    step = max(1, BLOCK_CELLS // trial.train.n_items)
    for start in range(0, len(trial.users), step):
        histories = trial.histories.slice(start, start + step)
        block: Floats = score(histories)
        block[histories.owners(), histories.items] = -np.inf
        rows = np.arange(len(block))
        aimed = block[rows, trial.targets.items[start : start + step]].astype(np.float64)
        peak = block.max(axis=1).astype(np.float64)
        total = np.exp(block - peak[:, None].astype(np.float32)).sum(axis=1, dtype=np.float64)
        logs.append(aimed - peak - np.log(total))
        best, _ = best_of(block, 10)
        hit = best == trial.targets.items[start : start + step][:, None]
        ranks.append(np.where(hit.any(axis=1), hit.argmax(axis=1), 10))
    return Told(np.concatenate(logs), np.concatenate(ranks))


def names_of(name: str, prepared: Prepared, progress: Progress) -> list[str]:
    """How well words and ids hold, the model fitted on everything."""
    whole = prepared.interactions
    ids, catalogue = whole.items.ids, prepared.catalogue
    with progress.task(f"{name}: a training before"):
        early = InterestModel().fit(TrainingData(thinned(whole), catalogue, SEED))
    with progress.task(f"{name}: and the one after"):
        late = InterestModel().fit(TrainingData(whole, catalogue, SEED))
    first = name_interests(early.items, ids, catalogue, counts_of(thinned(whole)))
    previous = Previous(ids, early.items, first)
    named = name_interests(late.items, ids, catalogue, counts_of(whole), previous=previous)
    kept = len(matches(ids, late.items, previous)) / len(named)
    said = read(catalogue.titles, catalogue.categories)
    own = [one for one in named if not one.general]
    covers = [coverage(one.words, whole.items.rows(one.items).tolist(), said) for one in own]
    for one, cover in zip(own, covers, strict=True):
        progress.say(f"{name}: {one.name} ({cover:.0%}): {', '.join(one.words)}")
    reached = sum(cover >= COVERED for cover in covers) / max(1, len(covers))
    general = len(named) - len(own)
    return [name, str(len(named)), str(general), f"{np.mean(covers):.1%}", f"{reached:.1%}", f"{kept:.1%}"]


def counts_of(interactions: Interactions) -> NDArray[np.int64]:
    return np.bincount(interactions.histories.items, minlength=interactions.n_items)


def thinned(whole: Interactions) -> Interactions:
    """``whole`` without one event in ten, drawn by seed."""
    full = whole.histories
    kept = np.random.default_rng(SEED).random(len(full.items)) < KEPT
    counts = np.bincount(full.owners()[kept], minlength=len(full))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    thin = Histories(indptr, full.items[kept], full.weights[kept], full.times[kept], full.users)
    return Interactions(whole.users, whole.items, thin)


def _interval(values: Values) -> tuple[float, float]:
    found = interval_of(resampled_means(values[:, None])[:, 0])
    return found.low, found.high


if __name__ == "__main__":
    main()
