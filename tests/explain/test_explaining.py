"""Why an item is in the list, or which rule or part of the score keeps it out, on a small trained project."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from zhiyin.explain.checker import problem
from zhiyin.explain.evidence import Interested, Wished
from zhiyin.explain.why_not import Rule
from zhiyin.explaining import Desk, Explanation, explain
from zhiyin.ordering import Ordered
from zhiyin.recommend import Engine
from zhiyin.scripts import LANGUAGES
from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS, run
from zhiyin.types import Histories, Tier, Wish


def desk_of(engine: Engine) -> Desk:
    return Desk(
        engine.store,
        engine.bundle,
        engine._shelf,
        engine._ranker,
        engine._preprocess,
        engine._unit,
        engine._now,
    )


@pytest.fixture
def engine(trained: Path) -> Iterator[Engine]:
    with Engine.open(trained) as opened:
        yield opened


def test_everything_that_is_recommended_is_explained_and_holds(engine: Engine) -> None:
    desk = desk_of(engine)
    for user in ("tea-0", "书-3", "one event", "nobody", "没有/这个人"):
        for item in engine.recommend(user, 6).items:
            for language in LANGUAGES:
                answer = explain(desk, user, item.item_id, language, k=6)
                assert answer.shown
                assert (answer.rank, answer.score) == (item.rank, item.score)
                evidence = {one.id: one for one in answer.evidence}
                assert 1 <= len(answer.sentences) <= 2 or answer.note
                for one in answer.sentences:
                    assert one.tier is Tier.NONE
                    assert problem(one.text, one.evidence, evidence, language) is None
                json.dumps(answer.to_dict(), ensure_ascii=False)


def test_the_language_is_that_of_the_persons_items(engine: Engine) -> None:
    desk = desk_of(engine)
    assert explain(desk, "tea-0", TEAS[4]).sentences[0].text.startswith("推荐它主要是因为您看过《绿茶")
    assert explain(desk, "书-0", BOOKS[4]).sentences[0].text.startswith("Suggested mainly because you looked at")
    assert explain(desk, "nobody", TEAS[4]).language == "zh"


def test_ids_of_events_are_those_of_the_store(engine: Engine) -> None:
    answer = explain(desk_of(engine), "tea-0", TEAS[4])
    (cited,) = [one for one in answer.evidence if one.kind == "event"]
    events = engine.store.events("tea-0")
    row = events.filter(events["seq"].cast(str) == cited.id.removeprefix("event:"))
    assert row["item_id"].to_list() == [cited.item_id]


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules(engine: Engine, language: str) -> None:
    desk = desk_of(engine)

    def why(user: str, item: str, **options: object) -> Explanation:
        answer = explain(desk, user, item, language, k=2, **options)  # type: ignore[arg-type]
        assert not answer.shown
        assert answer.sentences == []
        assert answer.why_not is not None
        assert answer.why_not.sentences
        told = re.sub(r"[\"'].*[\"']|“.*”", "", answer.why_not.sentences[0])
        spoken = any("一" <= one <= "鿿" for one in told)
        assert spoken == (language == "zh")
        return answer

    def rule(user: str, item: str, **options: object) -> Rule | None:
        told = why(user, item, **options).why_not
        assert told is not None
        assert told.changes
        return told.rule

    assert rule("tea-0", "没有/这个") is Rule.UNKNOWN
    assert rule("tea-0", TEAS[0]) is Rule.TAKEN
    assert rule("tea-0", TEAS[4], exclude=[TEAS[4]]) is Rule.EXCLUDED
    no_tea = [Wished(Wish("绿茶", -1.0, hard=True), "profile")]
    assert rule("tea-0", TEAS[4], wishes=no_tea) is Rule.MUTED
    assert rule("tea-0", TEAS[4], wishes=[Wished(Wish("Fiction", 1.0, hard=True))]) is Rule.NOT_ASKED
    vague = [Wished(Wish("something hot", -1.0, hard=True))]
    assert rule("tea-0", TEAS[4], wishes=vague, barring=0) is Rule.MUTED
    without = Ordered(np.array([0], dtype=np.int32), np.ones(1, dtype=np.float32), {})
    assert rule("tea-0", TEAS[4], wishes=vague, ordered=without) is Rule.MUTED
    assert rule("tea-0", TEAS[4], ordered=without) is Rule.UNPLACED


def test_a_low_item_is_told_by_parts_and_what_would_lift_it_does(engine: Engine) -> None:
    desk = desk_of(engine)
    answer = explain(desk, "tea-0", BOOKS[3], k=2)
    assert answer.why_not is not None
    standing = answer.why_not.standing
    assert standing is not None
    assert standing.rank == answer.rank
    assert (standing.of, standing.k, standing.filled) == (9, 2, True)
    assert standing.lowest is not None
    assert (standing.lowest.name, standing.lowest.value) == ("own", 0.0)
    assert standing.changes
    # What is promised is what happens.
    rows = [engine._shelf.items.row(key) for key in [*TEAS[:4], standing.changes[0].item_id]]
    order, _ = engine._model.top_k(Histories.of([rows]), 13)
    assert order[0].tolist().index(engine._shelf.items.row(BOOKS[3])) + 1 == standing.changes[0].rank
    never = explain(desk, "tea-0", NEVER_TAKEN, k=2)
    assert never.why_not is not None
    assert never.why_not.changes == []


def test_parts_of_the_ranking_count_and_are_named(engine: Engine) -> None:
    desk = desk_of(engine)
    n = len(engine._shelf.items)
    rows, scores = engine._ranker.top_k(engine._history("tea-0"), n)
    rows, scores = rows[0][rows[0] >= 0], scores[0][rows[0] >= 0]
    item = int(rows[3])
    wish = np.zeros(n, dtype=np.float32)
    wish[rows[:3]] = 5.0
    answer = explain(
        desk, "tea-0", engine._shelf.items.ids[item], "en", k=3, ordered=Ordered(rows, scores, {"wish": wish})
    )
    assert answer.why_not is not None
    assert answer.why_not.standing is not None
    lowest = answer.why_not.standing.lowest
    assert lowest is not None
    assert (lowest.name, lowest.value, lowest.last) == ("wish", 0.0, 5.0)


def test_wishes_and_interests_become_sentences(engine: Engine) -> None:
    desk = desk_of(engine)
    answer = explain(desk, "tea-0", TEAS[4], "zh", wishes=[Wished(Wish("饮料", 1.0), "profile", pull=0.2)])
    assert answer.sentences[0].text == "您的画像里写着想要“饮料”，它属于“饮料”。"
    assert answer.sentences[0].evidence == ("wish:1",)
    told = explain(desk, "one event", NEVER_TAKEN, "en", k=13, interests=[Interested("7", "茶 and quiet", 0.4)])
    assert told.sentences[0].text == 'It fits your interest in "茶 and quiet", which makes up 40% of your profile.'


def test_hidden_and_new(trained: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "copy"))
    file = tmp_path / "more.jsonl"
    lines = [
        {"item_id": TEAS[5], "title": "绿茶", "hidden": True},
        {"item_id": "新/1", "title": "乌龙", "categories": []},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    assert run("import", "--items", file, "--project", project, "--quiet") == 0
    with Engine.open(project) as engine:
        for item, rule in ((TEAS[5], Rule.HIDDEN), ("新/1", Rule.UNPLACED)):
            answer = explain(desk_of(engine), "tea-0", item)
            assert answer.why_not is not None
            assert answer.why_not.rule is rule


def test_what_would_change_an_order_that_was_given_is_asked_of_who_made_it(engine: Engine) -> None:
    desk = desk_of(engine)
    n = len(engine._shelf.items)

    def order(history: Histories) -> Ordered:
        rows, scores = engine._ranker.top_k(history, n)
        return Ordered(rows[0][rows[0] >= 0], scores[0][rows[0] >= 0], {})

    made = order(engine._history("tea-0"))
    silent = explain(desk, "tea-0", BOOKS[3], k=2, ordered=made)
    assert silent.why_not is not None
    assert silent.why_not.changes == []
    asked = explain(desk, "tea-0", BOOKS[3], k=2, ordered=made, again=order)
    plain = explain(desk, "tea-0", BOOKS[3], k=2)
    assert asked.why_not is not None
    assert plain.why_not is not None
    assert asked.why_not.changes == plain.why_not.changes
