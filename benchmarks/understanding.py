"""What each part of understanding adds, switched on one by one: people with long and short histories, and new items.

    python -m benchmarks understanding [--quick] [--people N] [--solver local]

Amazon Beauty, in the setting of ``cold_items``: one item in ten has lost all its events. Warm: the ordinary next event.
Short: the same with the last 1 to 3 events alone. Cold: an item that has lost its events, asked for by its text. The
core has its default parameters, which are those that the search chooses on these data. How features enter, the weight
of the interest model and the weights for short histories are chosen on validation, for each group of people by itself.
The re-ranker is asked about ``--people`` people (the packages of ``make install-llm``), drawn by seed. Needs the folder
``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.blends import Joined, Score
from benchmarks.cold_items import NDCG, SEED, Setting, draw, held_out
from benchmarks.data import Missing, load, make_project
from benchmarks.item_features import OFF, Variant, read, shortened, ways
from benchmarks.reranked import reranked
from benchmarks.tables import figure, markdown
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore, LinearParams
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.cli.common import open_project
from zhiyin.cli.progress import make_progress
from zhiyin.errors import ModelError
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Measurement, Ranker, measure
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.rank.interests import InterestModel
from zhiyin.short import choose_short
from zhiyin.store.sql import SqlStore
from zhiyin.types import TrainingData

GROUPS = ("warm", "short", "cold")
WEIGHTS = (0.05, 0.1, 0.2, 0.4)
PEOPLE = 100
SEARCHED = 3000
"""Validation people on whom the weight of the interest model is chosen."""
NO_TEXT, TEXT = "core without text", "core with text vectors, as shipped"
Make = Callable[[Setting], Ranker]
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One part switched on: the ranker that each group of people gets, by the choice made for that group."""

    name: str
    chosen: dict[str, str]
    make: dict[str, Make]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks understanding", description="What understanding adds, by part.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--people", type=int, default=PEOPLE, help="people re-ranked by the language model; 0 for none")
    parser.add_argument("--solver", choices=("auto", "local"), default="auto", help="local: quicker, not exact")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(given, Path(folder), make_progress(given.quick))
        except Missing as absent:
            print(f"skipped: {absent.line}")


def run(given: argparse.Namespace, folder: Path, progress: Progress) -> None:
    data = load("amazon_beauty", given.quick, folder / "slice")
    prepared, _ = make_project(data, folder / "project", given.quick, progress)
    params = LinearParams(solver=given.solver)
    with open_project(folder / "project") as project:
        assert isinstance(project.store, SqlStore)
        variants = ways(read(prepared, project.store, progress), encoded=False)
    split = leave_one_out(prepared.interactions)
    first, second = draw(prepared.interactions.n_items)
    tuning = held_out(split, prepared.catalogue, held=first | second, asked=second, test=False)
    testing = held_out(split, prepared.catalogue, held=first, asked=first, test=True)

    by_name = {one.name: one for one in variants}
    cores: dict[tuple[bytes, str], Filled] = {}

    def core(setting: Setting, variant: str) -> Filled:
        key = (setting.held.tobytes(), variant)
        if key not in cores:
            cores[key] = Filled(by_name[variant].fit(setting.data, params), filler(setting.data))
        return cores[key]

    steps = [
        same(NO_TEXT, with_(without_text, params)),
        same(TEXT, with_(core, OFF)),
        features(tuning, variants, core),
        interests(tuning, core),
        lengths(tuning, core),
    ]
    with progress.task("Measuring", len(steps)) as advance:
        measured = []
        for step in steps:
            measured.append({name: asked(step.make[name](testing), testing, name) for name in GROUPS})
            advance(1)
    print(f"\n### {data.name}: {NDCG} on test, and the paired difference to the core as shipped\n")
    print(
        markdown(("switched on", *GROUPS, *(f"{name}: difference" for name in GROUPS), "chosen"), rows(steps, measured))
    )
    sizes = ", ".join(f"{name} {measured[1][name].users:,}" for name in GROUPS)
    print(
        f"\nPeople: {sizes}. {prepared.interactions.n_items:,} items compete, {int(testing.held.sum()):,} of them "
        "without events. Ranges are 95 % bootstrap intervals over people. Each part is switched on alone, on top of "
        "the core as shipped; 'off' where validation preferred it off, and then the difference is 0."
    )
    if given.people and not given.quick:
        print(f"\n### {data.name}: the re-ranker, histories of 1 to 3 events\n")
        print(
            reranked(
                core(tuning, OFF),
                tuning.warm,
                testing.warm,
                prepared.catalogue,
                given.people,
                folder / "asked",
                progress,
                SEED,
                core(testing, OFF),
            )
        )


def same(name: str, make: Make) -> Step:
    return Step(name, dict.fromkeys(GROUPS, ""), dict.fromkeys(GROUPS, make))


def features(tuning: Setting, variants: Sequence[Variant], core: Callable[[Setting, str], Filled]) -> Step:
    """Item features, in the way that is best for each group on validation."""
    found = {}
    for one in variants:
        try:
            found[one.name] = {name: value(core(tuning, one.name), tuning, name) for name in GROUPS}
        except ModelError:
            continue  # so much of this similarity leaves the core without a solution
    best = {name: highest({one: by_group[name] for one, by_group in found.items()}) for name in GROUPS}
    return Step("+ item features", best, {name: with_(core, variant) for name, variant in best.items()})


def highest(values: dict[str, float]) -> str:
    return max(values, key=lambda one: (values[one], one == OFF))


def interests(tuning: Setting, core: Callable[[Setting, str], Filled]) -> Step:
    """The interest model beside the core, with the weight that is best for each group on validation."""
    models: dict[bytes, Score] = {}

    def joined(setting: Setting, weight: float) -> Ranker:
        if not weight:
            return core(setting, OFF)
        key = setting.held.tobytes()
        if key not in models:
            models[key] = InterestModel().fit(setting.data).score
        return Joined(core(setting, OFF), models[key], weight)

    chosen = {}
    for name in GROUPS:
        found = {weight: value(joined(tuning, weight), tuning, name, SEARCHED) for weight in (0.0, *WEIGHTS)}
        chosen[name] = max(found, key=lambda one: (found[one], -one))
    told = {name: f"{weight:g}" if weight else OFF for name, weight in chosen.items()}
    return Step("+ interest model", told, {name: with_(joined, weight) for name, weight in chosen.items()})


def lengths(tuning: Setting, core: Callable[[Setting, str], Filled]) -> Step:
    """Weights for short histories, where ``choose_short`` keeps them."""
    shipped = core(tuning, OFF)
    assert isinstance(shipped.model, LinearCore)
    short = choose_short(shipped.model, shipped.filler, tuning.warm, tuning.data.catalogue, SEED)

    def make(setting: Setting) -> Ranker:
        long = core(setting, OFF)
        if short.params is None:
            return long
        assert isinstance(long.model, LinearCore)
        return ByLength(long, Filled(ShortCore.beside(long.model, short.params).fit(setting.data), long.filler))

    told = OFF if short.params is None else "1 to 3 events"
    return Step("+ weights for short histories", dict.fromkeys(GROUPS, told), dict.fromkeys(GROUPS, make))


def with_(make: Callable[[Setting, T], Ranker], choice: T) -> Make:
    def made(setting: Setting) -> Ranker:
        return make(setting, choice)

    return made


def without_text(setting: Setting, params: LinearParams) -> Filled:
    core = LinearCore(params.model_copy(update={"text_scale": 0.0}))
    return Filled(core.fit(setting.data), filler(setting.data))


def filler(data: TrainingData) -> WindowedPopularity:
    return WindowedPopularity().fit(data)


def group(setting: Setting, name: str) -> Trial:
    return {"warm": setting.warm, "short": shortened(setting.warm), "cold": setting.cold}[name]


def asked(ranker: Ranker, setting: Setting, name: str) -> Measurement:
    return measure(ranker, group(setting, name), setting.data.catalogue, seed=SEED)


def value(ranker: Ranker, setting: Setting, name: str, most: int | None = None) -> float:
    trial = group(setting, name)
    trial = trial if most is None else trial.sample(most, SEED)
    return float(np.nanmean(measure(ranker, trial, setting.data.catalogue, seed=SEED, resamples=1).per_user[NDCG]))


def rows(steps: Sequence[Step], measured: Sequence[dict[str, Measurement]]) -> list[list[str]]:
    lines = []
    for step, found in zip(steps, measured, strict=True):
        cells = [
            figure(one.means[NDCG], one.intervals[NDCG].low, one.intervals[NDCG].high)
            for one in (found[name] for name in GROUPS)
        ]
        for name in GROUPS:
            gap = bootstrap_difference(found[name].per_user[NDCG], measured[1][name].per_user[NDCG], seed=SEED)
            cells.append("-" if step.name == TEXT else f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})")
        chosen = ", ".join(f"{name}: {how}" for name, how in step.chosen.items() if how)
        lines.append([step.name, *cells, chosen or "-"])
    return lines


if __name__ == "__main__":
    main()
