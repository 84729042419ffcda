"""Splits of interactions for honest offline measurement: who is asked what, and what a model may learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import DataError, NotEnoughData, UsageError
from zhiyin.types import NO_TIME, Histories, Interactions, Ints

TRAIN, VALIDATION, TEST, LEFT_OUT = 0, 1, 2, 3
FEWEST_EVENTS = 3
"""A user with fewer interactions cannot give one to each of train, validation and test."""
TOO_FEW = f"fewer than {FEWEST_EVENTS} interactions"
UNDATED_SHARE = 0.5
"""Above this share of events without a time, histories are taken to have no order."""
DATED_SHARE = 0.99
"""A split by time needs a real time on at least this share of the events."""


@dataclass(frozen=True)
class Trial:
    """One model to fit and the users to measure it on.

    ``train`` has a row for every user and item of the whole data set, so rows mean the same in every trial; users
    and items without an event before the cut have empty rows. ``now`` is the moment the model is imagined to be
    trained. ``users`` (int32 [U]) are the rows of the users measured; ``histories`` (what is known when they are
    asked) and ``targets`` (what they went on to choose) are aligned with it. ``histories.users`` is -1 for a user
    who has no event in ``train``. No target is in its user's history.
    """

    part: Literal["validation", "test"]
    fit: Literal["strict", "refit"]
    train: Interactions
    now: int
    users: Ints
    histories: Histories
    targets: Histories

    def sample(self, most: int, seed: int) -> Trial:
        """The same trial with at most ``most`` users, drawn by ``seed``, kept in row order."""
        if len(self.users) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.users), most, replace=False))
        histories, targets = self.histories.take(rows), self.targets.take(rows)
        return Trial(self.part, self.fit, self.train, self.now, self.users[rows], histories, targets)


@dataclass(frozen=True)
class Split:
    """Every interaction assigned to one part: ``part`` (int8, aligned with ``interactions.histories.items``) is
    ``TRAIN``, ``VALIDATION``, ``TEST`` or ``LEFT_OUT``. ``cuts`` are the times (microseconds) at which validation
    and test begin, None where every user has their own. ``description`` says in numbers what was done."""

    name: str
    interactions: Interactions
    part: NDArray[np.int8]
    cuts: tuple[int, int] | None
    description: dict[str, Any]

    def search(self) -> Trial:
        """For choosing hyper-parameters: fit on train, history = train, targets = validation."""
        return self._trial("validation", "strict", fitted=TRAIN, known=TRAIN, asked=VALIDATION)

    def strict(self) -> Trial:
        """For the figure of most papers: fit on train, history = train + validation, targets = test."""
        return self._trial("test", "strict", fitted=TRAIN, known=VALIDATION, asked=TEST)

    def refit(self) -> Trial:
        """For what a service does: fit on train + validation, history likewise, targets = test."""
        return self._trial("test", "refit", fitted=VALIDATION, known=VALIDATION, asked=TEST)

    def _trial(
        self,
        part: Literal["validation", "test"],
        fit: Literal["strict", "refit"],
        *,
        fitted: int,
        known: int,
        asked: int,
    ) -> Trial:
        whole = self.interactions.histories
        train = _subset(whole, self.part <= fitted)
        targets = _subset(whole, self.part == asked)
        users = np.flatnonzero(targets.lengths).astype(np.int32)
        history = _subset(whole, self.part <= known)
        seen = np.where(train.lengths > 0, whole.users, -1).astype(np.int32)
        history = Histories(history.indptr, history.items, history.weights, history.times, seen)
        now = self.cuts[fitted] if self.cuts is not None else int(train.times.max(initial=NO_TIME))
        whole_data = self.interactions
        interactions = Interactions(whole_data.users, whole_data.items, train, whole_data.links)
        return Trial(part, fit, interactions, now, users, history.take(users), targets.take(users))


def leave_one_out(interactions: Interactions) -> Split:
    """Per user: the last event is the test, the one before it the validation, the rest train.

    Users with fewer than ``FEWEST_EVENTS`` interactions are not measured; all their events train. Raises
    NotEnoughData where nobody has enough.
    """
    whole = _distinct(interactions)
    steps = whole.steps_ago()
    enough = whole.lengths >= FEWEST_EVENTS
    asked = np.repeat(enough, whole.lengths)
    part = np.where(asked & (steps == 0), TEST, np.where(asked & (steps == 1), VALIDATION, TRAIN)).astype(np.int8)
    return _split("leave-one-out", interactions, part, None, TOO_FEW)


def time_split(interactions: Interactions, test_fraction: float = 0.1, validation_fraction: float = 0.1) -> Split:
    """Two global moments cut the time line: train < first cut <= validation < second cut <= test.

    The cuts are the times that leave about the given fractions of the events to the right. Targets are all that a
    user chose in the window; somebody without an event before the cut is a cold user, measured with an empty history.
    At test time histories end at the second cut. Events without a time are left out, since they may lie after a cut.
    Raises NotEnoughData where times are missing, all the same, or too coarse to give every part something.
    """
    _check_fractions(test_fraction, validation_fraction)
    whole = _distinct(interactions)
    dated = whole.times != NO_TIME
    advice = "evaluate with leave-one-out, or import events with real times"
    if len(dated) == 0 or dated.mean() < DATED_SHARE:
        share = dated.mean() if len(dated) else 0.0
        raise NotEnoughData(f"a split by time needs times, and only {share:.0%} of the events have one", fix=advice)
    times = np.sort(whole.times[dated])
    if times[0] == times[-1]:
        raise NotEnoughData("a split by time needs different times, and all events have the same one", fix=advice)
    first = int(times[int(len(times) * (1 - test_fraction - validation_fraction))])
    second = int(times[int(len(times) * (1 - test_fraction))])
    part = np.where(whole.times < first, TRAIN, np.where(whole.times < second, VALIDATION, TEST)).astype(np.int8)
    part[~dated] = LEFT_OUT
    if len(np.unique(part[dated])) < 3:
        raise NotEnoughData("times are too coarse to cut them into train, validation and test", fix=advice)
    return _split("time-split", interactions, part, (first, second), "no event in the window")


def random_split(
    interactions: Interactions, test_fraction: float = 0.2, validation_fraction: float = 0.1, seed: int = 0
) -> Split:
    """Per user: random events are test and validation (at least one each), the rest train. For data without order.

    Users with fewer than ``FEWEST_EVENTS`` interactions are not measured; all their events train. Raises
    NotEnoughData where nobody has enough.
    """
    _check_fractions(test_fraction, validation_fraction)
    whole = _distinct(interactions)
    owners = whole.owners()
    order = np.lexsort((np.random.default_rng(seed).random(len(owners)), owners))
    # place: 0..n-1 of each event in its user's shuffled history
    place = np.empty(len(owners), dtype=np.int64)
    place[order] = np.arange(len(owners)) - np.repeat(whole.indptr[:-1], whole.lengths)
    enough = whole.lengths >= FEWEST_EVENTS
    tests = np.where(enough, np.maximum(1, np.rint(whole.lengths * test_fraction)), 0)
    checks = np.where(enough, np.maximum(1, np.rint(whole.lengths * validation_fraction)), 0)
    # Rounding must leave at least one event to train on.
    tests = np.minimum(tests, np.maximum(whole.lengths - checks - 1, 0))
    part = np.where(place < tests[owners], TEST, np.where(place < (tests + checks)[owners], VALIDATION, TRAIN))
    return _split("random", interactions, part.astype(np.int8), None, TOO_FEW)


def held_out(interactions: Interactions, seed: int = 0) -> Split:
    """The split that training decides by: everybody's last events, or random ones where most events have no time, for
    then there is no last. Raises NotEnoughData where nobody has enough."""
    times = interactions.histories.times
    if len(times) and (times == NO_TIME).mean() > UNDATED_SHARE:
        return random_split(interactions, seed=seed)
    return leave_one_out(interactions)


def _check_fractions(test: float, validation: float) -> None:
    if not (0 < test < 1 and 0 < validation < 1 and test + validation < 1):
        raise UsageError(
            f"test fraction {test} and validation fraction {validation} leave nothing for one part",
            fix="give two fractions above 0 whose sum is below 1",
        )


def _distinct(interactions: Interactions) -> Histories:
    """The histories, once it is sure that nobody has the same item twice: a target would be in the history."""
    whole = interactions.histories
    pairs = np.sort(whole.owners().astype(np.int64) * interactions.n_items + whole.items)
    if (pairs[1:] == pairs[:-1]).any():
        raise DataError("a user has the same item more than once", fix="merge repeats with preprocess.clean first")
    return whole


def _subset(whole: Histories, mask: NDArray[np.bool_]) -> Histories:
    """The same users with only the events where ``mask`` holds."""
    counts = np.bincount(whole.owners()[mask], minlength=len(whole))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, whole.items[mask], whole.weights[mask], whole.times[mask], whole.users)


def _split(
    name: str,
    interactions: Interactions,
    part: NDArray[np.int8],
    cuts: tuple[int, int] | None,
    reason: str,
) -> Split:
    """Check and describe the assignment; ``reason`` says why a user may be missing from a part."""
    whole = interactions.histories
    measured = {
        kind: int((_subset(whole, part == value).lengths > 0).sum())
        for kind, value in (("validation", VALIDATION), ("test", TEST))
    }
    if min(measured.values()) == 0:
        raise NotEnoughData(
            f"no user has {FEWEST_EVENTS} interactions, so nothing can be measured", fix="import more events"
        )
    description = {
        "name": name,
        "users": interactions.n_users,
        "measured": measured,
        "left_out_users": {kind: {reason: interactions.n_users - count} for kind, count in measured.items()},
        "events": {
            "train": int((part == TRAIN).sum()),
            "validation": int((part == VALIDATION).sum()),
            "test": int((part == TEST).sum()),
            "left_out": int((part == LEFT_OUT).sum()),
        },
        "items": interactions.n_items,
        "undated_share": round(float((whole.times == NO_TIME).mean()), 4) if len(part) else 0.0,
        "cuts": None if cuts is None else {"validation": _iso(cuts[0]), "test": _iso(cuts[1])},
    }
    return Split(name, interactions, part, cuts, description)


def _iso(time: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).isoformat()
