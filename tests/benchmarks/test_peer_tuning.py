"""Tuning finds what is best on validation, tries everything it says, and never sees a test event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import peers
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

    def fit(self, data: TrainingData) -> Stepper:
        self.train = data.interactions.histories
        self.n_items = data.interactions.n_items
        return self

    def top_k(self, histories: Histories, k: int, **_: Any) -> tuple[Any, Any]:
        last = histories.items[histories.indptr[1:] - 1]
        rows = np.full((len(histories), k), -1, dtype=np.int32)
        rows[:, 0] = (last + self.values["step"] + self.values["shift"]) % 12
        return rows, np.where(rows >= 0, 1.0, -np.inf).astype(np.float32)


@pytest.fixture
def kind() -> peers.Kind:
    Stepper.made = []
    return peers.Kind("stepper", Stepper, {"step": (3, 1, 4)}, {"shift": (0, 1)})


def test_the_grid_and_then_one_by_one(kind: peers.Kind) -> None:
    split, catalogue = chains()
    trial = split.search()
    filler = WindowedPopularity(days=None).fit(TrainingData(trial.train, catalogue))
    tuned = peers.tune(kind, trial, catalogue, 0, filler, Silent())
    assert {(made["step"], made["shift"]) for made in Stepper.made} >= {(3, 0), (1, 0), (4, 0)}
    # Steps of 2 come of 1 and 1.
    assert tuned.params == {"shift": 1, "step": 1}
    assert tuned.score == pytest.approx(1.0)
    assert tuned.tried == len({repr(sorted(made.items())) for made in Stepper.made})


def test_what_was_tuned_once_is_taken_up_again(
    kind: peers.Kind, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
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
    for kind in peers.kinds(quick=True):
        fitted = peers.fit(kind, {name: values[0] for name, values in kind.grid.items()}, data, filler)
        rows, _ = fitted.ranker.top_k(trial.histories, 5)
        assert rows.shape == (12, 5), kind.name
        assert (rows >= 0).all(), kind.name
        assert not (rows[:, :, None] == trial.histories.items.reshape(12, 1, -1)).any(), kind.name
