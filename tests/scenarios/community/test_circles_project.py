"""Circles and the feed of a small project: the command, the store, the service, people known by their links alone."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from zhiyin.cli.common import open_project
from zhiyin.errors import LlmTimeout, NotThere, UsageError
from zhiyin.llm.breaker import Breaker
from zhiyin.llm.client import Client
from zhiyin.llm.slot import Slot
from zhiyin.ports import Options, Prompt
from zhiyin.recommend import Engine
from zhiyin.scenarios.community.circles import CirclesParams, build_circles, circle, circles, circles_of, last_run
from zhiyin.scenarios.community.circles.page import sheet_of
from zhiyin.store.sql import SqlStore
from zhiyin.testing.llm import Scripted
from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS, run
from zhiyin.types import Tier

NEW = "新人/1 %?#"
LONELY = "lonely"


def links(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [(one, other, None, None) for one, other in pairs]
    schema = {"user_id": pl.String, "other_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """Two tastes; friends within them, somebody new who has friends only, and somebody who has nobody."""
    folder = Path(shutil.copytree(trained, tmp_path / "社区 one"))
    with open_project(folder) as opened, opened.store.writing() as writer:
        ring = [
            (f"{name}{number}", f"{name}{(number + step) % 24}")
            for name in ("tea-", "书-")
            for number in range(24)
            for step in (1, 2)
        ]
        writer.put_links(links(*ring, (NEW, "书-1"), (NEW, "书-2"), ("书-3", NEW)))
        writer.set_users([(LONELY, "{}")])
    return folder


@pytest.fixture
def store(project: Path) -> Iterator[SqlStore]:
    with open_project(project) as opened:
        yield opened.store


def test_the_command(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    at = ("--project", project)
    assert run("circles", "list", *at) == 0
    assert "zhiyin circles build" in capsys.readouterr().out
    assert run("circles", "build", "--format", "json", *at) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["circles"] == made["new"]
    assert made["people"] == made["members"] + made["alone"] + made["between"]
    assert run("circles", "list", "--format", "json", *at) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"]["circles"] == made["circles"]
    names = {one["name"]["zh"] for one in told["circles"]}
    assert len(names) == len(told["circles"])
    for one in told["circles"]:
        taken = {item["item_id"] for item in one["items"]}
        assert not (taken & set(TEAS) and taken & set(BOOKS)), "tastes stay apart"
        assert one["tier"] == "none"
        assert one["fallback"] is None
    assert run("circles", "of", NEW, "--format", "json", *at) == 0
    own = json.loads(capsys.readouterr().out)["circles"]
    assert {item["item_id"] for item in own[0]["items"]} <= set(BOOKS)
    assert run("circles", "show", own[0]["id"], "--language", "zh", *at) == 0
    assert "人，比别人更常选《Novel" in capsys.readouterr().out
    assert run("circles", "of", LONELY, *at) == 0
    assert "in no circle" in capsys.readouterr().out
    for name in ("圈.html", "圈.svg"):
        assert run("circles", "page", "--out", tmp_path / name, "--language", "zh", *at) == 0
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "<svg" in text
        assert NEW not in text, "pictures name nobody"
        assert "var(--" not in text or name.endswith("html")
    assert run("circles", "show", "c99", *at) == 1
    assert "no circle 'c99'" in capsys.readouterr().err


def test_circles_stay_from_run_to_run(project: Path, store: SqlStore) -> None:
    with open_project(project) as opened:
        settings = opened.settings
    params = CirclesParams(resolution=1.0)
    first = build_circles(store, settings, project, params)
    before = {one.id: one for one in circles(store)}
    again = build_circles(store, settings, project, params)
    assert (again.circles, again.new, again.gone) == (first.circles, [], [])
    assert {one.id: one.version for one in circles(store)} == {key: one.version for key, one in before.items()}
    with store.writing() as writer:
        # The tea drinkers leave; friends of another kind come.
        for number in range(24):
            writer.delete_user(f"tea-{number}")
        crowd = [(f"x{one}", f"x{other}") for one in range(6) for other in range(one)]
        writer.put_links(links(*crowd))
    later = build_circles(store, settings, project, params)
    assert later.gone
    assert later.new
    assert not set(later.new) & set(first.circles), "an id is given once"
    assert circle(store, later.gone[0]).state == "gone"
    assert later.gone[0] not in {one.id for one in circles(store)}
    kept = set(later.circles) & set(first.circles)
    assert kept
    assert {circle(store, key).body["name"]["en"] for key in kept} == {before[key].body["name"]["en"] for key in kept}
    strangers = circles_of(store, "x1")[0][0]
    assert strangers.body["items"] == []
    assert "彼此相连" in strangers.body["description"]["zh"]
    with pytest.raises(NotThere):
        circle(store, "c99")
    run_ = last_run(store)
    assert run_ is not None
    assert run_["circles"] == later.circles
    assert sheet_of(store, "店", "zh").parts


def test_one_run_at_a_time(project: Path, store: SqlStore) -> None:
    with open_project(project) as opened:
        settings = opened.settings
    held, said = threading.Event(), threading.Event()

    def answer(prompt: Prompt) -> str:
        held.set()
        assert said.wait(10)
        return json.dumps({"name": "x", "description": "x"})

    models = client(store, settings.llm, Scripted(answer, tier=Tier.REMOTE))
    thread = threading.Thread(target=build_circles, args=(store, settings, project, CirclesParams(), models))
    thread.start()
    try:
        assert held.wait(10)
        with pytest.raises(UsageError, match="being found already"):
            build_circles(store, settings, project, CirclesParams())
    finally:
        said.set()
        thread.join()
    build_circles(store, settings, project, CirclesParams())


def client(store: SqlStore, settings: Any, adapter: Scripted) -> Client:
    return Client(settings, store.calls, Slot.of(adapter, Breaker(5, 30.0)), None)


def test_names_by_a_language_model_where_they_hold(project: Path, store: SqlStore) -> None:
    with open_project(project) as opened:
        settings = opened.settings

    def answer(prompt: Prompt) -> str:
        if prompt.name.startswith("circle_text"):
            tea = "绿茶" in prompt.user
            if prompt.name.endswith("zh"):
                return json.dumps({"description": "常喝茶的人。" if tea else "人都在追《三体》。"})
            return json.dumps({"description": "People who share 茶." if tea else "Readers of Fiction and Dostoevsky."})
        return json.dumps({"name": "茶" if "绿茶" in prompt.user else "Fiction"})

    models = client(store, settings.llm, Scripted(answer, tier=Tier.REMOTE))
    params = CirclesParams(resolution=1.0, alike=0.0, friends=0.0)
    done = build_circles(store, settings, project, params, models)
    assert done.tier is Tier.REMOTE
    tea, books = (
        next(one for one in circles(store) if one.body["items"][0]["item_id"] in shelf) for shelf in (TEAS, BOOKS)
    )
    assert tea.body["description"] == {"en": "People who share 茶.", "zh": "常喝茶的人。"}
    assert tea.body["tier"] == "remote"
    assert books.body["description"]["zh"].startswith(f"{books.body['size']} 人，比别人更常选")
    assert "was refused" in books.body["fallback"]
    late = client(
        store, settings.llm, Scripted(lambda prompt: LlmTimeout("too late"), tier=Tier.REMOTE, model_id="b/1")
    )
    with store.writing() as writer:
        writer.put_links(links(*[(f"y{one}", f"y{other}") for one in range(5) for other in range(one)]))
    after = build_circles(store, settings, project, CirclesParams(resolution=1.0, together=0.0, alike=0.0), late)
    assert after.circles


def test_people_known_by_their_links_alone(project: Path, store: SqlStore) -> None:
    with open_project(project) as opened:
        settings = opened.settings
    with Engine.open(project) as engine:
        engine.recommend(NEW, 3, surface="circle")
    build_circles(store, settings, project, CirclesParams(resolution=1.0))
    with Engine.open(project) as engine:
        told = engine.recommend(NEW, 3, surface="circle", trace=True)
        assert {one.item_id for one in told.items} <= set(BOOKS)
        assert "people near them" in told.fallback["reason"] if told.fallback else False
        assert told.items[0].sources[0] == "friends"
        assert told.items[0].reasons[0].words("zh").startswith("您关注的人或好友中有 ")
        many = engine.recommend_many([_request(NEW), _request(None)])
        assert [one.item_id for one in many[0].items] == [one.item_id for one in told.items]  # type: ignore[union-attr]
        assert many[0].items[0].reasons == told.items[0].reasons  # type: ignore[union-attr]
        # Somebody whose only friend came just now, too.
        with store.writing() as writer:
            writer.put_links(links(("just now", "tea-3")))
        assert {one.item_id for one in engine.recommend("just now", 4, surface="circle").items} <= set(TEAS)
        # And somebody whose only friend took nothing: what that one's friends took is no popular item.
        with store.writing() as writer:
            writer.put_links(links(("far", "mate"), ("mate", "tea-3")))
        far = engine.recommend("far", 3, surface="circle")
        assert [one.sources[0] for one in far.items] == ["onward"] * 3
        assert far.fallback is not None
        assert "people near them" in far.fallback["reason"]
        alone = engine.recommend(LONELY, 3, surface="circle")
        assert [one.item_id for one in alone.items] == [one.item_id for one in engine.recommend(LONELY, 3).items]


def _request(user: str | None) -> Any:
    from zhiyin.listing import ListRequest

    return ListRequest(user, 3, surface="circle")


def test_the_service(project: Path) -> None:
    from zhiyin.serve.app import make_app

    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as asked:
        assert app.state.tenants.default.live.settle(
            app.state.tenants.default.store.bundles().filter(pl.col("active"))["name"][0], 20
        )
        assert asked.get("/v1/circles").json() == {"run": None, "circles": []}
        made = asked.post("/v1/circles/build").json()
        told = asked.get("/v1/circles").json()
        assert [one["id"] for one in told["circles"]]
        assert set(made["circles"]) == {one["id"] for one in told["circles"]}
        own = asked.get("/v1/circles/of", params={"user_id": NEW}).json()
        assert own["circles"][0]["circle"]["id"] in made["circles"]
        members = asked.get("/v1/circles/members", params={"circle_id": own["circles"][0]["circle"]["id"], "limit": 5})
        assert len(members.json()["members"]) == 5
        assert asked.get("/v1/circles/members", params={"circle_id": "c/99"}).status_code == 404
        picture = asked.get("/v1/circles/picture", params={"language": "zh"})
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert picture.text.startswith("<?xml")
        feed = asked.post("/v1/recommend", json={"user_id": NEW, "surface": "feed", "k": 4}).json()
        first = feed["items"][0]
        assert first["sources"][0] == "friends"
        away = {"user_id": NEW, "item_id": first["item_id"], "type": "hide"}
        assert asked.post("/v1/events", json=away).status_code == 200
        after = asked.post("/v1/recommend", json={"user_id": NEW, "surface": "feed", "k": 10}).json()
        assert first["item_id"] not in {one["item_id"] for one in after["items"]}, "at once"
        assert NEVER_TAKEN not in {one["item_id"] for one in after["items"][:3]}


def test_a_feed_as_entries(project: Path, store: SqlStore) -> None:
    from zhiyin.scenarios.community.feed import feed

    rows = [
        ("q/1", "问题一", None, None, '{"author": "ann"}', None, False),
        ("q/1 a", "回答甲", None, None, '{"author": "书-1", "reply_to": "q/1"}', None, False),
        ("q/1 b", "回答乙", None, None, '{"author": "bo", "reply_to": "q/1 a"}', None, False),
    ]
    with store.writing() as writer:
        writer.set_items(rows)
        writer.add_events([(None, "书-2", "q/1 b", "view", None, None)])
    with Engine.open(project) as engine:
        told = feed(engine, NEW, 10)
        ids = [one.item.item_id for one in told.entries]
        assert len(set(ids) & {"q/1", "q/1 a", "q/1 b"}) == 1, "one entry a conversation"
        entry = next(one for one in told.entries if one.item.item_id == "q/1")
        assert entry.reply in ("q/1 a", "q/1 b")
        assert any(reason.words("zh").startswith("最佳回复：回答") for reason in entry.item.reasons)
        assert 0 < told.network <= 1
        assert all(one.item.sources for one in told.entries)
        with store.writing() as writer:
            writer.add_events([(None, NEW, "书-1", "mute", None, None), (None, NEW, "q/1", "mute", None, None)])
        after = {one.item.item_id for one in feed(engine, NEW, 30).entries}
        assert not after & {"q/1", "q/1 a"}, "muted as people, or by what they made"
        with store.writing() as writer:
            writer.add_events([(None, NEW, "q/1 b", "report", None, None)])
        assert "q/1 b" not in {one.item.item_id for one in feed(engine, NEW, 30).entries}


def test_names_by_likelihood(project: Path, store: SqlStore) -> None:
    """A small model chooses among names that hold, and writes nothing."""
    with open_project(project) as opened:
        settings = opened.settings

    def score(asked: Options) -> list[float]:
        return [-1.0 if option.strip() in ("Books", "绿茶") else -9.0 for option in asked.options]

    def even(asked: Options) -> list[float]:
        return score(asked) if "Novel" in asked.prefix or "绿茶" in asked.prefix else [-5.0] * len(asked.options)

    models = client(store, settings.llm, Scripted(None, even))
    done = build_circles(store, settings, project, CirclesParams(resolution=1.0, alike=0.0, friends=0.0), models)
    assert done.tier is Tier.EMBEDDED
    found = {one.body["items"][0]["item_id"] in TEAS: one.body for one in circles(store)}
    assert found[True]["name"] == {"en": "绿茶", "zh": "绿茶"}
    assert found[False]["name"] == {"en": "Books", "zh": "Books"}
    assert found[True]["description"]["zh"].startswith(f"{found[True]['size']} 人，比别人更常选")
