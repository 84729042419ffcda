"""Accuracy on public data: Zhiyin's models, as trained by anybody, against tuned peers and published figures.

    python -m benchmarks quality [--quick] [--data NAME ...] [--protocol NAME ...] [--models ours|peers] [--fits N]
        [--validation]

Everything is chosen on validation; the test part is looked at once, at the end. Zhiyin's rows come from what
``zhiyin import`` and ``zhiyin evaluate`` run, with default settings. Peers are tuned on the same validation users; what
was tried is remembered beside the fetched assets, so that a run that was cut off goes on. ``--validation`` tunes the
peers and shows what they reach there, without a look at the test part. Data sets that are not here are skipped: all but
MovieLens-100K need the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from benchmarks.data import ALL_SETS, Missing, load, make_project
from benchmarks.quality_published import PUBLISHED, Published
from benchmarks.quality_rows import COSTS, HEADER, HR, NDCG, Row, our_rows, peer_rows, tune_peers, validation_cells
from benchmarks.tables import markdown
from zhiyin.choose import choose
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.run import Evaluation, FitName, ProtocolName, evaluate, split_by
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Split

BY_TIME: tuple[ProtocolName, ...] = ("leave-one-out", "time-split")
FITS: tuple[FitName, ...] = ("strict", "refit")
RUNS: dict[str, tuple[ProtocolName, ...]] = {
    "amazon_beauty": ("leave-one-out",),
    "movielens-100k": BY_TIME,
    "hetrec_lastfm": ("random",),
    "hetrec_friends": ("random",),
    "ml_latest_small": BY_TIME,
}


@dataclass(frozen=True)
class What:
    """What a run is asked for. ``models`` is None for all."""

    quick: bool
    protocols: Sequence[ProtocolName]
    models: str | None
    validation: bool
    peer: Sequence[str]
    """Parts of the names of the peers that take part."""
    fits: int | None
    """Most fits that tuning a peer may take; None for all of its grid."""

    @property
    def ours(self) -> bool:
        return self.models != "peers" and not self.validation

    @property
    def peers(self) -> bool:
        return self.models != "ours"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks quality", description="Accuracy against tuned peers.")
    parser.add_argument("--quick", action="store_true", help="small slices, small grids: to see that it runs")
    parser.add_argument("--data", choices=sorted(ALL_SETS), action="append", help="only this data set")
    parser.add_argument("--protocol", choices=get_args(ProtocolName), action="append", help="only this protocol")
    parser.add_argument("--models", choices=("ours", "peers"), help="only these")
    parser.add_argument("--peer", action="append", help="only peers in whose name this stands, such as kNN")
    parser.add_argument("--fits", type=int, help="tune each peer by this many fits, instead of its whole grid")
    parser.add_argument("--projects", type=Path, help="keep the projects in this folder, with what was chosen in them")
    parser.add_argument("--validation", action="store_true", help="tune the peers, without a look at the test part")
    given = parser.parse_args(arguments)
    what = What(
        given.quick,
        given.protocol or get_args(ProtocolName),
        given.models,
        given.validation,
        given.peer or [""],
        given.fits,
    )
    for name in given.data or ALL_SETS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                kept = given.projects / name if given.projects else Path(folder) / "project"
                run(name, what, Path(folder), kept, make_progress(given.quick))
            except Missing as absent:
                print(f"skipped: {absent.line}")


def run(name: str, what: What, folder: Path, project: Path, progress: Progress) -> None:
    data = load(name, what.quick, folder / "data")
    prepared, options = make_project(data, project, what.quick, progress)
    seed = options.train.seed
    for protocol in [one for one in RUNS[name] if one in what.protocols]:
        split = split_by(protocol, prepared.interactions, seed)
        # Both searches see validation alone, and both end before the first look at the test part.
        if what.ours:
            choose(split, prepared, options, project, progress)
        asked = (what.peer, what.quick, progress, what.fits)
        tuned = tune_peers(split, prepared, options, *asked) if what.peers else None
        if what.validation:
            print(f"\n### {data.name}, {protocol}, validation\n")
            header = ("peer", "hyper-parameters", "tried", f"validation {NDCG}")
            print(markdown(header, validation_cells(tuned.peers if tuned else ())), flush=True)
            continue
        for fit in FITS:
            trial = split.strict() if fit == "strict" else split.refit()
            ours = None
            if what.ours:
                ours = evaluate(prepared, options, project, progress, protocol=protocol, fit=fit)
            own = our_rows(ours, trial, prepared, seed) if ours else []
            others = peer_rows(tuned, trial, prepared, seed, progress) if tuned else []
            told = ours.protocol if ours else protocol_of(split, fit, int(prepared.catalogue.hidden.sum()))
            show(data.name, told, [*own, *others], () if what.quick else PUBLISHED.get((name, fit), ()))
            if ours and others:
                differ(ours, others)


def protocol_of(split: Split, fit: FitName, hidden: int) -> Protocol:
    return Protocol.of(split, split.strict() if fit == "strict" else split.refit(), hidden_items=hidden)


def show(name: str, protocol: Protocol, rows: Sequence[Row], published: Sequence[Published]) -> None:
    print(f"\n### {name}, {protocol.name}, {protocol.fit}\n")
    cells = [row.cells() for row in rows]
    cells += [[model, "published", "-", "-", "-", hr, ndcg, "-", "-", "-"] for model, hr, ndcg in published]
    print(markdown(HEADER, cells))
    print(f"\n{protocol.describe()} Ranges are 95 % bootstrap intervals over users. {COSTS}", flush=True)


def differ(ours: Evaluation, others: Sequence[Row]) -> None:
    """The served model against the best peer, user by user."""
    served = ours.models[ours.choice.served]
    best = max(others, key=lambda row: row.measured.means[NDCG])
    for measure in (NDCG, HR):
        gap = bootstrap_difference(served.per_user[measure], best.measured.per_user[measure])
        level = best.measured.means[measure]
        relative = f"{gap.mean / level:+.1%}" if level > 0 else "-"
        print(
            f"Served ({ours.choice.served}) minus the peer with the highest test {NDCG} ({best.name}): {measure} "
            f"{gap.mean:+.4f} ({relative}; 95 % {gap.low:+.4f} to {gap.high:+.4f}, paired over {gap.users:,} users).",
            flush=True,
        )


if __name__ == "__main__":
    main()
