"""The feedback loop with simulated people, with and without exploration.

    python -m benchmarks loop [--quick] [--rounds N] [--people N] [--seeds N] [--out DIR]

The catalogue of MovieLens-100K, as in ``zhiyin simulate``; ``--past`` keeps its events too. What is assumed of the
simulated people is in docs/feedback.md. The first bundle is the core with its defaults, and so are those of the rounds.
Bars: with exploration the reward of the last five rounds lies above that of the first five for sure, and at least 1.5
times as much of the catalogue is shown in a round. A run that misses one ends with 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.data import load, make_project
from benchmarks.tables import markdown
from zhiyin.bundle import FOLDER, publish
from zhiyin.choose import untested
from zhiyin.cli.common import open_project
from zhiyin.cli.progress import make_progress
from zhiyin.feedback.people import PeopleParams
from zhiyin.feedback.rounds import Interval
from zhiyin.simulate import EXPLORING, SURFACE, Simulated, SimulationParams, simulate
from zhiyin.simulation_page import ENDS, figures_of, mean_of, write_all
from zhiyin.train import fit

WIDER = 1.5
METHODS = ("uniform", "thompson", "linucb")


def rows_of(told: Simulated) -> list[list[str]]:
    """One row for each run; the plain one once."""
    figures, ends = figures_of(told), min(ENDS, told.params.rounds // 2)
    rows = []
    for place, arm in enumerate(told.arms):
        first, last = (float(mean_of(some).mean()) for some in (arm.reward[:ends], arm.reward[-ends:]))
        rows.append(
            [
                str(told.params.seed),
                told.params.by if place else "none",
                f"{first:.3f}",
                f"{last:.3f}",
                spread(figures.rise[arm.name]),
                spread(figures.cost) if place else "-",
                f"{np.mean(arm.coverage):.1%}",
                f"{figures.covered:.2f}" if place else "-",
                f"{arm.so_far[-1]:.1%}",
                f"{arm.variety[0]:.3f} -> {arm.variety[-1]:.3f}",
                f"{arm.gini[0]:.3f} -> {arm.gini[-1]:.3f}",
            ]
        )
    return rows


def spread(one: Interval) -> str:
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def main() -> int:
    parser = argparse.ArgumentParser(description="The feedback loop with simulated people.")
    parser.add_argument("--quick", action="store_true", help="a slice of the data, few people, three rounds")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1, help="runs, each with other people")
    parser.add_argument("--by", nargs="*", choices=METHODS, default=["thompson"], help="what explores")
    parser.add_argument("--surface", default=SURFACE, help="whose pipeline re-ranks")
    parser.add_argument("--past", action="store_true", help="keep the events of the data set")
    parser.add_argument("--out", type=Path, help="folder for the pages and pictures")
    given = parser.parse_args()
    rounds, people = (4, 30) if given.quick else (given.rounds, given.people)
    progress = make_progress(True)
    missed, rows = [], []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        data = load("movielens-100k", given.quick, Path(name) / "data")
        prepared, settings = make_project(data, folder, given.quick, progress)
        with open_project(folder) as project:
            brief = settings.model_copy(update={"models": {"interests": {"passes": 0}}})
            content = fit(prepared, untested(brief), brief, progress)
            publish(project.store, folder / FOLDER, content, time.time_ns() // 1000, 1)
            for seed in range(given.seeds):
                for by in given.by:
                    params = SimulationParams(
                        rounds=rounds, people=PeopleParams(people=people), seed=seed, by=by, past=given.past
                    )
                    told = simulate(project.store, project.settings, folder, params, given.surface)
                    rows += rows_of(told)
                    missed += missing(told)
                    if given.out is not None:
                        write_all(given.out / f"{by}-{seed}", told, data.name)
    print(
        f"{data.name}: {people} simulated people, {rounds} rounds, lists of {params.k}; slots {list(params.slots)}, "
        f"each given away with a chance of {params.rate:g} among {params.reach} candidates.\n"
    )
    header = [
        "seed",
        "explores by",
        f"clicks a list, first {ENDS}",
        f"last {ENDS}",
        "rise (95 %)",
        "cost of exploring",
        "coverage of a round",
        "times",
        "coverage of all",
        "variety",
        "Gini",
    ]
    print(markdown(header, rows))
    print(f"\n{time.perf_counter() - began:.0f} s. Bars: {'; '.join(missed) or 'all met'}.")
    return 1 if missed and not given.quick else 0


def missing(told: Simulated) -> list[str]:
    """Bars that were not met."""
    figures, name = figures_of(told), f"seed {told.params.seed}, {told.params.by}"
    missed = [] if figures.rise[EXPLORING].low > 0 else [f"{name}: reward does not rise for sure"]
    if figures.covered < WIDER:
        missed.append(f"{name}: coverage times {figures.covered:.2f}, {WIDER} is asked for")
    return missed


if __name__ == "__main__":
    sys.exit(main())
