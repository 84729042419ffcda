"""Items that nobody has taken yet: how well they are placed by their text, and what that costs other items.

    python -m benchmarks cold_items [--quick] [--price]

Amazon Beauty. One item in ten is held out: every event of it is removed before training; it stays in the catalogue with
its text. Asked are the users who took such an item, with what they had taken before; the list is drawn from all items.
Parameters are chosen with another tenth of the items held out of the training part. ``--price`` prints instead, on
validation alone, what the core's factor for new items brings them and costs others, by how many are new. Needs the
folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown, settings
from zhiyin.candidates.als import ImplicitALS
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.content import ContentKNN
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore, LinearParams
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.candidates.sequence import SequenceModel
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Measurement, measure
from zhiyin.fused import FusedModel
from zhiyin.fusing import FusingParams, fuse
from zhiyin.interest_scorer import InterestScorer
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Split, Trial, leave_one_out
from zhiyin.registry import CORE
from zhiyin.search import Search, validation_score
from zhiyin.types import Catalogue, Histories, IdMap, Interactions, TrainingData

SEED = 20240607
SHARE = 0.1
HR, NDCG = "HR@10", "NDCG@10"
NEWCOMERS = (0.25, 0.5, 0.7, 1.0, 1.2, 1.4, 2.0)
NEAR = (1.0, 1.1, 1.2, 1.3, 1.4, 1.6)
PRICED = LinearParams(rules=0.5, regularisation=150.0, text_scale=40.0)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """Items ``held`` (bool by row) are out of ``data``. ``cold``: each user's last event with one of them, asked with
    what came before. ``warm``: the ordinary next event of the same protocol, where it is no such item."""

    data: TrainingData
    held: Mask
    cold: Trial
    warm: Trial


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks cold_items", description="Items that nobody has taken yet.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--price", action="store_true", help="what the factor for new items brings and costs")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            (price if given.price else run)(given.quick, Path(folder), make_progress(given.quick))
        except Missing as absent:
            print(f"skipped: {absent.line}")


def run(quick: bool, folder: Path, progress: Progress) -> None:
    data = load("amazon_beauty", quick, folder / "slice")
    prepared, options = make_project(data, folder / "project", quick, progress)
    split = leave_one_out(prepared.interactions)
    first, second = draw(prepared.interactions.n_items)
    tuning = held_out(split, prepared.catalogue, held=first | second, asked=second, test=False)
    testing = held_out(split, prepared.catalogue, held=first, asked=first, test=True)

    with progress.task("Choosing parameters", 3) as advance:
        budget = options.train.search_seconds / 2
        popular = search(WindowedPopularity, tuning, tuning.warm, budget, None)
        advance(1)
        content = search(ContentKNN, tuning, tuning.cold, budget, popular)
        advance(1)
        linear = search(LinearCore, tuning, tuning.warm, budget, popular)
        advance(1)
    assert isinstance(linear, LinearCore)
    print(f"\n### {data.name}: how much text alone may say, on validation\n")
    chosen, lines = sweep(linear, content, tuning, popular)
    print(markdown(("model", f"cold {NDCG}", f"warm {NDCG}"), lines))

    measured = tested_rows(testing, popular, content, linear.params, chosen)
    measured += combined_rows(tuning, testing, popular, [content, linear], progress)
    print(f"\n### {data.name}: {int(testing.held.sum()):,} of {len(testing.held):,} items without any event, test\n")
    header = ("model", "parameters", f"cold {HR}", f"cold {NDCG}", f"warm {NDCG}")
    print(markdown(header, [row(*one) for one in measured]))
    print(
        f"\nCold: {len(testing.cold.users):,} users, each asked for the last held-out item they took, with what they "
        f"took before it (of the other items). Warm: {len(testing.warm.users):,} users, asked for their last event. "
        "All items compete, except those in the history. Ranges are 95 % bootstrap intervals over users."
    )
    against = next(cold for name, _, cold, _ in measured if name == "content kNN")
    for name, _, cold, _ in measured:
        if name.startswith(("linear", "combination")):
            gap = bootstrap_difference(cold.per_user[NDCG], against.per_user[NDCG])
            print(f"{name} minus content kNN: {NDCG} {gap.mean:+.4f} (95 % {gap.low:+.4f} to {gap.high:+.4f}).")


def price(quick: bool, folder: Path, progress: Progress) -> None:
    data = load("amazon_beauty", quick, folder / "slice")
    prepared, _ = make_project(data, folder / "project", quick, progress)
    split = leave_one_out(prepared.interactions)
    first, second = draw(prepared.interactions.n_items)
    whole = split.search()
    settings = [
        held_out(split, prepared.catalogue, held=held, asked=second, test=False) for held in (first | second, second)
    ]
    asked: list[tuple[TrainingData, tuple[Trial, ...]]] = [(one.data, (one.cold, one.warm)) for one in settings]
    asked.append((TrainingData(whole.train, prepared.catalogue, SEED, whole.now), (whole,)))
    models: list[tuple[str, Recommender]] = [
        (f"newcomers {one:g}", LinearCore(PRICED.model_copy(update={"newcomers": one}))) for one in NEAR
    ]
    models.append(("content kNN", ContentKNN(neighbours=200, power=8.0, decay=0.5)))
    lines = [[name] for name, _ in models]
    for training, trials in asked:
        core = LinearCore(PRICED).fit(training)  # solved once for all factors
        filler = WindowedPopularity(days=365.0).fit(training)
        for line, (_, model) in zip(lines, models, strict=True):
            like = core if isinstance(model, LinearCore) else model
            ranker = Filled(like.variant(model.params).fit(training), filler)
            line += [figure(validation_score(ranker, trial, prepared.catalogue)) for trial in trials]
    print(f"\n### {data.name}: what new items gain and others lose, on validation\n")
    print(markdown(("model", "cold, a fifth new", "others", "cold, a tenth new", "others", "as the data are"), lines))


def combined_rows(
    tuning: Setting, testing: Setting, popular: Recommender, chosen: Sequence[Recommender], progress: Progress
) -> list[Tested]:
    """The chosen models and others with their defaults, combined as training combines them, then fitted for the test;
    no row where the combination would not serve."""
    kinds: dict[str, Recommender] = {model.name: model for model in (popular, *chosen)}
    others = (ImplicitALS(), SequentialRules(), InterestScorer(), SequenceModel(members=1))
    fitted = kinds | {model.name: model.fit(tuning.data) for model in others}
    catalogue = tuning.data.catalogue
    tried = fuse(fitted, CORE, popular, tuning.warm, catalogue, FusingParams(), seed=SEED, progress=progress)
    if tried.model is None or tried.model.combiner is None:
        return []
    again = {name: fitted[name].variant(fitted[name].params).fit(testing.data) for name in tried.model.members}
    model = FusedModel(tried.model.params, again, tried.model.combiner).over(testing.data)
    filler = WindowedPopularity(popular.params).fit(testing.data)
    cold, warm = (measure(Filled(model, filler), trial, catalogue, seed=SEED) for trial in (testing.cold, testing.warm))
    return [("combination, known in training", f"{tried.kind} over {', '.join(model.members)}", cold, warm)]


def draw(n: int) -> tuple[Mask, Mask]:
    """Two sets of a tenth of the items each, without overlap."""
    order = np.random.default_rng(SEED).permutation(n)
    size = max(1, round(n * SHARE))
    first, second = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    first[order[:size]] = True
    second[order[size : 2 * size]] = True
    return first, second


def held_out(split: Split, catalogue: Catalogue, *, held: Mask, asked: Mask, test: bool) -> Setting:
    """Train on the training part (with ``test`` on the validation part too) without the items ``held``."""
    whole = split.refit() if test else split.search()
    train = Interactions(whole.train.users, whole.train.items, without(whole.train.histories, held))
    cold = cold_trial(whole, train, held, asked)
    usable = ~held[whole.targets.items] & (without(whole.histories, held).lengths > 0)
    rows = np.flatnonzero(usable)
    warm = replace(
        whole,
        train=train,
        users=whole.users[rows],
        histories=without(whole.histories.take(rows), held),
        targets=whole.targets.take(rows),
    )
    return Setting(TrainingData(train, catalogue, SEED, whole.now), held, cold, warm)


def cold_trial(whole: Trial, train: Interactions, held: Mask, asked: Mask) -> Trial:
    """Each user's last event among the items ``asked`` that something not ``held`` precedes."""
    full = whole.train.histories
    places = np.arange(len(full.items))
    owners = full.owners()
    last = np.full(len(full), -1)
    kept_before = np.concatenate(([0], np.cumsum(~held[full.items])))
    preceded = kept_before[places] > kept_before[full.indptr[owners]]
    found = asked[full.items] & preceded
    np.maximum.at(last, owners[found], places[found])
    users = np.flatnonzero(last >= 0).astype(np.int32)
    before = cut(full, last[users], users)
    targets = [[int(full.items[place])] for place in last[users]]
    return replace(whole, train=train, users=users, histories=without(before, held), targets=Histories.of(targets))


def cut(full: Histories, ends: NDArray[np.int64], users: NDArray[np.int32]) -> Histories:
    """Histories of ``users``, each up to (and without) the event at place ``ends`` of ``full``."""
    starts = full.indptr[users]
    lengths = ends - starts
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    picks = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
    return Histories(indptr, full.items[picks], full.weights[picks], full.times[picks], full.users[users])


def without(histories: Histories, held: Mask) -> Histories:
    kept = ~held[histories.items]
    counts = np.bincount(histories.owners()[kept], minlength=len(histories))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, histories.items[kept], histories.weights[kept], histories.times[kept], histories.users)


def search(
    kind: type[Recommender], setting: Setting, trial: Trial, budget: float, filler: Recommender | None
) -> Recommender:
    """The best of ``kind`` on ``trial``, by the search that ``zhiyin train`` runs, fitted."""
    # The search fits on the trial's own interactions: they must be the object that was solved already.
    run = Search(kind, trial, setting.data.catalogue, seed=SEED, budget=budget, filler=filler)
    run.run({}, True)
    assert run.best is not None
    return run.best


def sweep(
    linear: LinearCore, content: Recommender, tuning: Setting, popular: Recommender
) -> tuple[float, list[list[str]]]:
    """The factor that places cold items best on validation, and a line for each value of it and each way."""
    lines = [["content kNN", *(figure(value) for value in scores(content, popular, tuning))]]
    best, highest = 0.0, -1.0
    for factor in NEWCOMERS:
        params = linear.params.model_copy(update={"newcomers": factor})
        model = linear.variant(params).fit(tuning.data)
        cold, warm = scores(model, popular, tuning)
        lines.append([f"linear, known in training, newcomers {factor:g}", figure(cold), figure(warm)])
        if cold > highest:
            best, highest = factor, cold
    late = Late(linear.params, tuning)
    placed, usual = (late.ranked(trial, popular, tuning).means[NDCG] for trial in (tuning.cold, tuning.warm))
    lines.append(["linear, arriving after training", figure(placed), figure(usual)])
    return best, lines


def scores(model: Recommender, popular: Recommender, setting: Setting) -> tuple[float, float]:
    ranker = Filled(model, popular)
    catalogue = setting.data.catalogue
    return validation_score(ranker, setting.cold, catalogue), validation_score(ranker, setting.warm, catalogue)


class Late:
    """The linear model fitted on a catalogue without the held-out items, which then arrive with their texts."""

    def __init__(self, params: LinearParams, setting: Setting) -> None:
        held, whole, catalogue = setting.held, setting.data.interactions, setting.data.catalogue
        kept, new = np.flatnonzero(~held), np.flatnonzero(held)
        self.order = np.concatenate((kept, new))
        """Row in the catalogue of each row of the model."""
        self.place = np.empty(len(held), dtype=np.int32)
        self.place[self.order] = np.arange(len(held), dtype=np.int32)
        assert catalogue.vectors is not None
        known, arriving = catalogue.vectors[kept], catalogue.vectors[new]
        ids = IdMap([whole.items.ids[row] for row in kept])
        train = Interactions(whole.users, ids, self.moved(whole.histories))
        model = LinearCore(params).fit(replace(setting.data, interactions=train, catalogue=taken(catalogue, kept)))
        self.model = model.with_newcomers(known, arriving)
        self.catalogue = taken(catalogue, self.order)

    def moved(self, histories: Histories) -> Histories:
        return replace(histories, items=self.place[histories.items])

    def ranked(self, trial: Trial, popular: Recommender, setting: Setting) -> Measurement:
        counted = replace(setting.data.interactions, histories=self.moved(setting.data.interactions.histories))
        moved = replace(trial, train=counted, histories=self.moved(trial.histories), targets=self.moved(trial.targets))
        filler = WindowedPopularity(popular.params).fit(replace(setting.data, interactions=counted))
        return measure(Filled(self.model, filler), moved, self.catalogue, seed=SEED)


def taken(catalogue: Catalogue, rows: Iterable[Any]) -> Catalogue:
    """The catalogue with only ``rows``, in that order."""
    kept = np.array(list(rows))
    assert catalogue.vectors is not None
    return Catalogue(
        [catalogue.titles[row] for row in kept],
        [catalogue.categories[row] for row in kept],
        [catalogue.texts[row] for row in kept],
        catalogue.vectors[kept],
        catalogue.hidden[kept],
    )


Tested = tuple[str, str, Measurement, Measurement]


def tested_rows(
    testing: Setting, popular: Recommender, content: Recommender, params: LinearParams, chosen: float
) -> list[Tested]:
    """Name, parameters, cold and warm figures of every model, fitted on the test setting."""
    filler = popular.variant(popular.params).fit(testing.data)
    served = LinearCore(params).fit(testing.data)
    for_cold = params.model_copy(update={"newcomers": chosen})
    searched = {name: getattr(params, name) for name in LinearCore.search_space}
    models = [
        ("popular", popular.params.model_dump(), filler),
        ("content kNN", content.params.model_dump(), content.variant(content.params).fit(testing.data)),
        ("linear, as served, known in training", {**searched, "newcomers": params.newcomers}, served),
        ("linear, factor chosen for cold items", {"newcomers": chosen}, served.variant(for_cold).fit(testing.data)),
    ]
    rows = []
    for name, values, model in models:
        ranker = Filled(model, filler)
        cold, warm = (
            measure(ranker, trial, testing.data.catalogue, seed=SEED) for trial in (testing.cold, testing.warm)
        )
        rows.append((name, settings(values), cold, warm))
    late = Late(params, testing)
    cold, warm = (late.ranked(trial, popular, testing) for trial in (testing.cold, testing.warm))
    rows.append(("linear, as served, arriving after training", "-", cold, warm))
    return rows


def row(name: str, values: str, cold: Measurement, warm: Measurement) -> list[str]:
    cells = [(cold, HR), (cold, NDCG), (warm, NDCG)]
    shown = [figure(one.means[key], one.intervals[key].low, one.intervals[key].high) for one, key in cells]
    return [name, values or "-", *shown]


if __name__ == "__main__":
    main()
