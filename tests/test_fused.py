from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhiyin import fusing, pooling
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.candidates.user_knn import UserKNN
from zhiyin.choice import Choice, Combined, read_choice, write_choice
from zhiyin.fused import FusedModel, FusionParams, below, like_core
from zhiyin.fusing import FEWEST, FusingParams, fuse
from zhiyin.ports import Silent
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.rank.fusion import Combiner, Facts, score_columns
from zhiyin.rank.probability import Probability
from zhiyin.testing.fixtures import shop, training_data
from zhiyin.testing.models import CHECKS, Check
from zhiyin.types import Floats, Histories, TrainingData

KINDS: tuple[type[Recommender], ...] = (LinearCore, SequentialRules, ItemKNN)


def made(depth: int = 3, kinds: tuple[type[Recommender], ...] = KINDS) -> FusedModel:
    """Some models and their summed scores, whatever the data."""
    columns = score_columns([kind.name for kind in kinds]) + Facts.of(shop()).columns
    weights = np.array([1.0 if name.startswith("score:") else 0.0 for name in columns], dtype=np.float32)
    params = FusionParams(members=tuple(kind.name for kind in kinds), candidates=2 * depth, columns=columns)
    return FusedModel(params, {kind.name: kind() for kind in kinds}, Combiner(columns, weights, None), shop().catalogue)


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


def test_an_item_nobody_took_stands_as_high_as_by_the_core() -> None:
    """With as many others above it, whatever the combination makes of these."""
    core = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], dtype=np.float32)
    values = np.array([60.0, 10.0, 50.0, 20.0, 30.0, 40.0], dtype=np.float32)
    asked = np.array([3.5, 3.6, 7.0, 8.0, 0.5], dtype=np.float32)
    middle, higher, first, best, last = like_core(core, values)(asked).tolist()
    assert [np.count_nonzero(values > found) for found in (middle, first, best)] == [3, 0, 0]
    assert 30 < middle < higher < 40
    assert 60 < first < best, "above all, in the order of the core"
    assert last == pytest.approx(10, abs=0.01)


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
    trial, data, members, filler = rivals()
    params = FusingParams(candidates=20, kind="linear")
    args = (trial, data.catalogue, params)
    better = fuse(members, "item_knn", filler, *args, seed=0, progress=Silent())
    assert better.model is not None
    assert better.gain.low > 0
    same = fuse({"item_knn": members["item_knn"]}, "item_knn", filler, *args, seed=0, progress=Silent())
    assert same.model is None, f"nothing beside itself, and a gain of {same.gain}"


def rivals() -> tuple[Trial, TrainingData, dict[str, Recommender], Recommender]:
    """The walkers' trial, item kNN and rules fitted for it, and what is popular."""
    data = walkers()
    trial = leave_one_out(data.interactions).search()
    train = TrainingData(trial.train, data.catalogue, 0, trial.now)
    members: dict[str, Recommender] = {"item_knn": ItemKNN(decay=1.0).fit(train), "rules": SequentialRules().fit(train)}
    return trial, data, members, WindowedPopularity().fit(train)


@pytest.mark.parametrize("people", [1, 2, FEWEST - 1])
def test_a_handful_of_people_decides_nothing(people: int) -> None:
    """They may agree by chance, and then the error of their mean is 0."""
    trial, data, members, filler = rivals()
    few = Trial(
        trial.part,
        trial.fit,
        trial.train,
        trial.now,
        trial.users[:people],
        trial.histories.take(np.arange(people)),
        trial.targets.take(np.arange(people)),
    )
    params = FusingParams(candidates=20, kind="linear", confidence=0)
    found = fuse(members, "item_knn", filler, few, data.catalogue, params, seed=0, progress=Silent())
    assert found.model is None
    assert found.lists[0].shape[0] == people


def test_hidden_items_stand_in_no_list_it_is_measured_by() -> None:
    trial, data, members, filler = rivals()
    hidden = np.zeros(len(data.catalogue.titles), dtype=np.bool_)
    hidden[::2] = True
    catalogue = replace(data.catalogue, hidden=hidden)
    params = FusingParams(candidates=20, kind="linear")
    whole = fuse(members, "item_knn", filler, trial, data.catalogue, params, seed=0, progress=Silent())
    part = fuse(members, "item_knn", filler, trial, catalogue, params, seed=0, progress=Silent())
    lengths = [np.isfinite(found.lists[0]).sum(axis=1).mean() for found in (whole, part)]
    assert lengths[1] < 0.7 * lengths[0], "half of the items are gone"
    gone = hidden[trial.targets.items]
    assert not part.lists[1][gone].any(), "nobody is hit by what is hidden"
    assert part.lists[1][~gone].any()
    best = [found.lists[1][~gone][:, :3].any(axis=1).mean() for found in (whole, part)]
    assert best[1] >= best[0], "others move up"


def test_how_many_ask_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the size of the blocks nor who else is in one."""
    model = made().fit(shop())
    histories = Histories.of([[0], [], [5, 4, 2, 1], [3, 1], [2]])
    together = model.score(histories)
    monkeypatch.setattr(pooling, "CHUNK_CELLS", 1)
    assert np.array_equal(model.score(histories), together)
    for place in range(len(histories)):
        assert np.array_equal(model.score(histories.slice(place, place + 1))[0], together[place])


def test_newcomers_that_only_some_members_can_place() -> None:
    """People of like taste say nothing of a new item, its text does: it is scored, and all that is known stays so."""
    data = shop()
    assert data.catalogue.vectors is not None
    model = made(kinds=(LinearCore, UserKNN)).fit(data)
    grown = model.with_newcomers(data.catalogue.vectors, data.catalogue.vectors[:2])
    sizes = {name: member.n_items for name, member in grown.members.items()}
    assert sizes["linear"] == grown.n_items
    assert sizes["user_knn"] == model.n_items
    newest = grown.n_items - 1
    for history in ([newest], [0, newest], [newest - 1, newest], []):
        asked = Histories.of([history])
        score = grown.score(asked)
        assert np.isfinite(score).all()
        rows = grown.top_k(asked, grown.n_items)[0][0]
        assert not set(history) & set(rows.tolist())
        everything = np.arange(grown.n_items, dtype=np.int32)
        assert len(grown.proposals(asked, everything)) == grown.n_items
        assert grown.contributions_to(asked, everything).shape == (grown.n_items, len(history))
    without = made(kinds=(UserKNN, ItemKNN)).fit(data)
    same = without.with_newcomers(data.catalogue.vectors, data.catalogue.vectors[:2])
    assert same is without, "the model that orders the rest cannot place them"


def test_of_somebody_without_events_it_says_nothing() -> None:
    model = made().fit(shop())
    nobody = Histories.of([[]])
    assert not model.score(nobody).any()
    assert model.top_k(nobody, 3)[0].tolist() == [[-1, -1, -1]]
    assert model.proposals(nobody, np.arange(model.n_items, dtype=np.int32)) == [[] for _ in range(model.n_items)]


def test_a_choice_comes_back_and_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    trial, data, members, filler = rivals()
    params = FusingParams(candidates=20)
    found = fuse(members, "item_knn", filler, trial, data.catalogue, params, seed=0, progress=Silent())
    combined = Combined.of(found.model)
    assert combined is not None
    probability = Probability.learn(*found.lists)
    named = {name: model.params for name, model in members.items()}
    choice = Choice("fusion", named, {"fusion": 1.0}, {}, probability, 0.5, None, combined)
    path = tmp_path / "choice.json"
    write_choice(path, choice)
    back = read_choice(path)
    assert back is not None
    assert back.fusion is not None
    assert back.params == choice.params
    assert back.probability == probability
    again = back.fusion.over(members, TrainingData(trial.train, data.catalogue, 0, trial.now))
    assert found.model is not None
    assert np.array_equal(again.score(trial.histories), found.model.score(trial.histories))
    told = json.loads(path.read_text(encoding="utf-8"))
    arrays = base64.b64decode(told["fusion"][1])
    damages: tuple[Any, ...] = (
        told | {"params": []},
        told | {"fusion": [told["fusion"][0], base64.b64encode(arrays[: len(arrays) // 2]).decode()]},
        told | {"fusion": [told["fusion"][0], base64.b64encode(arrays[:40] + b"x" * 200).decode()]},
        told | {"fusion": [told["fusion"][0], "no base64"]},
        told | {"fusion": []},
        told | {"probability": {"method": "rank"}},
        {"served": "fusion"},
        [],
    )
    for damage in damages:
        path.write_text(json.dumps(damage), encoding="utf-8")
        assert read_choice(path) is None, damage


def test_the_core_stays_though_it_says_little() -> None:
    """Without it items that go with an item would follow in the order of some other model."""
    data = walkers()
    trial = leave_one_out(data.interactions).search()
    train = TrainingData(trial.train, data.catalogue, 0, trial.now)
    members: dict[str, Any] = {
        "popular": WindowedPopularity().fit(train),
        "rules": SequentialRules().fit(train),
        "linear": LinearCore(decay=1.0, rules=0.0).fit(train),
    }
    params = FusingParams(candidates=20, kind="linear", least_share=0.9)
    tried = fuse(members, "popular", members["popular"], trial, data.catalogue, params, seed=0, progress=Silent())
    assert tried.model is not None
    assert "linear" in tried.model.members
    assert tried.model.core is tried.model.members["linear"]


class Noise(WindowedPopularity):
    """Proposes whatever comes up, to everybody something else."""

    def score(self, histories: Histories) -> Floats:
        own = [np.random.default_rng(history.items).random(self.n_items) for history in each(histories)]
        return np.stack(own).astype(np.float32)


def each(histories: Histories) -> list[Histories]:
    return [histories.slice(place, place + 1) for place in range(len(histories))]


@pytest.mark.parametrize("better", [True, False])
def test_idle_models_are_out_of_the_way_of_the_others(monkeypatch: pytest.MonkeyPatch, better: bool) -> None:
    """Where the others are clearly better without them, it is as if they had never been there."""
    random = np.random.default_rng(5)
    walks = (random.integers(60) + np.cumsum(random.integers(1, 5, size=6)) for _ in range(300))
    data = training_data({f"人/{at}": [f"i{place % 60}" for place in walk] for at, walk in enumerate(walks)})
    trial = leave_one_out(data.interactions).search()
    train = TrainingData(trial.train, data.catalogue, 0, trial.now)
    some: dict[str, Recommender] = {
        "item_knn": ItemKNN(decay=1.0).fit(train),
        "rules": SequentialRules().fit(train),
        "linear": LinearCore(rules=0.0).fit(train),
    }
    noise: dict[str, Recommender] = {f"noise {place}": Noise().fit(train) for place in range(3)}
    params = FusingParams(candidates=8, kind="linear", confidence=0.0, least_share=0.03)
    args = (WindowedPopularity().fit(train), trial, data.catalogue, params)
    alone = fuse(some, "rules", *args, seed=0, progress=Silent())
    monkeypatch.setattr(fusing, "_clearly", lambda gains, params: better)
    beside = fuse(some | noise, "rules", *args, seed=0, progress=Silent())
    assert (beside.scores == alone.scores) is better
    assert np.array_equal(beside.lists[0], alone.lists[0]) is better
