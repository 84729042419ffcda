"""Accuracy against diversity, coverage, calibration and novelty, for every setting of re-ranking.

    python -m benchmarks rerank_tradeoff [--quick] [--data NAME] [--users N]

Leave-one-out, lists of the linear core with its defaults, 200 candidates. Settings are compared on validation; the
default pipeline alone is then measured on test, fitted on train and validation. Two kinds of worth: the core's scores
as they are, and probabilities that boosted trees give the core's candidates, learned from one half of the validation
people and applied to the other (on test: learned from validation), as a learned ranking has them. Needs the folder
``shared/data`` beside the repository for Amazon Beauty, and lightgbm for the second kind, left out without it.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import markdown
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.choice import Choice
from zhiyin.choose import choose
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import measure_lists
from zhiyin.fusing import FusingParams
from zhiyin.itemview import level_of
from zhiyin.pipeline import Pipeline
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.rank.interests import InterestModel
from zhiyin.registry import FILLER, MODELS
from zhiyin.rerank import Asked, Items
from zhiyin.rerank.calibrated import divergence
from zhiyin.rerank.diversity import liking
from zhiyin.types import Floats, Ints, TrainingData

NAMES = ("amazon_beauty", "movielens-100k")
USERS = 8000
POOL = 50
K = 10
SEED = 0
Values = NDArray[np.float64]


def swaps(strength: float, **more: Any) -> list[dict[str, Any]]:
    return [{"kind": "diversity", "method": "swap", "strength": strength, **more}]


def diverse(method: str, strength: float) -> list[dict[str, Any]]:
    return [{"kind": "diversity", "method": method, "strength": strength}]


def mixed(strength: float) -> list[dict[str, Any]]:
    return [{"kind": "calibration", "strength": strength}]


NOTHING = "relevance only"
DEFAULT = "the default"
SETTINGS: dict[str, list[dict[str, Any]]] = {
    NOTHING: [],
    "DPP .05": diverse("dpp", 0.05),
    "DPP .1": diverse("dpp", 0.1),
    "DPP .2": diverse("dpp", 0.2),
    "DPP .4": diverse("dpp", 0.4),
    "MMR .2": diverse("mmr", 0.2),
    "MMR .3": diverse("mmr", 0.3),
    "MMR .4": diverse("mmr", 0.4),
    "MMR .5": diverse("mmr", 0.5),
    "swap .3": swaps(0.3),
    "swap .4": swaps(0.4),
    "swap .5": swaps(0.5),
    "swap .4, first 5 kept": swaps(0.4, keep=5),
    "swap .6, first 5 kept": swaps(0.6, keep=5),
    "swap .4, taste 1": swaps(0.4, taste=1.0),
    "swap .45, taste 1": swaps(0.45, taste=1.0),
    "swap .5, taste 1": swaps(0.5, taste=1.0),
    "swap .5, taste 1, sharpness 1.5": swaps(0.5, taste=1.0, sharpness=1.5),
    "swap .45, taste 1, sharpness 1.5": swaps(0.45, taste=1.0, sharpness=1.5),
    "swap .44, taste 2, sharpness 1.5": swaps(0.44, taste=2.0, sharpness=1.5),
    "swap .5, taste 1, sharpness 2": swaps(0.5, taste=1.0, sharpness=2.0),
    "swap .55, taste 1": swaps(0.55, taste=1.0),
    "swap .6, taste 1": swaps(0.6, taste=1.0),
    "calibration .1": mixed(0.1),
    "calibration .3": mixed(0.3),
    "calibration .5": mixed(0.5),
    "novelty .1": [{"kind": "novelty", "strength": 0.1}],
    "calibration .1 + swap .4, taste 1": mixed(0.1) + swaps(0.4, taste=1.0),
    "calibration .1 + swap .5, taste 1, sharpness 1.5": mixed(0.1) + swaps(0.5, taste=1.0, sharpness=1.5),
    "calibration .1 + DPP .1": mixed(0.1) + diverse("dpp", 0.1),
}
LEARNED = (
    NOTHING,
    "DPP .1",
    "swap .4",
    "swap .4, taste 1",
    "swap .5, taste 1",
    "swap .5, taste 1, sharpness 1.5",
    "calibration .3",
)
"""Settings that are tried with probabilities as well."""


@dataclass(frozen=True)
class Lists:
    """Candidates of the people of ``trial``: rows and scores [U, c], and what is needed to arrange and measure them."""

    trial: Trial
    rows: Ints
    scores: Floats
    items: Items
    asked: list[Asked]
    prepared: Prepared
    level: float | None
    chances: Floats | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks rerank_tradeoff", description="What variety costs.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--data", choices=NAMES, help="one data set alone")
    parser.add_argument("--users", type=int, default=USERS, help="people measured, at most, drawn by seed")
    parser.add_argument("--served", action="store_true", help="the lists of the combination, as training makes it")
    given = parser.parse_args(arguments)
    for name in [given.data] if given.data else NAMES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                data = load(name, given.quick, Path(folder) / "slice")
            except Missing as absent:
                print(f"skipped: {absent.line}")
                continue
            progress, project = make_progress(given.quick), Path(folder) / "project"
            prepared, options = make_project(data, project, given.quick, progress)
            if given.served:
                choice = choose(leave_one_out(prepared.interactions), prepared, options, project, progress)
                measured_as_served(data.name, prepared, choice, options.train.seed, given.users)
                continue
        measured(data.name, prepared, given.users)


def measured_as_served(name: str, prepared: Prepared, choice: Choice, seed: int, users: int) -> None:
    """The combination's lists, of people it did not learn from; on test of everybody."""
    split = leave_one_out(prepared.interactions)
    trial = split.search()
    data = TrainingData(trial.train, prepared.catalogue, seed, trial.now)
    names = dict.fromkeys((*choice.needed, FILLER))
    fitted = {one: choice.fitted.get(one) or MODELS[one](choice.params[one]).fit(data) for one in names}
    model = fitted[choice.served] if choice.fusion is None else choice.fusion.over(fitted, data)
    ranker = Filled(model, fitted[FILLER])
    taught = trial.sample(FusingParams().people, seed).users if choice.fusion is not None else trial.users[:0]
    rest = np.flatnonzero(~np.isin(trial.users, taught))
    if not len(rest):
        rest = np.arange(len(trial.users))
        print(f"{name}: everybody on validation was learned from, which flatters the combination there")
    others = replace(
        trial, users=trial.users[rest], histories=trial.histories.take(rest), targets=trial.targets.take(rest)
    )
    for part, asked in (("validation", others), ("test (strict)", split.strict())):
        found = candidates(asked, prepared, users, ranker)
        lengths = found.trial.histories.lengths
        chances = choice.probability.of(found.scores, lengths)
        found = replace(found, chances=chances, level=level_of(chances))
        # The test part chooses nothing: the default alone is measured there.
        every = [setting for setting in SETTINGS if setting == NOTHING or setting.startswith("swap")]
        settings = every if asked is others else [NOTHING]
        show(f"{name}, {part}, {len(found.asked):,} people: {choice.served} as served", found, settings)


def measured(name: str, prepared: Prepared, users: int) -> None:
    split = leave_one_out(prepared.interactions)
    found = candidates(split.search(), prepared, users)
    show(f"{name}, validation, {len(found.asked):,} people: the core's scores", found, list(SETTINGS))
    learned = importlib.util.find_spec("lightgbm") is not None
    if learned:
        guessed = reordered(found, crossed(found))
        show(f"{name}, validation: learned probabilities", guessed, list(LEARNED))
    last = candidates(split.refit(), prepared, users)
    show(f"{name}, test (refit), {len(last.asked):,} people: the core's scores", last, [NOTHING])
    if learned:
        last = reordered(last, fitted(features(found), hits(found))(features(last)))
        show(f"{name}, test (refit): learned probabilities", last, [NOTHING])


def candidates(trial: Trial, prepared: Prepared, users: int, ranker: Filled | None = None) -> Lists:
    """The candidates that the default pipeline would get, out of ``ranker``, else the core and its filler."""
    catalogue = prepared.catalogue
    data = TrainingData(trial.train, catalogue, SEED, trial.now)
    ranker = ranker or Filled(LinearCore().fit(data), WindowedPopularity().fit(data))
    interests = InterestModel().fit(data)
    some = trial.sample(users, SEED)
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, scores = ranker.top_k(some.histories, Pipeline.default().candidates, allowed=allowed)
    shares, mixes = interests.items, interests.users(some.histories)
    items = Items(
        trial.train.items,
        catalogue.categories,
        titles=catalogue.titles,
        vectors=catalogue.vectors,
        popularity=np.bincount(trial.train.histories.items, minlength=trial.train.n_items).astype(np.float64),
        interests=lambda: shares,
    )
    asked = [
        Asked(str(user), some.histories.slice(place, place + 1), mixes[place], now=trial.now)
        for place, user in enumerate(some.users.tolist())
    ]
    return Lists(some, rows, scores, items, asked, prepared, level_of(scores))


def show(title: str, lists: Lists, settings: Sequence[str]) -> None:
    """One table: every setting beside relevance alone, then the default."""
    print(f"\n### {title}\n")
    header = ("setting", "NDCG@10", "change", "HR@10", "diversity", "change", "coverage", "KL to own mix", "novelty")
    pipelines = {name: Pipeline.parse(name, {"stage": SETTINGS[name]}, name) for name in settings}
    pipelines[DEFAULT] = Pipeline.default()
    rows = []
    base: tuple[Values, float] | None = None
    for name, pipeline in pipelines.items():
        began = time.perf_counter()
        best, _, _ = pipeline.run_many(
            lists.rows, lists.scores, lists.items, lists.asked, k=K, level=lists.level, chances=lists.chances
        )
        spent = (time.perf_counter() - began) / len(lists.asked)
        trial = lists.trial
        told = measure_lists(best, trial.histories, trial.targets, trial.train, lists.prepared.catalogue, resamples=1)
        ndcg, variety = told.per_user[f"NDCG@{K}"], told.means[f"Diversity@{K}"]
        base = base or (ndcg, variety)
        gap = bootstrap_difference(ndcg, base[0])
        whole = max(float(base[0].mean()), 1e-12)
        change = f"{gap.mean / whole:+.1%} ({gap.low / whole:+.1%} to {gap.high / whole:+.1%})"
        rows.append(
            [
                name,
                f"{ndcg.mean():.4f}",
                "" if name == NOTHING else change,
                f"{told.means[f'HR@{K}']:.4f}",
                f"{variety:.4f}",
                "" if name == NOTHING else f"{variety / base[1] - 1:+.1%}",
                f"{told.means[f'Coverage@{K}']:.3f}",
                f"{np.mean(divergences(best, lists)):.3f}",
                f"{told.means[f'Novelty@{K}']:.2f}",
            ]
        )
    print(markdown(header, rows))
    print("\nChanges are to relevance only, with 95 % bootstrap intervals over people.")
    print(f"The default takes {spent * 1e3:.2f} ms a list.")


def divergences(best: Ints, lists: Lists) -> Values:
    """KL of each list's mean interest mix from the person's, float64 [U]; empty lists are left out."""
    shares = lists.items.interests
    assert shares is not None
    full = np.flatnonzero(best[:, 0] >= 0)
    kept = best >= 0
    return np.array(
        [
            divergence(
                np.asarray(lists.asked[one].mix, dtype=np.float64),
                shares[best[one][kept[one]]].mean(axis=0, dtype=np.float64),
            )
            for one in full.tolist()
        ]
    )


def features(lists: Lists) -> NDArray[np.float32]:
    """Float32 [U, POOL, features] of the first candidates: place, score, its share of the first, likeness to what the
    person took and to those above, events, length of the history."""
    rows = lists.rows[:, :POOL]
    scores = np.maximum(np.where(rows >= 0, lists.scores[:, :POOL], 0), 1e-6)
    found = np.zeros((*rows.shape, 8), dtype=np.float32)
    found[..., 0] = np.arange(rows.shape[1])
    found[..., 1] = np.log(scores)
    found[..., 2] = scores / scores[:, :1]
    found[..., 3] = np.log1p(lists.items.popularity[rows])
    vectors = lists.items.vectors
    for place, who in enumerate(lists.asked):
        assert who.history is not None
        found[place, :, 4] = liking(rows[place], who, lists.items)
        found[place, :, 7] = len(who.history.items)
        if vectors is not None:
            own = vectors[rows[place]]
            if len(who.history.items):
                found[place, :, 5] = (own @ vectors[who.history.items[-20:]].T).max(axis=1)
            found[place, :, 6] = (own @ own[:K].T).mean(axis=1)
    return found


def hits(lists: Lists) -> NDArray[np.bool_]:
    """Bool [U, POOL]: is the candidate the person's next item?"""
    found: NDArray[np.bool_] = lists.rows[:, :POOL] == lists.trial.targets.items[:, None]
    return found


def fitted(known: NDArray[np.float32], hit: NDArray[np.bool_]) -> Any:
    """A function from features to probabilities [U, POOL], learned by boosted trees."""
    import lightgbm

    plan = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_data_in_leaf": 500,
        "lambda_l2": 20.0,
        "feature_fraction": 0.7,
        "seed": SEED,
        "deterministic": True,
        "num_threads": 1,
        "verbose": -1,
    }
    width = known.shape[-1]
    model = lightgbm.train(plan, lightgbm.Dataset(known.reshape(-1, width), hit.ravel().astype(int)), 150)
    return lambda asked: np.asarray(model.predict(asked.reshape(-1, width))).reshape(asked.shape[:2])


def crossed(lists: Lists) -> Values:
    """Probabilities [U, POOL] of each half of the people by what the other half says."""
    known, hit = features(lists), hits(lists)
    even = np.arange(len(known)) % 2 == 0
    found = np.zeros(hit.shape)
    for some in (even, ~even):
        found[some] = fitted(known[~some], hit[~some])(known[some])
    return found


def reordered(lists: Lists, chances: Values) -> Lists:
    """The first ``POOL`` candidates in the order of their chances."""
    rows = lists.rows[:, :POOL]
    order = np.argsort(np.where(rows >= 0, -chances, np.inf), axis=1, kind="stable")
    rows = np.take_along_axis(rows, order, axis=1)
    chance = np.take_along_axis(chances, order, axis=1).astype(np.float32)
    return Lists(lists.trial, rows, chance, lists.items, lists.asked, lists.prepared, level_of(chance), chance)


if __name__ == "__main__":
    main()
