"""The closed loop: simulated people by hand, and a short run over a real, small project."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from zhiyin.bundle import FOLDER, active
from zhiyin.config import load_settings
from zhiyin.errors import UsageError
from zhiyin.exploring import Explorer, linucb, thompson
from zhiyin.feedback.outcomes import outcomes
from zhiyin.feedback.people import People, PeopleParams
from zhiyin.feedback.rounds import gini, over_people, variety
from zhiyin.itemview import items_of
from zhiyin.rerank.arms import TOLD
from zhiyin.simulate import EXPLORING, PLAIN, SimulationParams, simulate
from zhiyin.simulation_page import figures_of
from zhiyin.store import open_store
from zhiyin.store.impressions import Impression
from zhiyin.testing.project import BOOKS, TEAS, run

KINDS = np.eye(4, dtype=np.float32)[np.arange(40) % 4]


def test_gini_and_variety_by_hand() -> None:
    assert gini(np.array([2, 2, 2])) == 0
    assert gini(np.array([0, 0, 0, 4])) == pytest.approx(0.75)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)
    assert np.isnan(gini(np.zeros(3)))
    vectors = np.eye(3, dtype=np.float32)
    assert variety(np.array([[0, 1, 2], [0, 1, -1]], dtype=np.int32), vectors) == pytest.approx(1)
    assert variety(np.array([[0, 0, 1]], dtype=np.int32), vectors) == pytest.approx(2 / 3)
    assert np.isnan(variety(np.array([[0, -1]], dtype=np.int32), vectors))


def test_intervals_are_over_people() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    found = over_people([values, values + 1], lambda a, b: b - a)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1)), "the same people in both"
    alone = over_people([values], lambda a: a)
    assert alone.low < values.mean() < alone.high
    assert alone.high - alone.low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_people_click_what_they_like_and_tire_of_it() -> None:
    params = PeopleParams(people=60, categories=1, taste=0, quality=0, theme=2.0)
    one = People.make(params, KINDS, None, seed=1)
    assert one.chance.mean() == pytest.approx(params.rate, abs=1e-6)
    liked = one.chance.reshape(60, 10, 4).mean(axis=1)
    assert (np.sort(liked, axis=1)[:, -1] > 3 * np.sort(liked, axis=1)[:, -2]).all(), "one category each"
    best = np.argsort(-one.chance, axis=1)[:, :5].astype(np.int32)
    first = one.willing(best).mean()
    clicked = np.mean([one.respond(best, seed).mean() for seed in range(6)])
    assert clicked > 0
    assert one.willing(best).mean() < 0.8 * first, "the same again and again is wanted less"
    again = People.make(params, KINDS, None, seed=1)
    assert np.array_equal(again.respond(best, 3), People.make(params, KINDS, None, seed=1).respond(best, 3))
    assert not again.respond(np.full((60, 5), -1, dtype=np.int32), 0).any()
    places = np.mean(
        [People.make(params, KINDS, None, 2).respond(np.repeat(best[:, :1], 5, axis=1), s) for s in range(40)],
        axis=(0, 1),
    )
    assert places[0] > 1.5 * places[4], "what stands low is looked at less"


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "a project"))


PARAMS = SimulationParams(rounds=4, k=4, slots=(3, 4), reach=8, people=PeopleParams(people=30, rate=0.3))


def test_a_short_loop(project: Path) -> None:
    settings = load_settings(project)
    store = open_store(settings.store.url, project)
    before = store.counts(), store.bundles()["name"].to_list()
    told = simulate(store, settings, project, PARAMS)
    assert (store.counts(), store.bundles()["name"].to_list()) == before, "the project stays as it is"
    plain, exploring = told.arms
    assert (plain.name, exploring.name) == (PLAIN, EXPLORING)
    assert max(plain.explored) == 0
    assert min(exploring.explored) > 0
    assert len(plain.reward) == 4
    assert sum(one.sum() for one in plain.reward) > 0
    assert all(0 < one <= 1 for arm in told.arms for one in (*arm.coverage, *arm.so_far))
    assert exploring.so_far == sorted(exploring.so_far)
    assert figures_of(told).covered > 0
    again = simulate(store, settings, project, PARAMS)
    assert again.to_dict() == told.to_dict(), "the same seed, the same loop"
    store.close()


def test_command(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a page"
    words: list[str | Path] = [
        "simulate",
        "--rounds",
        "2",
        "--people",
        "12",
        "--by",
        "linucb",
        "--out",
        out,
        "--quiet",
        "--project",
        project,
    ]
    assert run(*words) == 0
    assert "clicks a list in the first" in capsys.readouterr().out
    told = json.loads((out / "simulation.json").read_text(encoding="utf-8"))
    assert told["params"]["by"] == "linucb"
    assert set(told["figures"]) == {"rise", "cost", "covered", "so_far"}
    assert (out / "simulation.html").read_text(encoding="utf-8").count("<svg") == 5
    assert (out / "simulation.png").read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in (out / "simulation.svg").read_bytes()
    assert run("simulate", "--by", "magic", "--project", project) == 2
    assert run("simulate", "--rounds", "1", "--project", project) == 2
    assert "--rounds" in capsys.readouterr().err


def test_a_surface_that_explores_already(project: Path) -> None:
    settings = load_settings(project)
    store = open_store(settings.store.url, project)
    with pytest.raises(UsageError, match="explores already"):
        simulate(store, settings, project, PARAMS, surface="email")
    store.close()


def test_exploration_learns_from_the_store(project: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", project)
    bundle = active(store, project / FOLDER)
    items = items_of(bundle.items, bundle.catalogue, store)
    nothing = Explorer(store).chooser("thompson", items).chances([TEAS[0], BOOKS[0]], np.zeros((2, 0)))
    assert nothing.tolist() == [0.5, 0.5]
    assert Explorer(store).chooser("linucb", items).chances(["a", "b"], np.ones((2, len(TOLD)))).tolist() == [0.5, 0.5]
    latest = store.events()["time"].max()
    assert isinstance(latest, int)
    lists = [
        Impression(f"i{one}", f"tea-{one % 24}", "default", latest + one, [(TEAS[0], 1, 0.1), (BOOKS[0], 2, 0.1)])
        for one in range(1, 80)
    ]
    with store.writing() as writer:
        writer.put_impressions(lists)
        rows = [(f"e{one}", f"tea-{one % 24}", TEAS[0], "click", None, latest + one + 1) for one in range(1, 80, 2)]
        writer.add_events([(*row, None) for row in rows])
    told = Explorer(store).chooser("thompson", items).chances([TEAS[0], BOOKS[0]], np.zeros((2, 0)))
    assert told[0] > 0.99
    shown = outcomes(store.impressions.frame(), store.events()).frame
    assert shown["reward"].sum() == 40
    assert thompson(shown).successes[TEAS[0]] == pytest.approx(40, rel=1e-3)
    model = linucb(shown, store.events(), items)
    assert model.vector[0] == pytest.approx(40, rel=1e-3)
    with pytest.raises(UsageError):
        Explorer(store).chooser("magic", items)
    store.close()
