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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.together import Pairs
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap, bootstrap_difference
from zhiyin.preprocess.dataset import MICROSECONDS_PER_DAY
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.types import Catalogue, Histories, Ints, TrainingData

SEED = 20240607
K = 10
POOL = 1000
CART = 3
DAYS = 90
Kinds = NDArray[np.int64]
Hits = NDArray[np.float64]
Cart = tuple[int, ...]


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
        # Both parts are asked of what was fitted on the training part.
        train = split.search().train
        core = LinearCore(LinearCore.make_params({})).fit(TrainingData(train, prepared.catalogue, SEED))
        taken = train.histories
        window = DAYS * MICROSECONDS_PER_DAY
        bought = Pairs.of(taken.owners(), taken.items, taken.times, train.n_items, window)
        lists = Lists(core.without_common(), bought, kinds_of(prepared.catalogue))
        rows = []
        for part, trial in (("validation", split.search()), ("test", split.strict())):
            progress.say(f"Measuring on {part}")
            rows += measured(part, trial, lists)
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


@dataclass(frozen=True)
class Lists:
    core: Recommender
    bought: Pairs
    kinds: Kinds

    def similar(self, carts: Sequence[Cart]) -> list[Ints]:
        """The best of the core for each cart, whatever kind they are of."""
        rows, scores = self.core.top_k(Histories.of(carts), min(POOL, self.core.n_items))
        return [own[(own >= 0) & (score > 0)] for own, score in zip(rows, scores, strict=True)]

    def counted(self, carts: Sequence[Cart]) -> list[Ints]:
        """What was bought together with each cart most."""
        found = []
        for cart in carts:
            score = np.zeros(len(self.bought.people), dtype=np.float32)
            for item in cart:
                others, worth = self.bought.likeness(item)
                score[others] += worth
            score[list(cart)] = 0
            some = np.flatnonzero(score)
            found.append(some[np.lexsort((some, -score[some]))][:POOL].astype(np.int32))
        return found

    def apart(self, carts: Sequence[Cart], lists: Sequence[Ints]) -> list[Ints]:
        """The same without what is of the kind of something in the cart."""
        kinds = self.kinds
        return [own[~np.isin(kinds[own], kinds[list(cart)])] for cart, own in zip(carts, lists, strict=True)]


def measured(part: str, trial: Trial, lists: Lists) -> list[tuple[str, ...]]:
    kinds, targets = lists.kinds, trial.targets.items
    found: list[tuple[str, ...]] = []
    for size, name in ((1, "one item"), (CART, f"a cart of {CART}")):
        people = [tuple(trial.histories.slice(row, row + 1).items[-size:].tolist()) for row in range(len(targets))]
        full = np.array([len(cart) == size for cart in people])
        other = full & np.array(
            [kinds[target] not in kinds[list(cart)] for target, cart in zip(targets.tolist(), people, strict=True)]
        )
        carts = list(dict.fromkeys(people))
        similar, counted = lists.similar(carts), lists.counted(carts)
        made = {
            "similar": similar,
            "complementary": lists.apart(carts, similar),
            "bought together, counted": counted,
            "bought together, counted, of another kind": lists.apart(carts, counted),
        }
        base: Hits | None = None
        for title, own in made.items():
            hits = hit(dict(zip(carts, own, strict=True)), people, trial.histories, targets)
            base = hits if base is None else base
            here = bootstrap(hits[other], seed=SEED)
            gain = "-"
            if title != "similar":
                change = bootstrap_difference(hits[other], base[other], seed=SEED)
                gain = f"{change.mean:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
            rate = figure(float(hits[other].mean()), here.low, here.high)
            found.append((part, name, title, str(int(other.sum())), rate, gain, figure(float(hits[full].mean()))))
    return found


def hit(lists: dict[Cart, Ints], people: Sequence[Cart], histories: Histories, targets: Ints) -> Hits:
    """1 where the target is among the first ``K`` that the person has not had, float64 [people]."""
    hits = np.zeros(len(people))
    for place, cart in enumerate(people):
        had = set(histories.items[histories.indptr[place] : histories.indptr[place + 1]].tolist())
        shown = 0
        for row in lists[cart].tolist():
            if row in had:
                continue
            if row == targets[place]:
                hits[place] = 1
                break
            shown += 1
            if shown == K:
                break
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
