"""Choosing the model for short histories: searched on validation people whose histories are cut short, kept only where
people who took no part in the search are served better by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Params, Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.short import MOST_EVENTS, ShortCore
from zhiyin.evaluate.intervals import Difference, bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.preprocess.splits import Trial
from zhiyin.search import OBJECTIVE, PASSES, K, Search
from zhiyin.types import Catalogue, Histories

FEWEST = 50
"""With fewer people on either side nothing is decided, and the served model answers for everybody."""
NOMINAL_SECONDS = 90.0
"""Budget of the search, as in ``search``."""
PEOPLE = 5_000
"""Searched on at most so many people, each with every length, and judged on as many others."""


@dataclass(frozen=True)
class Short:
    """``params`` of the model for histories of 1 to ``MOST_EVENTS`` events, None where the served model is kept for
    them. ``gain`` is the paired difference in NDCG@10 to it, on people who took no part in the search. ``model`` is the
    best one found, kept or not, as fitted for the search; None where nothing was searched."""

    params: Params | None
    gain: Difference | None
    trials: int
    model: ShortCore | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "params": None if self.params is None else self.params.model_dump(),
            "gain": None if self.gain is None else [self.gain.mean, self.gain.low, self.gain.high],
            "people": 0 if self.gain is None else self.gain.users,
            "trials": self.trials,
        }


def choose_short(core: LinearCore, filler: Recommender, trial: Trial, catalogue: Catalogue, seed: int) -> Short:
    """``core`` is the served model as fitted on ``trial.train``, ``trial`` a Trial of part "validation"."""
    first, second = halves(trial, seed)
    if min(len(first.users), len(second.users)) < FEWEST:
        return Short(None, None, 0, None)
    search = ShortSearch(
        ShortCore,
        cut_short(first),
        catalogue,
        seed=seed,
        budget=NOMINAL_SECONDS,
        filler=filler,
        first_fit=NOMINAL_SECONDS,
    )
    params = search.run_from(core)
    assert isinstance(search.best, ShortCore)
    gains = per_person(Filled(search.best, filler), second, catalogue)
    gain = bootstrap_difference(gains, per_person(Filled(core, filler), second, catalogue), seed=seed)
    return Short(params if gain.low > 0 else None, gain, search.tried, search.best)


class ShortSearch(Search):
    """Starts from what the served model has, and so has nothing to solve."""

    def run_from(self, core: LinearCore) -> Params:
        best: Params = core.params
        self._last = ShortCore.beside(core, best)
        score = self._measure(best)
        for _ in range(PASSES):
            before = score
            for name, values in ShortCore.search_space.items():
                best, score = self._climb(best, score, name, values)
            if score == before:
                break
        return best

    @property
    def tried(self) -> int:
        return len(self._trials)


def halves(trial: Trial, seed: int) -> tuple[Trial, Trial]:
    """Two parts of at most ``PEOPLE`` people each, drawn by ``seed``, nobody in both."""
    order = np.random.default_rng([seed, 1]).permutation(len(trial.users))
    size = min(PEOPLE, len(order) // 2)
    return part(trial, np.sort(order[:size])), part(trial, np.sort(order[size : 2 * size]))


def part(trial: Trial, rows: NDArray[np.integer[Any]]) -> Trial:
    return replace(
        trial, users=trial.users[rows], histories=trial.histories.take(rows), targets=trial.targets.take(rows)
    )


def cut_short(trial: Trial, most: int = MOST_EVENTS) -> Trial:
    """Everybody's last 1 to ``most`` events before the target, one row for each length; a person who has fewer events
    has fewer rows."""
    cuts = [with_last(trial, events) for events in range(1, most + 1)]
    users = np.concatenate([one.users for one in cuts])
    return replace(
        trial,
        users=users,
        histories=joined([one.histories for one in cuts]),
        targets=joined([one.targets for one in cuts]),
    )


def with_last(trial: Trial, events: int) -> Trial:
    """Those who have ``events`` events or more, asked with the last of them alone."""
    kept = part(trial, np.flatnonzero(trial.histories.lengths >= events))
    return replace(kept, histories=last_events(kept.histories, events))


def last_events(histories: Histories, events: int) -> Histories:
    """The same people with at most their last ``events`` events."""
    lengths = np.minimum(histories.lengths, events)
    indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    picks = np.repeat(histories.indptr[1:] - indptr[1:], lengths) + np.arange(indptr[-1])
    return Histories(indptr, histories.items[picks], histories.weights[picks], histories.times[picks], histories.users)


def joined(parts: list[Histories]) -> Histories:
    """The rows of all ``parts``, one behind the other."""
    lengths = np.concatenate([one.lengths for one in parts])
    return Histories(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        *(np.concatenate([getattr(one, name) for one in parts]) for name in ("items", "weights", "times", "users")),
    )


def per_person(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> Values:
    """NDCG@10 of each person, averaged over the lengths they were asked with: float64 [people]."""
    cut = cut_short(trial)
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    rows, _ = ranker.top_k(cut.histories, K, allowed=allowed)
    values = accuracy(rows, cut.targets, [K])[OBJECTIVE]
    people, places = np.unique(cut.users, return_inverse=True)
    sums: Values = np.bincount(places, weights=values, minlength=len(people)) / np.bincount(places)
    return sums
