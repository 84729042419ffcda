"""What each source of candidates says alone, and what it adds to the linear core.

    python -m benchmarks sources [--quick] [--data NAME] [--people N] [--seconds S]

Everything is measured on validation: the test part is left for the systems. Models are fitted on the training part,
their parameters searched within ``--seconds`` nominal seconds each on half of the people; on the same half the weight
is chosen with which a source, in standard deviations over the items of a person, is added to the core. The gain is
measured on the other half. HetRec Last.FM is split at random, by person, since it has no times; it needs the folder
``shared/data`` beside the repository, as most of the others do.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.blends import BLOCK, WEIGHTS, Joined
from benchmarks.data import ALL_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.cli.progress import make_progress
from zhiyin.errors import ModelError
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Trial, leave_one_out, random_split
from zhiyin.registry import CORE, FILLER, MODELS
from zhiyin.search import OBJECTIVE, K, Search
from zhiyin.short import part
from zhiyin.types import NO_TIME, TrainingData

SEED = 0
PEOPLE = 4000
SOURCES = (
    "trending",
    "item_knn",
    "user_knn",
    "community",
    "walks",
    "als",
    "content",
    "rules",
    "transitions",
    "sessions",
)
HEADER = ("source", f"alone, {OBJECTIVE}", "weight chosen", "core without", "core with it", "gain (95 %)")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks sources", description="What each source of candidates adds.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--data", choices=sorted(ALL_SETS), help="one data set alone")
    parser.add_argument("--people", type=int, default=PEOPLE, help="most people measured, half of them to choose on")
    parser.add_argument("--seconds", type=float, default=60.0, help="nominal seconds to search each model")
    given = parser.parse_args(arguments)
    for name in [given.data] if given.data else sorted(ALL_SETS):
        with tempfile.TemporaryDirectory() as folder:
            progress = make_progress(given.quick)
            try:
                data = load(name, given.quick, Path(folder) / "data")
            except Missing as missing:
                print(f"\n{missing}", flush=True)
                continue
            prepared, _ = make_project(data, Path(folder) / "project", given.quick, progress)
        seconds = 2.0 if given.quick else given.seconds
        print(f"\n{data.name}, validation:\n\n{table(prepared, given.people, seconds, progress)}", flush=True)


def table(prepared: Prepared, people: int, seconds: float, progress: Progress) -> str:
    whole = prepared.interactions
    timed = bool((whole.histories.times != NO_TIME).any())
    split = leave_one_out(whole) if timed else random_split(whole, seed=SEED)
    trial = split.search().sample(people, SEED)
    order = np.random.default_rng(SEED).permutation(len(trial.users))
    first, second = (part(trial, np.sort(rows)) for rows in np.array_split(order, 2))
    data = TrainingData(trial.train, prepared.catalogue, SEED, trial.now)
    filler = MODELS[FILLER]().fit(data)

    def found(name: str) -> Recommender:
        """The model of the best parameters on the first half. Raises ModelError where the data do not suit it."""
        search = Search(MODELS[name], first, prepared.catalogue, seed=SEED, budget=seconds, filler=None)
        search.run({}, True)
        assert search.best is not None
        return search.best

    with progress.task("Searching and measuring", len(SOURCES) + 1) as advance:
        core = Filled(found(CORE), filler)
        plain = [per_person(core, half) for half in (first, second)]
        rows = [[f"{CORE} (the core)", figure(plain[1].mean()), "-", "-", "-", "-"]]
        advance(1)
        for name in SOURCES:
            try:
                rows.append(row(name, found(name), core, filler, first, second, plain))
            except ModelError as useless:
                rows.append([name, useless.what, "-", "-", "-", "-"])
            advance(1)
    return markdown(HEADER, rows)


def row(
    name: str,
    model: Recommender,
    core: Filled,
    filler: Recommender,
    first: Trial,
    second: Trial,
    plain: Sequence[Values],
) -> list[str]:
    chosen = {weight: per_person(Joined(core, model.score, weight), first).mean() for weight in WEIGHTS}
    weight = max(chosen, key=lambda one: (chosen[one], -one))
    alone = figure(per_person(Filled(model, filler), second).mean())
    if chosen[weight] <= plain[0].mean():
        return [name, alone, "0", figure(plain[1].mean()), figure(plain[1].mean()), "-"]
    after = per_person(Joined(core, model.score, weight), second)
    gap = bootstrap_difference(after, plain[1], seed=SEED)
    gain = f"{gap.mean / max(plain[1].mean(), 1e-12):+.1%} ({gap.low:+.4f} to {gap.high:+.4f})"
    return [name, alone, f"{weight:g}", figure(plain[1].mean()), figure(after.mean()), gain]


def per_person(ranker: Ranker, trial: Trial) -> Values:
    """NDCG@10 of each person of ``trial``, the full catalogue ranked, seen items left out."""
    parts = []
    for start in range(0, len(trial.users), BLOCK):
        some = part(trial, np.arange(start, min(start + BLOCK, len(trial.users))))
        parts.append(accuracy(ranker.top_k(some.histories, K)[0], some.targets, [K])[OBJECTIVE])
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
