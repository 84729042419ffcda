"""What a longer search is worth: the built-in search of training against Optuna's, on as many trials.

    python -m benchmarks tuning [--quick] [--seeds N] [--model NAME]

Parameters are chosen by one half of the validation users of MovieLens-100K (leave-one-out), looked at on the other
half, and measured on the test part last. The built-in search decides how many trials there are: within one model all
cost about the same, so as many trials are as many nominal seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import load, make_project
from benchmarks.tables import markdown
from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.metrics import Values
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, leave_one_out
from zhiyin.registry import MODELS
from zhiyin.search import Search
from zhiyin.tuning.space import places_of, space_of
from zhiyin.tuning.stages import Bench, ModelStage, make_bench, values_of
from zhiyin.tuning.trials import Journal, Trials
from zhiyin.types import TrainingData

NAMES = ("item_knn", "rules", "linear")
BUDGET = 60.0
"""Nominal seconds for the built-in search; on these data it ends by itself before."""
DEFAULTS, BUILT_IN = "the defaults", "built-in"
SAME, TWICE, AFTER = "Optuna, as many trials", "Optuna, twice as many", "built-in, then Optuna for as many more"
HEADER = ("model", "search", "trials", "seconds", "search half", "checking half", "test", "test, against the built-in")


@dataclass(frozen=True)
class Reached:
    """What a search ended with: trials it took, seconds of the clock, parameters."""

    trials: int
    seconds: float
    params: Params


@dataclass(frozen=True)
class Measured:
    """The same on the three sets of users; ``test`` is NDCG@10 by user."""

    reached: Reached
    search: float
    check: float
    test: Values


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks tuning", description="Optuna against the built-in search.")
    parser.add_argument("--quick", action="store_true", help="a small slice, one seed: to see that it runs")
    parser.add_argument("--seeds", type=int, default=1, help="repeat with so many halves and draws")
    parser.add_argument("--model", choices=NAMES, action="append", help="only this model")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder, progress = Path(name), make_progress(given.quick)
        data = load("movielens-100k", given.quick, folder / "slice")
        prepared, _ = make_project(data, folder / "project", given.quick, progress)
        split = leave_one_out(prepared.interactions)
        print(f"### {data.name}, leave-one-out, strict: NDCG@10, mean of {1 if given.quick else given.seeds} seed(s)\n")
        print(markdown(HEADER, []), flush=True)
        for model in given.model or (NAMES[1:2] if given.quick else NAMES):
            found: dict[str, list[Measured]] = defaultdict(list)
            for seed in range(1 if given.quick else given.seeds):
                bench = make_bench(split.search(), prepared.catalogue, {}, seed)
                reached = searches(MODELS[model], bench, folder / "journals" / f"{model} {seed}", seed)
                for search, one in reached.items():
                    found[search].append(measured(MODELS[model], one, bench, split, prepared, seed))
                progress.say(f"{model}, seed {seed}: done")
            print(markdown(HEADER, [cells(model, search, found) for search in found]).split("\n", 2)[2], flush=True)
    print(
        "\nThe last column is the mean difference by user over all seeds, with its 95 % bootstrap interval over users.",
        flush=True,
    )


def searches(kind: type[Recommender], bench: Bench, folder: Path, seed: int) -> dict[str, Reached]:
    """Every search on the search half of ``bench``, from the defaults."""
    defaults = kind()
    found = {DEFAULTS: Reached(1, 0.0, defaults.params)}
    began = time.perf_counter()
    run = Search(kind, bench.search, bench.catalogue, seed=seed, budget=BUDGET, filler=bench.filler)
    built_in = run.run({}, True)
    most = len(built_in.trials)
    spent = time.perf_counter() - began
    found[BUILT_IN] = Reached(most, spent, built_in.params)

    def optuna(name: str) -> tuple[Trials, Callable[[int], Reached]]:
        folder.mkdir(parents=True, exist_ok=True)
        stage = ModelStage(kind, bench, {})
        stage.look()
        space = space_of(kind.params_type, kind.search_space, stepped=stage.stepped)
        trials = Trials(stage, space, Journal(folder).study(name), seed)

        def reach(trials_in_all: int) -> Reached:
            start = time.perf_counter()
            trials.run([places_of(space, defaults.params)], trials_in_all, time.monotonic() + 3600, lambda done: None)
            best = trials.best()
            assert best is not None
            return Reached(trials_in_all, time.perf_counter() - start, kind.make_params(best.values))

        return trials, reach

    _, alone = optuna("alone")
    found[SAME] = alone(most)
    longer = alone(2 * most)
    found[TWICE] = Reached(2 * most, found[SAME].seconds + longer.seconds, longer.params)
    trials, after = optuna("after")
    trials.add_built_in([(kind.make_params(one["params"]), one["NDCG@10"]) for one in built_in.trials])
    more = after(most)
    found[AFTER] = Reached(2 * most, spent + more.seconds, more.params)
    return found


def measured(
    kind: type[Recommender], reached: Reached, bench: Bench, split: Split, prepared: Prepared, seed: int
) -> Measured:
    ranker = ModelStage(kind, bench, {}).ranker(reached.params)
    search, check = (
        float(np.nanmean(values_of(ranker, half, bench.catalogue))) for half in (bench.search, bench.check)
    )
    trial = split.strict()
    data = TrainingData(trial.train, prepared.catalogue, seed, trial.now)
    fitted = Filled(kind(reached.params).fit(data), bench.filler)
    return Measured(reached, search, check, values_of(fitted, trial, bench.catalogue))


def cells(model: str, search: str, found: dict[str, list[Measured]]) -> list[str]:
    runs = found[search]
    test = np.mean([one.test for one in runs], axis=0)
    gap = bootstrap_difference(test, np.mean([one.test for one in found[BUILT_IN]], axis=0))
    return [
        model,
        search,
        "/".join(str(one.reached.trials) for one in runs),
        f"{np.mean([one.reached.seconds for one in runs]):.1f}",
        f"{np.mean([one.search for one in runs]):.4f}",
        f"{np.mean([one.check for one in runs]):.4f}",
        f"{np.nanmean(test):.4f}",
        "-" if search == BUILT_IN else f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})",
    ]


if __name__ == "__main__":
    main()
