from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zhiyin.candidates.base import Recommender
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.fused import FusedModel, FusionParams, below, like_neighbours
from zhiyin.fusing import FusingParams, fuse
from zhiyin.ports import Silent
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.rank.fusion import Combiner, Facts, score_columns
from zhiyin.testing.fixtures import shop, training_data
from zhiyin.testing.models import CHECKS, Check
from zhiyin.types import Histories, TrainingData

KINDS: tuple[type[Recommender], ...] = (LinearCore, SequentialRules, ItemKNN)


def made(depth: int = 3) -> FusedModel:
    """Two models and their summed scores, whatever the data."""
    columns = score_columns([kind.name for kind in KINDS]) + Facts.of(shop()).columns
    weights = np.array([1.0 if name.startswith("score:") else 0.0 for name in columns], dtype=np.float32)
    params = FusionParams(members=tuple(kind.name for kind in KINDS), candidates=2 * depth, columns=columns)
    return FusedModel(params, {kind.name: kind() for kind in KINDS}, Combiner(columns, weights, None), shop().catalogue)


OWN_TEST = {"check_survives_storage"}
"""Members are kept by their own names, so a combination comes back in another way."""


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if check.__name__ not in OWN_TEST], ids=lambda check: check.__name__
)
def test_behaves_as_every_model(check: Check) -> None:
    check(made)


def test_comes_back_from_arrays() -> None:
    model = made().fit(shop())
    members = {name: type(member)(member.params).restore(member.arrays()) for name, member in model.members.items()}
    back = FusedModel(model.params, members, catalogue=shop().catalogue).restore(model.arrays())
    histories = Histories.of([[0], [], [5, 4, 2, 1]])
    assert np.array_equal(back.score(histories), model.score(histories))


def test_proposals_say_who_and_at_which_place() -> None:
    model = made(depth=2).fit(shop())
    history = Histories.of([[0]])
    rows, _ = model.top_k(history, 4)
    told = model.proposals(history, rows[0])
    assert told[0], "the first item was proposed by somebody"
    for row, proposals in zip(rows[0].tolist(), told, strict=True):
        for name, place in proposals:
            own = model.members[name].top_k(history, model.params.depths[name])[0][0].tolist()
            assert row in own
            assert place >= 1


def test_what_nobody_proposed_follows_in_the_order_of_the_core() -> None:
    model = made(depth=1).fit(shop())
    history = Histories.of([[0, 1]])
    scores = model.score(history)[0]
    core = model.members["linear"].score(history)[0]
    rest = np.flatnonzero(scores < 0)
    order = rest[np.argsort(-scores[rest], kind="stable")]
    assert (np.diff(core[order]) <= 0).all()
    assert (scores[core == 0] >= 0).all()


def test_below_keeps_the_order() -> None:
    block = np.array([[3.0, 0.0, 1.0, -2.0], [0.0, 0.0, 0.0, 0.0]], dtype=np.float32)
    found = below(block)
    assert found[0, 0] > found[0, 2]
    assert (found[0, [0, 2]] < 0).all()
    assert found[0, [1, 3]].tolist() == [0, 0]
    assert not found[1].any()


def test_an_item_nobody_took_stands_with_its_neighbours() -> None:
    """By the core it lies between the second and the third of three."""
    core = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], dtype=np.float32)
    values = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], dtype=np.float32)
    scale = like_neighbours(core, values)
    asked = scale(np.array([3.0, 3.5, 100.0, -5.0], dtype=np.float32))
    assert asked[0] == pytest.approx(30)
    assert asked[0] <= asked[1] <= asked[2] == pytest.approx(40)
    assert asked[3] == pytest.approx(30), "no lower than the lowest average"


def test_newcomers_are_placed() -> None:
    data = shop()
    assert data.catalogue.vectors is not None
    model = made().fit(data)
    grown = model.with_newcomers(data.catalogue.vectors, data.catalogue.vectors[:1])
    assert grown.n_items == model.n_items + 1
    score = grown.score(Histories.of([[1, 2]]))
    assert score.shape == (1, grown.n_items)
    assert np.isfinite(score).all()


def test_evidence_orders_events() -> None:
    model = made().fit(shop())
    history = Histories.of([[0, 1, 2]])
    row = int(model.top_k(history, 1)[0][0, 0])
    pulls = model.contributions_to(history, np.array([row], dtype=np.int32))
    assert pulls.shape == (1, 3)
    assert pulls.max() > 0


def walkers(people: int = 240, length: int = 6, ring: int = 14) -> TrainingData:
    """People walk round a ring of items, all the same way, each from somewhere else."""
    random = np.random.default_rng(5)
    starts = random.integers(ring, size=people)
    return training_data(
        {f"u{at}": [f"i{(start + step) % ring}" for step in range(length)] for at, start in enumerate(starts)}
    )


def test_combines_where_it_is_better_and_not_where_it_is_not() -> None:
    """Item kNN does not see which way people walk; with rules beside it the whole is better."""
    data = walkers()
    split = leave_one_out(data.interactions)
    trial = split.search()
    train = TrainingData(trial.train, data.catalogue, 0, trial.now)
    members: dict[str, Any] = {"item_knn": ItemKNN(decay=1.0).fit(train), "rules": SequentialRules().fit(train)}
    filler = WindowedPopularity().fit(train)
    params = FusingParams(candidates=20, kind="linear")
    args = (trial, data.catalogue, params)
    better = fuse(members, "item_knn", filler, *args, seed=0, progress=Silent())
    assert better.model is not None
    assert better.gain.low > 0
    same = fuse({"item_knn": members["item_knn"]}, "item_knn", filler, *args, seed=0, progress=Silent())
    assert same.model is None, f"nothing beside itself, and a gain of {same.gain}"
