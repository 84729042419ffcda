"""What goes with an item: does the complementary list find the next purchase of another kind sooner than the similar?

    python -m benchmarks goes_with [--quick] [--project DIR]

Amazon Beauty, purchases alone, leave-one-out: the linear core with its default parameters and the counts of what was
bought together, both from the training part. Asked is by each person's last training purchase (for the cart: by their
last three); sought is their next purchase, among all items they had not bought. A purchase is of another kind where its
last category differs. All choices were made on validation; the test part is looked at once, at the end. ``--project``
names a project with the data in it, to save their reading. Needs the folder ``shared/data`` beside the repository.

What cannot be measured here: the part of looks. No public data set at hand holds looks and purchases of the same
people; that what is looked at on one visit is held apart from what is bought together is tested on made-up shops.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.together import Pairs
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap, bootstrap_difference
from zhiyin.preprocess.dataset import MICROSECONDS_PER_DAY
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.types import Catalogue, Floats, Histories, Ints, TrainingData

SEED = 20240607
K = 10
POOL = 1000
CART = 3
DAYS = 90
Kinds = NDArray[np.int64]
Hits = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks goes_with", description="Complementary against similar.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--project", type=Path, help="a project with the data in it; made anew without")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            data = load("amazon_beauty", given.quick, Path(folder) / "slice")
        except Missing as absent:
            print(f"skipped: {absent.line}")
            return
        progress = make_progress(given.quick)
        prepared, _ = make_project(data, given.project or Path(folder) / "project", given.quick, progress)
        split = leave_one_out(prepared.interactions)
        rows = []
        for part, trial in (("validation", split.search()), ("test", split.strict())):
            progress.say(f"Measuring on {part}")
            rows += measured(part, trial, prepared.catalogue)
    print(markdown(HEADER, rows))


HEADER = (
    "part",
    "asked by",
    "list",
    "people",
    f"HR@{K}, next of another kind",
    "gain on similar",
    f"HR@{K}, next of any kind",
)


def measured(part: str, trial: Trial, catalogue: Catalogue) -> list[tuple[str, ...]]:
    core = LinearCore(LinearCore.make_params({})).fit(TrainingData(trial.train, catalogue, SEED)).without_common()
    taken = trial.train.histories
    bought = Pairs.of(taken.owners(), taken.items, taken.times, trial.train.n_items, DAYS * MICROSECONDS_PER_DAY)
    kinds = kinds_of(catalogue)
    targets = trial.targets.items
    found: list[tuple[str, ...]] = []
    for size, name in ((1, "one item"), (CART, f"a cart of {CART}")):
        carts = [trial.histories.slice(row, row + 1).items[-size:] for row in range(len(trial.histories))]
        full = np.array([len(cart) == size for cart in carts])
        other = full & np.array(
            [kinds[target] not in kinds[cart] for target, cart in zip(targets.tolist(), carts, strict=True)]
        )
        lists: dict[str, tuple[Callable[[Ints], tuple[Ints, Floats]], bool]] = {
            "similar": (lambda cart: core_list(core, cart), False),
            "complementary": (lambda cart: core_list(core, cart), True),
            "bought together, counted": (lambda cart: counted_list(bought, cart), False),
            "bought together, counted, of another kind": (lambda cart: counted_list(bought, cart), True),
        }
        base: Hits | None = None
        for title, (make, apart) in lists.items():
            hits = hit(make, apart, carts, kinds, trial.histories, targets)
            base = hits if base is None else base
            here = bootstrap(hits[other], seed=SEED)
            gain = "-"
            if title != "similar":
                change = bootstrap_difference(hits[other], base[other], seed=SEED)
                gain = f"{change.mean:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
            any_kind = figure(float(hits[full].mean()))
            found.append(
                (
                    part,
                    name,
                    title,
                    str(int(other.sum())),
                    figure(float(hits[other].mean()), here.low, here.high),
                    gain,
                    any_kind,
                )
            )
    return found


def core_list(core: LinearCore, cart: Ints) -> tuple[Ints, Floats]:
    rows, scores = core.top_k(Histories.of([cart.tolist()]), min(POOL, core.n_items))
    return rows[0], scores[0]


def counted_list(bought: Pairs, cart: Ints) -> tuple[Ints, Floats]:
    score = np.zeros(len(bought.people), dtype=np.float32)
    for item in cart.tolist():
        others, worth = bought.likeness(item)
        score[others] += worth
    order = np.argsort(-score, kind="stable")[:POOL].astype(np.int32)
    return order, score[order]


def hit(
    make: Callable[[Ints], tuple[Ints, Floats]],
    apart: bool,
    carts: Sequence[Ints],
    kinds: Kinds,
    histories: Histories,
    targets: Ints,
) -> Hits:
    """1 where the target is among the first ``K``, float64 [people]."""
    kept: dict[tuple[int, ...], Ints] = {}
    hits = np.zeros(len(carts))
    for place, cart in enumerate(carts):
        key = tuple(sorted(cart.tolist()))
        if key not in kept:
            rows, scores = make(cart)
            fine = (rows >= 0) & (scores > 0) & ~np.isin(rows, cart)
            if apart:
                fine &= ~np.isin(kinds[rows], kinds[cart])
            kept[key] = rows[fine]
        had = set(histories.items[histories.indptr[place] : histories.indptr[place + 1]].tolist())
        shown = [row for row in kept[key].tolist() if row not in had][:K]
        hits[place] = targets[place] in shown
    return hits


def kinds_of(catalogue: Catalogue) -> Kinds:
    """The number of the last category; an item without one is a kind of its own."""
    names: dict[str, int] = {}
    return np.array(
        [
            names.setdefault(own[-1] if own else f"\0{place}", len(names))
            for place, own in enumerate(catalogue.categories)
        ],
        dtype=np.int64,
    )


if __name__ == "__main__":
    main()
