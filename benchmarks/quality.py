"""Accuracy on public data: Zhiyin's models, as trained by anybody, against tuned peers and published figures.

    python -m benchmarks quality [--quick] [--data amazon_beauty|movielens-100k]

Everything is chosen on validation; the test part is looked at once, at the end. Zhiyin's rows come from what
``zhiyin import`` and ``zhiyin evaluate`` run, with default settings. Needs the folder ``shared/data`` beside the
repository for Amazon Beauty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown, settings
from zhiyin.candidates.registry import FILLER, MODELS
from zhiyin.choose import Choice, choose
from zhiyin.cli.progress import make_progress
from zhiyin.config import Settings
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Measurement, measure
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.run import Evaluation, FitName, ProtocolName, evaluate, split_by
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split
from zhiyin.types import TrainingData

HR, NDCG = "HR@10", "NDCG@10"
HEADER = ("model", "from", "hyper-parameters chosen on validation", f"validation {NDCG}", HR, NDCG, "fit s")
RUNS: dict[str, tuple[tuple[ProtocolName, tuple[FitName, ...]], ...]] = {
    "amazon_beauty": (("leave-one-out", ("strict", "refit")),),
    "movielens-100k": (("leave-one-out", ("strict", "refit")), ("time-split", ("strict", "refit"))),
}
PUBLISHED: dict[tuple[str, FitName], tuple[tuple[str, str, str], ...]] = {
    # (model and source, HR@10, NDCG@10); see shared/data/README.md
    ("amazon_beauty", "strict"): (
        ("PopRec", "-", ".0068"),
        ("SASRec (S3-Rec paper)", "-", ".0318"),
        ("TIGER", ".0648", ".0384"),
        ("ActionPiece", "-", ".0424"),
        ("LC-Rec", ".0791", ".0438"),
        ("HSTU", ".0788", ".0439"),
        ("FuXi-alpha", "-", ".0451"),
        ("eSASRec", ".0928", ".0523"),
        ("SASRec, sampled softmax", ".0921", ".0531"),
    ),
    ("amazon_beauty", "refit"): (
        ("Markov chain on the last item", "-", ".0492"),
        ("SeqRules", "-", ".0605"),
        ("PCTM", "-", ".0635"),
    ),
}


@dataclass(frozen=True)
class Row:
    """One model measured on the test part."""

    name: str
    source: str
    params: str
    validation: float
    measured: Measurement
    seconds: float

    def cells(self) -> list[str]:
        shown = [self._figure(HR), self._figure(NDCG)]
        return [self.name, self.source, self.params or "-", figure(self.validation), *shown, f"{self.seconds:.1f}"]

    def _figure(self, name: str) -> str:
        interval = self.measured.intervals[name]
        return figure(self.measured.means[name], interval.low, interval.high)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks quality", description="Accuracy against tuned peers.")
    parser.add_argument("--quick", action="store_true", help="small slices, small grids: to see that it runs")
    parser.add_argument("--data", choices=sorted(DATA_SETS), action="append", help="only this data set")
    given = parser.parse_args(arguments)
    for name in given.data or DATA_SETS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                run(name, given.quick, Path(folder), make_progress(given.quick))
            except Missing as absent:
                print(f"skipped: {absent.line}")


def run(name: str, quick: bool, folder: Path, progress: Progress) -> None:
    data, project = load(name, quick, folder / "slice"), folder / "project"
    prepared, options = make_project(data, project, quick, progress)
    for protocol, fits in RUNS[name]:
        split = split_by(protocol, prepared.interactions, options.train.seed)
        # Both searches see validation alone, and both end before the first look at the test part.
        choice = choose(split, prepared, options, project, progress)
        tuned = tune_peers(split, choice, prepared, options, quick, progress)
        for fit in fits:
            ours = evaluate(prepared, options, project, progress, protocol=protocol, fit=fit)
            rows = our_rows(ours, split, prepared, options, fit)
            others = peer_rows(tuned, ours, split, prepared, options, fit)
            show(data.name, ours, rows, others, () if quick else PUBLISHED.get((name, fit), ()))


def tune_peers(
    split: Split, choice: Choice, prepared: Prepared, options: Settings, quick: bool, progress: Progress
) -> list[peers.Tuned]:
    trial = split.search().sample(options.train.search_users, options.train.seed)
    data = TrainingData(trial.train, prepared.catalogue, options.train.seed, trial.now)
    filler = MODELS[FILLER](choice.params[FILLER]).fit(data)
    if quick:
        return [
            peers.tune(kind, trial, prepared.catalogue, options.train.seed, filler, progress)
            for kind in peers.kinds(quick)
        ]
    key = (prepared.fingerprint, split.description)
    return [
        peers.remembered(kind, key, trial, prepared.catalogue, options.train.seed, filler, progress)
        for kind in peers.kinds(quick)
    ]


def our_rows(ours: Evaluation, split: Split, prepared: Prepared, options: Settings, fit: FitName) -> list[Row]:
    """The rows of ``zhiyin evaluate``; seconds are those of one more fit of the same."""
    data = training_data(split, prepared, options, fit)
    rows = []
    for name, measured in ours.models.items():
        params = ours.choice.params[name]
        began = time.perf_counter()
        MODELS[name](params).fit(data)
        seconds = time.perf_counter() - began
        searched = {key: getattr(params, key) for key in MODELS[name].search_space}
        label = f"**{name}** (served)" if name == ours.choice.served else name
        rows.append(Row(label, "Zhiyin", settings(searched), ours.choice.scores[name], measured, seconds))
    return rows


def peer_rows(
    tuned: Sequence[peers.Tuned], ours: Evaluation, split: Split, prepared: Prepared, options: Settings, fit: FitName
) -> list[Row]:
    trial = split.strict() if fit == "strict" else split.refit()
    data = training_data(split, prepared, options, fit)
    filler = MODELS[FILLER](ours.choice.params[FILLER]).fit(data)
    rows = []
    for one in tuned:
        fitted = peers.fit(one.kind, one.params, data, filler)
        measured = measure(fitted.ranker, trial, prepared.catalogue, seed=options.train.seed)
        rows.append(Row(one.kind.name, "peer", settings(one.params), one.score, measured, fitted.fit_seconds()))
    return rows


def training_data(split: Split, prepared: Prepared, options: Settings, fit: FitName) -> TrainingData:
    trial = split.strict() if fit == "strict" else split.refit()
    return TrainingData(trial.train, prepared.catalogue, options.train.seed, trial.now)


def show(
    name: str,
    ours: Evaluation,
    rows: Sequence[Row],
    others: Sequence[Row],
    published: Sequence[tuple[str, str, str]],
) -> None:
    protocol: Protocol = ours.protocol
    print(f"\n### {name}, {protocol.name}, {protocol.fit}\n")
    cells = [row.cells() for row in [*rows, *others]]
    cells += [[model, "published", "-", "-", hr, ndcg, "-"] for model, hr, ndcg in published]
    print(markdown(HEADER, cells))
    print(f"\n{protocol.describe()} Ranges are 95 % bootstrap intervals over users.")
    served = ours.models[ours.choice.served]
    best = max(others, key=lambda row: row.measured.means[NDCG])
    for measure_name in (NDCG, HR):
        gap = bootstrap_difference(served.per_user[measure_name], best.measured.per_user[measure_name])
        print(
            f"Served ({ours.choice.served}) minus the peer with the highest test {NDCG} ({best.name}): {measure_name} "
            f"{gap.mean:+.4f} (95 % {gap.low:+.4f} to {gap.high:+.4f}, paired over {gap.users:,} users).",
            flush=True,
        )


if __name__ == "__main__":
    main()
