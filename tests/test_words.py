"""What people say counts: requests in words and corrections of a profile, in Chinese and English, on the shop of two
tastes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from zhiyin.recommend import Engine
from zhiyin.testing.project import BOOKS, TEAS, run


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def ids(engine: Engine, user: str | None, k: int = 5, **options: object) -> list[str]:
    return [item.item_id for item in engine.recommend(user, k, **options).items]  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["不要再推茶", "no more 茶 please"])
def test_a_correction_rules_the_next_list(said: str, project: Path) -> None:
    with Engine.open(project) as engine:
        before = ids(engine, "tea-1")
        assert set(before) & set(TEAS)
        edit = engine.edit_profile("tea-1", said)
        after = ids(engine, "tea-1")
        assert after
        assert not set(after) & set(TEAS)
        assert set(after) <= set(BOOKS)
        told = engine.explain("tea-1", before[0])
        assert not told.shown
        assert told.why_not is not None
        assert told.why_not.rule == "muted"
        everybody = {row["user_id"]: row["item_id"] for frame in engine.recommend_all(1) for row in frame.to_dicts()}
        assert everybody["tea-1"] in BOOKS, "lists for everybody obey it too"
        assert everybody["tea-2"] in TEAS
        engine.undo_edit("tea-1", edit)
        assert ids(engine, "tea-1") == before


def test_a_leaning_moves_the_list_without_ruling_it(project: Path) -> None:
    events = project.parent / "more.csv"
    events.write_text(f'user_id,item_id\ntea-1,"{BOOKS[0].replace(chr(34), chr(34) * 2)}"\n', encoding="utf-8")
    assert run("import", "--events", events, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        before = ids(engine, "tea-1", 9)
        engine.edit_profile("tea-1", "more fiction, 多来点小说")
        after = ids(engine, "tea-1", 9)

    def places(found: list[str]) -> float:
        return sum(found.index(item) for item in BOOKS if item in found)

    assert sorted(before) == sorted(after)
    assert places(after) < places(before)


def test_a_correction_outlives_a_new_training(project: Path) -> None:
    with Engine.open(project) as engine:
        engine.edit_profile("书-1", "less fiction")
        engine.edit_profile("书-1", "再也不要推荐小说 Fiction")
        before = engine.bundle.manifest.name
        assert not set(ids(engine, "书-1")) & set(BOOKS)
    assert run("train", "--no-search", "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        assert engine.bundle.manifest.name != before
        assert not set(ids(engine, "书-1")) & set(BOOKS)
        assert [edit.said for edit in engine.profile("书-1").edits] == ["less fiction", "再也不要推荐小说 Fiction"]


def test_a_request_is_answered_from_the_catalogue_alone(trained: Path) -> None:
    with Engine.open(trained) as engine:
        for query in ("饮料，什么都行", "something to drink: 茶", "books, but nothing like Dune", "只要小说"):
            found = ids(engine, None, 20, query=query)
            assert len(found) == len(set(found))
            assert set(found) <= {*engine.bundle.item_ids}
        teas = engine.recommend("书-1", 3, query="茶")
        assert {item.item_id for item in teas.items} <= set(TEAS) | {"never taken/茶"}
        assert teas.items[0].sources[0] == "words"
        assert teas.items[0].reasons[0].words() == "you asked for 茶"


def test_what_is_no_wish_changes_nothing_and_says_so(trained: Path) -> None:
    with Engine.open(trained) as engine:
        answer = engine.recommend("tea-1", 4, query="???")
        assert [item.item_id for item in answer.items] == ids(engine, "tea-1", 4)
        assert answer.fallback is not None
        assert "not" in answer.fallback["reason"] or "nothing" in answer.fallback["reason"]


def test_the_commands(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        capsys.readouterr()
        assert run(*words, "--project", project) == 0
        return capsys.readouterr().out

    page = told("profile", "tea-1", "--edit", "不要再推茶", "--language", "zh")
    assert "不要再推茶" in page
    answer = json.loads(told("recommend", "tea-1", "--query", "books", "--format", "json", "-k", "3"))
    assert {"user_id", "bundle", "tier", "fallback", "degraded", "asked", "items"} <= set(answer)
    assert {item["item_id"] for item in answer["items"]} <= set(BOOKS)
    assert "read: " in told("recommend", "--query", "books")
    why = json.loads(told("explain", "tea-1", TEAS[5], "--format", "json"))
    assert why["why_not"] is not None
    shown = json.loads(told("explain", "tea-2", ids(Engine.open(project), "tea-2")[0], "--format", "json"))
    assert shown["sentences"]
    assert all(one["evidence"] for one in shown["sentences"])
    assert json.loads(told("items", TEAS[0], "--format", "json"))
    assert "none" in told("doctor")
