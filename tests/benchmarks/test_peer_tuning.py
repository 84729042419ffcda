"""Tuning finds what is best on validation, tries everything it says, and never sees a test event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
import pytest

from benchmarks import peer_kinds, peers
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.ports import Silent
from zhiyin.preprocess.splits import Split, leave_one_out
from zhiyin.types import Catalogue, Histories, IdMap, Interactions, TrainingData


def chains() -> tuple[Split, Catalogue]:
    """Everybody walks a ring of 12 items, two steps at a time."""
    walks = [[(start + 2 * step) % 12 for step in range(4)] for start in range(12)]
    interactions = Interactions(
        IdMap([f"u{row}" for row in range(12)]), IdMap([f"i{row:02}" for row in range(12)]), Histories.of(walks)
    )
    return leave_one_out(interactions), Catalogue([""] * 12, [[]] * 12, [""] * 12, None, np.zeros(12, dtype=np.bool_))


class Stepper:
    """Recommends the item ``step`` places on, and ``turns`` records every one that was made."""

    made: list[dict[str, Any]] = []  # noqa: RUF012

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.made.append(values)

    def fit(self, data: TrainingData) -> Self:
        self.train = data.interactions.histories
        self.n_items = data.interactions.n_items
        return self

    def top_k(self, histories: Histories, k: int, **_: Any) -> tuple[Any, Any]:
        last = histories.items[histories.indptr[1:] - 1]
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        rows[:, 0] = (last + self.values["step"] + self.values["shift"]) % 12
        return rows, np.where(rows >= 0, 1.0, -np.inf).astype(np.float32)


@pytest.fixture
def kind() -> peer_kinds.Kind:
    Stepper.made = []
    return peer_kinds.Kind("stepper", Stepper, {"step": (3, 1, 4)}, {"shift": (0, 1)})


def test_the_grid_and_then_one_by_one(kind: peer_kinds.Kind) -> None:
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    tuned = peers.tune(kind, trial, catalogue, 0, filler, Silent())
    assert {(made["step"], made["shift"]) for made in Stepper.made} >= {(3, 0), (1, 0), (4, 0)}
    # Steps of 2 come of 1 and 1.
    assert tuned.params == {"shift": 1, "step": 1}
    assert tuned.score == pytest.approx(1.0)
    assert tuned.tried == len({repr(sorted(made.items())) for made in Stepper.made})


def test_no_more_fits_than_asked(kind: peer_kinds.Kind) -> None:
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    tuned = peers.tune(kind, trial, catalogue, 0, filler, Silent(), most=2)
    assert [(made["step"], made["shift"]) for made in Stepper.made] == [(3, 0), (1, 0)]
    assert tuned.tried == 2
    assert tuned.params in ({"step": 3, "shift": 0}, {"step": 1, "shift": 0})


def test_what_was_tuned_once_is_taken_up_again(
    kind: peer_kinds.Kind, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "assets"))
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    first = peers.remembered(kind, "data", trial, catalogue, 0, filler, Silent())
    made = len(Stepper.made)
    assert peers.remembered(kind, "data", trial, catalogue, 0, filler, Silent()) == first
    assert len(Stepper.made) == made
    peers.remembered(kind, "other data", trial, catalogue, 0, filler, Silent())
    assert len(Stepper.made) > made


def test_every_peer_starts_from_the_first_values() -> None:
    split, catalogue = chains()
    trial = split.search()
    data = TrainingData(trial.train, catalogue)
    filler = WindowedPopularity(days=None).fit(data)
    for kind in peer_kinds.kinds(quick=True):
        fitted = peers.fit(kind, {name: values[0] for name, values in kind.grid.items()}, data, filler)
        rows, _ = fitted.ranker.top_k(trial.histories, 5)
        assert rows.shape == (12, 5), kind.name
        assert (rows >= 0).all(), kind.name
        assert not (rows[:, :, None] == trial.histories.items.reshape(12, 1, -1)).any(), kind.name


class Along(Stepper):
    """The same, for all steps from one process; a step of 3 ends it where patience does."""

    asked: list[tuple[Any, ...]] = []  # noqa: RUF012

    def top_k_along(self, name: str, values: tuple[Any, ...], histories: Histories, k: int, **more: Any) -> list[Any]:
        assert name == "step"
        self.asked.append(values)
        lists = []
        for value in values[: more["patience"] or None]:
            self.values[name] = value
            lists.append(self.top_k(histories, k))
        return lists


def along(patience: int) -> peer_kinds.Kind:
    Along.asked = []
    return peer_kinds.Kind("along", Along, {"shift": (0, 1)}, along=("step", (4, 3, 1)), patience=patience)


def test_one_fit_answers_for_all_values_along() -> None:
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    tuned = peers.tune(along(0), trial, catalogue, 0, filler, Silent())
    assert tuned.params == {"shift": 1, "step": 1}
    assert tuned.score == pytest.approx(1.0)
    assert tuned.tried == len(Along.asked) == 2
    # Where patience ends before the step of 1, it is not known.
    short = peers.tune(along(2), trial, catalogue, 0, filler, Silent())
    assert short.score < 1


def test_a_search_that_was_cut_off_goes_on(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "assets"))
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    Stepper.made = []
    first = peer_kinds.Kind("stepper", Stepper, {"step": (3, 1)}, {"shift": (0,)})
    peers.remembered(first, "data", trial, catalogue, 0, filler, Silent())
    # More is tried of the same: what is known is not fitted again, and what nobody asks for now does not count.
    wider = peer_kinds.Kind("stepper", Stepper, {"step": (1, 4)}, {"shift": (0, 1)})
    tuned = peers.remembered(wider, "data", trial, catalogue, 0, filler, Silent())
    assert [(made["step"], made["shift"]) for made in Stepper.made] == [(3, 0), (1, 0), (4, 0), (1, 1)]
    assert (tuned.params, tuned.tried) == ({"shift": 1, "step": 1}, 3)


def test_who_takes_part() -> None:
    def named(**about: Any) -> set[str]:
        return {kind.name for kind in peer_kinds.kinds(False, **about)}

    everybody = named()
    assert {kind.name for kind in peer_kinds.KINDS} == everybody
    # Without an order of events nobody learns from it; a transformer is too slow for many users.
    assert everybody - named(ordered=False) == {kind.name for kind in peer_kinds.KINDS if kind.ordered}
    assert everybody - named(users=20_000) == {kind.name for kind in peer_kinds.KINDS if kind.heavy}
    assert named(items=20_000) == everybody
    wide = {kind.name: kind for kind in peer_kinds.kinds(False, items=20_000)}[peer_kinds.EASE.name]
    assert len(wide.grid["regularization"]) < len(peer_kinds.EASE.grid["regularization"])
    for kind in peer_kinds.kinds(True):
        assert not kind.then
        assert all(len(values) == 1 for values in list(kind.grid.values())[1:])


def test_the_same_data_are_told_by_ids_and_histories() -> None:
    split, _ = chains()
    interactions = split.interactions
    assert peers.same_data(interactions) == peers.same_data(chains()[0].interactions)
    other = Interactions(interactions.users, interactions.items, interactions.histories.take(np.arange(12)[::-1]))
    assert peers.same_data(other) != peers.same_data(interactions)


class Weighing(Stepper):
    """Right where it is told of weights that are all one, in training and when asked."""

    def fit(self, data: TrainingData) -> Self:
        self.trained = data.interactions.histories.weights
        return super().fit(data)

    def top_k(self, histories: Histories, k: int, **more: Any) -> tuple[Any, Any]:
        flat = (self.trained == 1).all() and (histories.weights == 1).all()
        self.values |= {"step": 2 if flat else 5, "shift": 0}
        return super().top_k(histories, k, **more)


def test_weights_of_events_are_left_out_where_that_is_better() -> None:
    split, catalogue = chains()
    whole = split.interactions.histories
    heavy = replace(whole, weights=(whole.items % 3 + 1).astype(np.float32))
    weighed = leave_one_out(Interactions(split.interactions.users, split.interactions.items, heavy))
    kind = peer_kinds.Kind("weighing", Weighing, weighted=True)
    for asked, plain in ((weighed, True), (split, None)):
        trial = asked.search()
        filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
        tuned = peers.tune(kind, trial, catalogue, 0, filler, Silent())
        assert tuned.params.get("plain") is plain
        assert tuned.score == pytest.approx(1.0)
