"""People of whom one, two or three events are known: what understanding adds, and what else was tried.

    python -m benchmarks near_cold [--quick] [--data NAME] [--people N] [--seconds S] [--searched N]

Amazon Beauty and MovieLens-100K, leave-one-out. Everybody's history is cut to its last 1, 2 and 3 events before the
target; nothing else of it is known when they are asked, and the full catalogue competes without those events. Models
are fitted on the training part; every choice is made on validation. The re-ranker by a language model is measured on
``--people`` people drawn by seed, for each of validation and test; it needs the packages of ``make install-llm``. Needs
the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.blends import tried
from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.reranked import reranked
from benchmarks.tables import figure, markdown, settings
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.short import MOST_EVENTS, ShortCore
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import Difference, bootstrap, bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.search import OBJECTIVE, K, Search
from zhiyin.short import choose_short, per_person, with_last
from zhiyin.types import Catalogue

SEED = 20240607
LENGTHS = tuple(range(1, MOST_EVENTS + 1))
PEOPLE = 100
MOST = 2000
"""People on whom the blends are tried, half of them to choose the weight."""
WITHOUT = "(a) core without any language model"
SHIPPED = "(b) core with text vectors, as shipped"
HEADER = ("system", *(f"last {n}" for n in LENGTHS), "averaged", "gain on (a)", "gain on (b)")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks near_cold", description="People with one to three events.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--data", choices=sorted(DATA_SETS), help="one data set alone")
    parser.add_argument("--people", type=int, default=PEOPLE, help="people re-ranked by the language model; 0 for none")
    parser.add_argument("--seconds", type=float, help="nominal seconds to search each core; as in training by default")
    parser.add_argument("--searched", type=int, help="validation people that choices are made on; all by default")
    given = parser.parse_args(arguments)
    if given.quick:
        given.people = 0
    for name in [given.data] if given.data else sorted(DATA_SETS):
        with tempfile.TemporaryDirectory() as folder:
            try:
                run(name, given, Path(folder), make_progress(given.quick))
            except Missing as absent:
                print(f"skipped: {absent.line}")


def run(name: str, given: argparse.Namespace, folder: Path, progress: Progress) -> None:
    data = load(name, given.quick, folder / "slice")
    prepared, options = make_project(data, folder / "project", given.quick, progress)
    catalogue = prepared.catalogue
    split = leave_one_out(prepared.interactions)
    tuning, testing = split.search().sample(given.searched or options.train.search_users, SEED), split.strict()
    budget = given.seconds or options.train.search_seconds / 2
    popular = searched(WindowedPopularity, tuning, catalogue, budget, None, {})
    rankers: dict[str, Ranker] = {}
    notes = []
    for arm, what, known, fixed in (
        (WITHOUT, "without text", replace(catalogue, vectors=None), {"text_scale": 0.0}),
        (SHIPPED, "with text", catalogue, {}),
    ):
        core = searched(LinearCore, tuning, known, budget, popular, fixed)
        assert isinstance(core, LinearCore)
        progress.say(f"{arm}: {settings(shown(core))}")
        short = choose_short(core, popular, tuning, known, SEED)
        rankers[arm] = Filled(core, popular)
        if short.model is None or short.gain is None:
            notes.append(f"Too few people to choose weights for short histories, {what}.")
            continue
        rankers[f"{arm}, weights for short histories"] = Filled(short.model, popular)
        notes.append(
            f"Weights for short histories, {what}: {settings(shown(short.model))}; on validation people outside the "
            f"search {told(short.gain)}; {'kept' if short.params else 'not kept'}."
        )
    print(f"\n### {data.name}: histories of 1 to {MOST_EVENTS} events, test\n")
    print(markdown(HEADER, table(rankers, testing, catalogue)))
    print(
        f"\n{len(testing.users):,} people, {prepared.interactions.n_items:,} items. Models are fitted on the "
        "training part; what the same people took before the cut stays in it. Gains are paired over people, each "
        "person's lengths averaged; ranges are 95 % bootstrap intervals over people. Choices on "
        f"{len(tuning.users):,} validation people. " + " ".join(notes)
    )
    best = max(rankers, key=lambda one: per_person(rankers[one], tuning, catalogue).mean())
    print(f"\n### {data.name}: what else was tried on top of it, validation\n")
    print(tried(rankers[best], tuning, catalogue, popular, SEED, 50 if given.quick else MOST))
    print(f"\nOn top of: {best}, the best on validation.")
    if given.people:
        print(f"\n### {data.name}: 20 candidates re-ranked by a language model\n")
        print(reranked(rankers[best], tuning, testing, catalogue, given.people, folder / "reranked", progress, SEED))


def table(rankers: dict[str, Ranker], trial: Trial, catalogue: Catalogue) -> list[list[str]]:
    """A line for each system: NDCG@10 by length, averaged, and its gain on the two readings of "without"."""
    whole = {name: per_person(ranker, trial, catalogue) for name, ranker in rankers.items()}
    lines = []
    for name, ranker in rankers.items():
        cells = []
        for length in LENGTHS:
            values = ndcg(ranker, with_last(trial, length), catalogue)
            cells.append(figure(float(values.mean())))
        spread = bootstrap(whole[name], seed=SEED)
        cells.append(figure(float(whole[name].mean()), spread.low, spread.high))
        for other in (WITHOUT, SHIPPED):
            gap = bootstrap_difference(whole[name], whole[other], seed=SEED)
            share = gap.mean / max(float(whole[other].mean()), 1e-12)
            cells.append("-" if name == other else f"{share:+.1%} ({told(gap)})")
        lines.append([name, *cells])
    return lines


def ndcg(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> Values:
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, _ = ranker.top_k(trial.histories, K, allowed=allowed)
    return accuracy(rows, trial.targets, [K])[OBJECTIVE]


def told(gap: Difference) -> str:
    return f"{gap.mean:+.4f}, 95 % {gap.low:+.4f} to {gap.high:+.4f}"


def shown(core: LinearCore) -> dict[str, Any]:
    names = dict.fromkeys((*LinearCore.search_space, *ShortCore.search_space))
    return {name: getattr(core.params, name) for name in names}


def searched(
    kind: type[Recommender],
    trial: Trial,
    catalogue: Catalogue,
    budget: float,
    filler: Recommender | None,
    fixed: dict[str, Any],
) -> Recommender:
    search = Search(kind, trial, catalogue, seed=SEED, budget=budget, filler=filler)
    search.run(fixed, True)
    assert search.best is not None
    return search.best


if __name__ == "__main__":
    main()
