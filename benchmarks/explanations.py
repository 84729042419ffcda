"""Explanations: do they name what moved the score, and does the checker catch sentences that say more?

    python -m benchmarks explanations [--quick] [--data NAME]

The linear model with its default parameters, fitted on the training part of Amazon Beauty and MovieLens-100K. Asked are
people with at least four events, each about one item drawn from the first ten of their list.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corruptions import KINDS, Corruption, Pool
from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import PopularParams
from zhiyin.cli.progress import make_progress
from zhiyin.crowd import Crowds
from zhiyin.evaluate.intervals import bootstrap, bootstrap_difference
from zhiyin.explain.checker import problem
from zhiyin.explain.evidence import Evidence, Kind, Own, gather
from zhiyin.explain.sentences import Sentence, sentences
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.scripts import LANGUAGES, Language
from zhiyin.types import Histories, TrainingData

SEED = 20240607
EXPLANATIONS = 1000
CORRUPTED = 1000
FEWEST = 4
"""Events in a history that is asked about."""
FIRST = 10
BLOCK = 200
ACTIONS = {"amazon_beauty": "purchase", "movielens-100k": "rating"}


@dataclass(frozen=True)
class Case:
    """One explanation: the row of its person among the ``histories`` asked, the item, all evidence that there is, and
    what was said. Evidence ids of events hold the place of the event in the history."""

    row: int
    item: int
    language: Language
    evidence: Mapping[str, Evidence]
    told: list[Sentence]

    @property
    def cited(self) -> list[int]:
        """Places in the history of the own events cited."""
        ids = {key for one in self.told for key in one.evidence}
        return sorted(int(key.removeprefix("event:")) for key in ids if self.evidence[key].kind is Kind.EVENT)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks explanations", description="Are explanations faithful?")
    parser.add_argument("--quick", action="store_true", help="small slices: to see that it runs")
    parser.add_argument("--data", choices=list(DATA_SETS), action="append", help="one data set; all without it")
    given = parser.parse_args(arguments)
    quick: bool = given.quick
    progress = make_progress(quick)
    faithful, precise, caught = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.data or DATA_SETS:
            try:
                one, two, three = run(name, quick, Path(folder) / name, progress)
            except Missing as absent:
                print(f"skipped: {absent.line}")
                continue
            faithful.append(one)
            precise += two
            caught.append(three)
    if not faithful:
        return
    print("\n### Faithfulness: the relative fall of an item's score when events are taken out of the history\n")
    header = ("data", "explanations", "cited events out", "as many others out", "gap", "cited fall is larger")
    print(markdown(header, faithful))
    print(
        f"\nHistories of {FEWEST} events or more; an item out of the first {FIRST}; 95 % bootstrap intervals over "
        "explanations. A fall of 1 takes the whole score away."
    )
    print("\n### Precision: sentences that the checker accepts\n")
    print(markdown(("data", "language", "explanations", "sentences", "claims", "accepted"), precise))
    print("\n### Detection: corrupted sentences that the checker rejects\n")
    rows = [[kind, *cells(kind, caught)] for kind in KINDS]
    print(markdown(("corruption", *(f"{one[0]}, {language}" for one in caught for language in LANGUAGES)), rows))


def cells(kind: str, caught: list[tuple[str, Counter[tuple[str, str, bool]]]]) -> list[str]:
    """Rejected of made, by data set and language."""
    told = []
    for _, counts in caught:
        for language in LANGUAGES:
            right, missed = counts[kind, language, True], counts[kind, language, False]
            told.append(f"{right} of {right + missed}" if right + missed else "-")
    return told


def run(
    name: str, quick: bool, folder: Path, progress: Progress
) -> tuple[list[str], list[list[str]], tuple[str, Counter[tuple[str, str, bool]]]]:
    folder.mkdir()
    data = load(name, quick, folder / "slice")
    prepared, _ = make_project(data, folder / "project", quick, progress)
    trial = leave_one_out(prepared.interactions).strict()
    model = LinearCore().fit(TrainingData(trial.train, prepared.catalogue, SEED, trial.now))
    random = np.random.default_rng(SEED)
    rows = np.flatnonzero(trial.histories.lengths >= FEWEST)
    rows = np.sort(random.permutation(rows)[:EXPLANATIONS])
    ranks = random.integers(0, FIRST, len(rows))
    # Where there are fewer people, some are asked about a second item.
    more = EXPLANATIONS - len(rows)
    rows, ranks = np.concatenate((rows, rows[:more])), np.concatenate((ranks, (ranks[:more] + 1) % FIRST))
    histories = trial.histories.take(rows)
    users = [trial.train.users.ids[trial.users[row]] for row in rows]
    tops, _ = model.top_k(histories, FIRST)
    picks = tops[np.arange(len(rows)), ranks]

    catalogue, ids = prepared.catalogue, trial.train.items.ids
    crowds = Crowds(trial.train.users, trial.train.histories, trial.train.n_items, PopularParams().days)
    kinds = Counter(kind for kinds in catalogue.categories for kind in set(kinds))
    spread = {kind: count / len(catalogue.categories) for kind, count in kinds.items()}
    cases: list[Case] = []
    for row, (item, user) in enumerate(zip(picks.tolist(), users, strict=True)):
        if item < 0:
            continue
        history = histories.slice(row, row + 1)
        places = [str(place) for place in range(len(history.items))]
        pulls = model.contributions(history, item)
        own = Own(history.items, pulls, places, [ACTIONS[name]] * len(places))
        led = [int(one) for one, pull in zip(history.items, pulls, strict=True) if pull > 0]
        common = float(model.common(np.array([item], dtype=np.int32))[0])
        crowd = crowds.about(item, led, user)
        found = gather(item, ids, catalogue, own, common=common, crowd=crowd, spread=spread)
        language = LANGUAGES[len(cases) % 2]
        cases.append(Case(row, item, language, {one.id: one for one in found}, sentences(found, language)))
    pool = Pool(catalogue.titles, sorted(kinds), random)
    return (
        faithfulness(data.name, model, histories, cases, random),
        precision(data.name, cases),
        (
            data.name,
            detection(cases, pool),
        ),
    )


def faithfulness(
    name: str, model: LinearCore, histories: Histories, cases: list[Case], random: np.random.Generator
) -> list[str]:
    used = [case for case in cases if case.cited]
    whole: list[tuple[list[int], list[float]]] = []
    without, control = list(whole), list(whole)
    for case in used:
        history = histories.slice(case.row, case.row + 1)
        n = len(history.items)
        others = np.setdiff1d(np.arange(n), case.cited)
        drawn = random.choice(others, min(len(case.cited), len(others)), replace=False)
        for scores, out in ((whole, []), (without, case.cited), (control, drawn)):
            kept = np.setdiff1d(np.arange(n), np.array(out, dtype=np.int64))
            scores.append((history.items[kept].tolist(), history.weights[kept].tolist()))
    items = np.array([case.item for case in used])
    before, cited, other = (scored(model, part, items) for part in (whole, without, control))
    falls = [(before - after) / np.abs(before) for after in (cited, other)]
    gap = bootstrap_difference(*falls, seed=SEED)
    shown = []
    for fall in falls:
        interval = bootstrap(fall, seed=SEED)
        shown.append(figure(float(fall.mean()), interval.low, interval.high))
    share = float((falls[0] > falls[1]).mean())
    return [name, f"{len(used):,}", *shown, f"{gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})", f"{share:.1%}"]


def scored(
    model: LinearCore, told: list[tuple[list[int], list[float]]], items: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score of each of ``items`` for the history of the same place."""
    scores = []
    for start in range(0, len(told), BLOCK):
        part = told[start : start + BLOCK]
        block = model.score(Histories.of([rows for rows, _ in part], [weights for _, weights in part]))
        scores.append(block[np.arange(len(part)), items[start : start + BLOCK]])
    return np.concatenate(scores).astype(np.float64)


def precision(name: str, cases: list[Case]) -> list[list[str]]:
    lines = []
    for language in LANGUAGES:
        mine = [case for case in cases if case.language == language]
        told = [(case, one) for case in mine for one in case.told]
        right = sum(problem(one.text, one.evidence, case.evidence, language) is None for case, one in told)
        claims = sum(len(one.evidence) for _, one in told)
        share = f"{right / len(told):.1%}" if told else "-"
        lines.append([name, language, f"{len(mine):,}", f"{len(told):,}", f"{claims:,}", share])
    return lines


def detection(cases: list[Case], pool: Pool) -> Counter[tuple[str, str, bool]]:
    """Corrupted sentences by kind, language, and whether the checker rejected them; as many of each kind as can be."""
    made: Counter[tuple[str, str, bool]] = Counter()
    each = -(-CORRUPTED // (len(KINDS) * len(LANGUAGES)))
    for language in LANGUAGES:
        told = [(case, one) for case in cases if case.language == language for one in case.told]
        for kind, corrupt in KINDS.items():
            done = 0
            for place in pool.random.permutation(len(told)):
                case, one = told[place]
                bad: Corruption | None = corrupt(one, case.evidence, language, pool)
                if bad is None:
                    continue
                made[kind, language, problem(bad.text, bad.cites, case.evidence, language) is not None] += 1
                done += 1
                if done == each:
                    break
    return made


if __name__ == "__main__":
    main()
