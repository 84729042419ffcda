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


def test_what_is_said_later_or_taken_back_wins(project: Path) -> None:
    with Engine.open(project) as engine:
        everything = set(ids(engine, "tea-7", 20))
        first = engine.edit_profile("tea-7", "no fiction")
        assert not set(ids(engine, "tea-7", 20)) & set(BOOKS)
        engine.edit_profile("tea-7", "more fiction")
        assert set(ids(engine, "tea-7", 20)) == everything
        engine.edit_profile("tea-7", "no fiction")
        other = engine.edit_profile("tea-7", "", statement=f"e{first + 2}", remove=True)
        assert set(ids(engine, "tea-7", 20)) == everything
        engine.undo_edit("tea-7", other)
        assert not set(ids(engine, "tea-7", 20)) & set(BOOKS)


def test_a_rewritten_statement_shuts_nothing_out(project: Path) -> None:
    with Engine.open(project) as engine:
        before = set(ids(engine, "tea-7", 20))
        statement = engine.profile("tea-7").statements[0].id
        engine.edit_profile("tea-7", "I only drink these with my children 只和孩子一起喝", statement=statement)
        assert set(ids(engine, "tea-7", 20)) == before
        scores = {item.item_id: item.score for item in engine.recommend("tea-7", 20).items}
        engine.edit_profile("tea-7", "", statement=statement, remove=True)
        assert {item.item_id: item.score for item in engine.recommend("tea-7", 20).items} != scores


def test_what_fills_a_list_does_not_move_the_others(project: Path) -> None:
    """Popular items behind the model's own have scores on another scale."""
    with Engine.open(project) as engine:
        before = [item for item in ids(engine, "tea-1", 20) if item in TEAS]
        engine.edit_profile("tea-1", "a bit more fiction")
        after = ids(engine, "tea-1", 20)
    assert after[: len(before)] == before, "a small wish does not overturn what the history says"


def test_an_item_that_the_request_names_is_told_so(trained: Path) -> None:
    with Engine.open(trained) as engine:
        told = engine.explain("x", BOOKS[1], query=f"something like 《Novel {BOOKS[1]} <b>》")
        assert told.why_not is not None
        assert told.why_not.rule == "named"
        two = engine.recommend("x", query="recommend at most 2 books")
        assert len(two.items) == 2
        third = engine.recommend("x", 3, query="recommend books").items[2].item_id
        assert not engine.explain("x", third, query="recommend at most 2 books").shown


def test_a_newcomer_answers_a_request(project: Path, tmp_path: Path) -> None:
    items = tmp_path / "new.jsonl"
    items.write_text(json.dumps({"item_id": "新/1", "title": "Oolong 乌龙茶", "categories": ["茶"]}) + "\n", "utf-8")
    assert run("import", "--items", items, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        assert ids(engine, "tea-1", 1, query="oolong") == ["新/1"]
        assert ids(engine, None, 1, query="乌龙茶") == ["新/1"]


def test_the_fingerprint_does_not_depend_on_what_was_read_before(project: Path) -> None:
    with Engine.open(project) as engine:
        first = engine.bundle.manifest
        assert engine.bundle.features[0]
    assert run("train", "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        assert engine.bundle.manifest.fingerprint == first.fingerprint
        assert "features.parquet" in engine.bundle.manifest.files


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
