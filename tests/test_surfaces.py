"""Surfaces in an engine that serves a combination: re-ranking reaches lists, traces, files and explanations."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from zhiyin import choose
from zhiyin.answers import Recommendation
from zhiyin.candidates.base import Recommender
from zhiyin.errors import ConfigError, UsageError
from zhiyin.fusing import Fusing, fuse
from zhiyin.recommend import Engine
from zhiyin.registry import MODELS
from zhiyin.testing.project import run

RING = 24
BRANDS = ("Leaf & Co", "山/水", "третий")
ITEMS = [f"茶/{at} 号" if at % 2 else f'tea "{at}"' for at in range(RING)]
USERS = [f"walker {at}/人" for at in range(60)]
UNTITLED = ITEMS[5]
MEMBERS = ("popular", "item_knn", "walks", "rules", "linear")
SURFACES = {
    "plain": "candidates = 200\n",
    "cap": '[[stage]]\nkind = "cap"\nby = "brand"\nmost = 1\nwithin = 3\n',
    "严格": '[[stage]]\nkind = "cap"\nby = "brand"\nmost = 1\nwithin = 5\nstrict = true\n',
    "bury": '[[stage]]\nkind = "bury"\nwhere = { brand = "山/水" }\nfactor = 0\n',
    "pin": f"[[stage]]\nkind = \"pin\"\nitem = '{ITEMS[3]}'\nposition = 2\n",
    "again": '[[stage]]\nkind = "seen"\nagain = [{ after_days = 1 }]\n',
    "draw": '[[stage]]\nkind = "explore"\nslots = [2, 4]\nrate = 0.5\nreach = 5\n',
    "learn": '[[stage]]\nkind = "novelty"\n[[stage]]\nkind = "explore"\nslots = [1]\nrate = 1\ndraw = "newcomers"\n',
}


def write_files(folder: Path) -> tuple[Path, Path]:
    """Everybody walks round a ring of items, four steps from somewhere else; one in three turns round once."""
    events, items = folder / "events.csv", folder / "items.jsonl"
    with events.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "item_id", "event_type", "timestamp"])
        for number, user in enumerate(USERS):
            steps = (0, 1, 2, 3, 4) if number % 3 else (0, 1, 2, 4, 3)
            for place, step in enumerate(steps):
                item = ITEMS[(7 * number + step) % RING]
                out.writerow([user, item, "view", 1_600_000_000 + 86_400 * (number + place)])
    with items.open("w", encoding="utf-8") as file:
        for at, key in enumerate(ITEMS):
            told = {"item_id": key, "brand": BRANDS[at % 3], "categories": ["茶", f"shelf {at // 8}"]}
            file.write(json.dumps(told if key == UNTITLED else {**told, "title": f"Tea 绿茶 no. {at}"}) + "\n")
    return events, items


def against_the_weakest(members: Mapping[str, Recommender], single: str, *args: Any, **named: Any) -> Fusing:
    """On data this easy one model alone is as good; so that the combination serves, it is held against the worst."""
    return fuse(members, "popular", *args, **named)


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project that serves a combination, with the pipelines of SURFACES; tests must not change it."""
    folder = tmp_path_factory.mktemp("surfaces")
    project = folder / "项目 two"
    events, items = write_files(folder)
    assert run("init", project) == 0
    settings = project / "zhiyin.toml"
    told = '[encoder]\nmodel = "none"\n[train]\nsearch = false\n[models.fusion]\nleast_share = 0\nkind = "linear"\n'
    settings.write_text(settings.read_text(encoding="utf-8") + told, encoding="utf-8")
    assert run("import", "--events", events, "--items", items, "--project", project, "--quiet") == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choose, "MODELS", {name: MODELS[name] for name in MEMBERS})
        patch.setattr(choose, "fuse", against_the_weakest)
        assert run("train", "--project", project, "--quiet") == 0
    (project / "pipelines").mkdir()
    for name, text in SURFACES.items():
        (project / "pipelines" / f"{name}.toml").write_text(text, encoding="utf-8")
    return project


@pytest.fixture
def engine(fused: Path) -> Iterator[Engine]:
    with Engine.open(fused) as opened:
        assert opened.bundle.manifest.served == "fusion"
        yield opened


@pytest.fixture
def project(fused: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(fused, tmp_path / "copy"))


def ids(answer: Recommendation) -> list[str]:
    return [one.item_id for one in answer.items]


def brand(item: str) -> str:
    return BRANDS[ITEMS.index(item) % 3]


def test_sources_are_the_models_that_proposed(engine: Engine) -> None:
    many = 0
    for user in USERS[:10]:
        for one in engine.recommend(user, 5, surface="plain").items:
            assert one.sources
            assert set(one.sources) <= set(MEMBERS)
            assert len(set(one.sources)) == len(one.sources)
            many += len(one.sources) > 1
    assert many >= 25, "most of the first places are proposed by more than one"


def test_what_a_model_proposed_without_evidence_is_not_called_popular(engine: Engine) -> None:
    """Walks cannot say which events led to an item; what they proposed is theirs all the same."""
    model = engine._ranker.long.model
    told = [
        one
        for user in USERS[:20]
        for one in engine.recommend(user, 20, surface="plain").items
        if not any(reason.kind in ("history", "similar") for reason in one.reasons)
    ]
    assert all(one.sources != ["popular"] or "popular" in getattr(model, "members", {}) for one in told)
    cold = engine.recommend("nobody/没有人", 5)
    assert cold.fallback is not None
    assert all(one.sources == ["popular"] for one in cold.items)


def test_a_cap_of_the_projects_own(engine: Engine) -> None:
    moved = 0
    for user in USERS[:8]:
        capped, plain = engine.recommend(user, 6, surface="cap"), engine.recommend(user, 6, surface="plain")
        assert max(Counter(map(brand, ids(capped)[:3])).values()) == 1
        moved += ids(capped) != ids(plain)
        assert capped.surface == "cap"
    assert moved
    assert ids(engine.recommend(USERS[0], 6, surface="no such file")) == ids(engine.recommend(USERS[0], 6))


def test_a_buried_brand_stands_at_the_end(engine: Engine) -> None:
    brands = [brand(item) for item in ids(engine.recommend(USERS[1], 19, surface="bury"))]
    others = [one for one in brands if one != BRANDS[1]]
    assert brands == others + [BRANDS[1]] * (len(brands) - len(others))
    assert BRANDS[1] in brands


def test_chances_of_places_are_logged_and_draws_are_the_same(fused: Path) -> None:
    drawn = 0
    for user in USERS[:20]:
        with Engine.open(fused) as one, Engine.open(fused) as other:
            answer, again = one.recommend(user, 8, surface="draw"), other.recommend(user, 8, surface="draw")
            plain = ids(one.recommend(user, 8, surface="plain"))
        assert answer == again
        chances = [item.propensity for item in answer.items]
        assert chances[0] == chances[2] == 1
        assert {round(chance, 6) for chance in chances[1::2]} <= {0.5, 0.1, 0.8, 1.0}
        assert all(chance < 1 for chance in (chances[1], chances[3])), "whoever stands in a slot came by chance"
        drawn += ids(answer)[:4] != plain[:4]
    assert 5 <= drawn <= 20, "two slots at one half each"


def test_traces_speak_two_languages_and_name_the_untitled_by_id(engine: Engine) -> None:
    assert engine.recommend(USERS[0], 5, surface="cap").trace is None
    lines: list[str] = []
    for user in USERS[:24]:
        trace = engine.recommend(user, 5, surface="cap", trace=True).trace
        assert trace is not None
        assert [(one.stage, one.place) for one in trace] == [("cap", 1)]
        assert len(trace[0].en) == len(trace[0].zh)
        assert all("->" in line for line in trace[0].en)
        assert all("→" in line for line in trace[0].zh)
        lines += trace[0].en
    assert any("already" in line for line in lines)
    assert any(line.startswith(f"{UNTITLED}: rank") for line in lines)
    assert not any(line.startswith(":") for line in lines)


@pytest.mark.parametrize("surface", ["cap", "bury", "draw", "pin", "default"])
def test_scores_and_chances_travel_with_their_items(engine: Engine, surface: str) -> None:
    for user in USERS[:6]:
        plain = {one.item_id: one for one in engine.recommend(user, 19, surface="plain").items}
        for one in engine.recommend(user, 10, surface=surface).items:
            assert one.probability == plain[one.item_id].probability
            assert one.score == plain[one.item_id].score
            assert one.sources == plain[one.item_id].sources


def test_chances_are_known_and_fall_along_what_is_not_rearranged(engine: Engine) -> None:
    chances = [one.probability for one in engine.recommend(USERS[2], 8, surface="plain").items]
    assert all(chance is not None and 0 < chance < 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)  # type: ignore[type-var]


@pytest.mark.parametrize("surface", [*(name for name in SURFACES), "default", "home"])
def test_everybodys_lists_are_those_of_each(engine: Engine, surface: str) -> None:
    frame = pl.concat(engine.recommend_all(6, surface=surface))
    lists = dict(frame.group_by("user_id", maintain_order=True).agg("item_id").iter_rows())
    assert set(lists) == set(USERS)
    for user in USERS:
        assert lists[user] == ids(engine.recommend(user, 6, surface=surface)), user


def test_what_was_said_of_a_profile_counts_in_both(project: Path) -> None:
    with Engine.open(project) as engine:
        engine.edit_profile(USERS[0], "nothing with shelf 1")
        for surface in ("plain", "cap", "default"):
            frame = pl.concat(engine.recommend_all(6, surface=surface)).filter(pl.col("user_id") == USERS[0])
            alone = ids(engine.recommend(USERS[0], 6, surface=surface))
            assert frame["item_id"].to_list() == alone
            assert not set(alone) & set(ITEMS[8:16])


@pytest.mark.parametrize("surface", [*SURFACES, "default"])
def test_explanations_agree_with_lists(engine: Engine, surface: str) -> None:
    for user in USERS[:2]:
        shown = ids(engine.recommend(user, 5, surface=surface))
        low = ids(engine.recommend(user, 9, surface="plain"))[5:]
        for item in (*shown, *low, engine.history(user)[0][0]):
            told = engine.explain(user, item, "en", k=5, surface=surface)
            assert told.shown == (item in shown), (user, item, shown)
            if told.shown:
                assert told.rank == shown.index(item) + 1


def test_explanations_say_what_moved_an_item(engine: Engine) -> None:
    out = 0
    for user in USERS[:12]:
        plain, capped = (ids(engine.recommend(user, 3, surface=name)) for name in ("plain", "cap"))
        for item in set(plain) - set(capped):
            told = engine.explain(user, item, "en", k=3, surface="cap").why_not
            chinese = engine.explain(user, item, "zh", k=3, surface="cap").why_not
            assert told is not None
            assert chinese is not None
            assert any("Re-ranking moved it: cap, " in line and "already" in line for line in told.sentences)
            assert any("重排移动了它：cap，" in line for line in chinese.sentences)
            out += 1
    assert out


def test_a_list_that_a_strict_rule_cuts_short_is_short_for_everybody(engine: Engine) -> None:
    answer = engine.recommend(USERS[3], 5, surface="严格")
    assert len(answer.items) == 3
    assert [one.rank for one in answer.items] == [1, 2, 3]


def test_own_items_come_back_where_the_pipeline_says_so(engine: Engine) -> None:
    answer = engine.recommend(USERS[0], 24, surface="again")
    own = [item for item, _ in engine.history(USERS[0])]
    assert set(own) <= set(ids(answer))
    told = engine.explain(USERS[0], own[0], "en", k=24, surface="again")
    assert told.shown
    taken = engine.explain(USERS[0], own[0], "en", k=24, surface="plain")
    assert taken.why_not is not None
    assert taken.why_not.rule == "taken"


def test_a_pin_does_not_bring_back_what_somebody_has(engine: Engine) -> None:
    took = [user for user in USERS if ITEMS[3] in [item for item, _ in engine.history(user)]]
    other = next(user for user in USERS if user not in took)
    assert ids(engine.recommend(other, 4, surface="pin"))[1] == ITEMS[3]
    answer = engine.recommend(took[0], 4, surface="pin", trace=True)
    assert ITEMS[3] not in ids(answer)
    assert answer.trace is not None
    assert "not pinned" in answer.trace[0].en[0]
    assert ids(engine.recommend(took[0], 4, surface="pin", include_seen=True))[1] == ITEMS[3]
    assert ITEMS[3] not in ids(engine.recommend(other, 4, surface="pin", exclude=[ITEMS[3]]))


def test_own_items_are_there_where_they_are_asked_for(engine: Engine) -> None:
    answer = engine.recommend(USERS[0], 50, include_seen=True, surface="plain")
    assert sorted(ids(answer)) == sorted(ITEMS)


def test_a_hidden_item_is_in_no_list(project: Path) -> None:
    items = project / "hide.jsonl"
    items.write_text(json.dumps({"item_id": ITEMS[3], "title": "x", "brand": BRANDS[0], "hidden": True}) + "\n")
    assert run("import", "--items", items, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        for surface in SURFACES:
            assert ITEMS[3] not in pl.concat(engine.recommend_all(20, surface=surface))["item_id"].to_list()
            assert ITEMS[3] not in ids(engine.recommend("nobody", 24, surface=surface, include_seen=True))


def test_items_that_came_after_training_go_through_every_pipeline(project: Path) -> None:
    items = project / "new.jsonl"
    items.write_text(json.dumps({"item_id": "new/新", "title": "new tea 新茶", "brand": BRANDS[0]}) + "\n")
    assert run("import", "--items", items, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        for surface in (*SURFACES, "email", "home"):
            answer = engine.recommend(USERS[0], 5, surface=surface)
            assert answer.items
        learned = [ids(engine.recommend(user, 3, surface="learn"))[0] for user in USERS[:5]]
        assert learned == ["new/新"] * 5, "the one item that few have taken"
        assert pl.concat(engine.recommend_all(3, surface="learn")).filter(pl.col("rank") == 1)[
            "item_id"
        ].unique().to_list() == ["new/新"]


def test_a_request_goes_through_the_rules_of_the_house(engine: Engine) -> None:
    answer = engine.recommend(USERS[0], 5, query="shelf 2 的茶", surface="cap")
    assert max(Counter(map(brand, ids(answer)[:3])).values()) == 1
    assert ids(answer) == ids(engine.recommend(USERS[0], 5, query="shelf 2 的茶", surface="cap"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[stage]]\nkind = "cap"\nby = "brand"\nmst = 1\n', ["bad.toml", "stage 1", "mst"]),
        ('[[stage]]\nkind = "cap"\nby = "no such"\n', ["bad.toml", "stage 1", "no such"]),
        ('[[stage]]\nkind = "pin"\nitem = "nowhere"\n', ["bad.toml", "stage 1", "nowhere"]),
        ("[[stage]\n", ["bad.toml", "TOML"]),
        ("candidates = 0\n", ["bad.toml", "candidates"]),
    ],
)
def test_a_wrong_file_is_one_line(
    project: Path, text: str, told: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pipelines" / "bad.toml").write_text(text, encoding="utf-8")
    with Engine.open(project) as engine, pytest.raises(ConfigError):
        engine.recommend(USERS[0], surface="bad")
    capsys.readouterr()
    assert run("recommend", USERS[0], "--surface", "bad", "--project", project) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert all(word in said for word in told), said
    assert run("recommend", USERS[0], "--project", project) == 0, "other surfaces go on"


def test_the_commands_say_where_the_default_stands_in(fused: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for words in (("recommend", USERS[0]), ("explain", USERS[0], ITEMS[0])):
        assert run(*words, "--surface", "Cap", "--format", "json", "--project", fused) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["user_id"] == USERS[0]
        (said,) = told.err.splitlines()
        assert said.startswith("No pipeline 'Cap': the default re-ranks. There are ")
        assert "cap" in said
        assert run(*words, "--surface", "cap", "--project", fused) == 0
        assert not capsys.readouterr().err


@pytest.mark.parametrize("surface", ["", "../zhiyin", "a/b", "a\\b", "a\0b", "x" * 300, "line\nbreak"])
def test_a_surface_is_the_name_of_a_file(engine: Engine, surface: str) -> None:
    with pytest.raises(UsageError, match="cannot be called"):
        engine.recommend(USERS[0], surface=surface)


def test_doctor_and_report_take_a_combination(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--project", project) == 0
    assert "fusion" in capsys.readouterr().out
    assert run("bundles", "list", "--project", project) == 0


def test_a_bundle_of_an_older_version_says_what_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = (project / "bundles").glob("*/manifest.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    del told["metrics"]["probability"]
    path.write_text(json.dumps(told), encoding="utf-8")
    capsys.readouterr()
    for words in (["recommend", USERS[0]], ["explain", USERS[0], ITEMS[0]], ["similar", ITEMS[0]]):
        assert run(*words, "--project", project) == 1
        said = capsys.readouterr().err
        assert "run 'zhiyin train'" in said
        assert "Traceback" not in said
