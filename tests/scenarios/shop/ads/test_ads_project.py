"""Campaigns of a trained project: files, targeting, lists, clicks, reports, by Python, command and service."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from zhiyin.cli import app as commands
from zhiyin.errors import ConfigError, UsageError
from zhiyin.recommend import Engine
from zhiyin.scenarios.shop.ads.campaign import DAY
from zhiyin.scenarios.shop.ads.desk import Placed
from zhiyin.scenarios.shop.ads.keeping import campaigns_of, put, remove, set_state
from zhiyin.scenarios.shop.ads.mixing import recommended
from zhiyin.scenarios.shop.ads.placing import AdServer
from zhiyin.scenarios.shop.ads.reporting import report
from zhiyin.serve.app import make_app
from zhiyin.serve.logs import set_up
from zhiyin.store.appending import EventRow
from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS

TODAY = datetime.now(UTC).date()
NOW = time.time_ns() // 1000
POLICY = "positions = [2, 5]\ngap = 2\nshortest = 3\nreserve = 5\nspare = 0\n[surface.cart]\nat_most = 0\n"
TEA, BOOK = TEAS[0], BOOKS[0]


def file_of(**more: Any) -> str:
    told: dict[str, Any] = {"bid": 2.0, "charge": "click", "pace": "fast"} | more
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
    dates = [f"starts = {TODAY - timedelta(2)}", f"ends = {TODAY + timedelta(2)}"]
    return "\n".join([*lines, *dates, "[budget]", "total = 100", "[[creative]]", 'id = "a"', 'title = "广告"', ""])


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(trained, tmp_path / "店 one"))
    (copy / "campaigns").mkdir()
    (copy / "ads.toml").write_text(POLICY, encoding="utf-8")
    return copy


@pytest.fixture
def engine(project: Path) -> Iterator[Engine]:
    with Engine.open(project) as engine:
        yield engine


def add(project: Path, name: str, text: str) -> None:
    (project / "campaigns" / f"{name}.toml").write_text(text, encoding="utf-8")


def told(**more: Any) -> dict[str, Any]:
    base = {"bid": 2.0, "pace": "fast", "budget": {"daily": 50}, "starts": str(TODAY), "ends": str(TODAY)}
    return {**base, "creative": [{"id": "a", "item": TEA}], **more}


def who_won(
    engine: Engine, server: AdServer, user: str, surface: str = "default", page: tuple[str, ...] = ()
) -> set[str]:
    organic = ["x1", "x2", "x3", "x4", "x5"]
    placed, at = server.place(engine, user, surface, organic, page=page)
    assert at == [2, 5][: len(placed)]
    return {one.show.campaign for one in placed}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("bid = 2.0", "bidd = 2.0"), "line 1: unknown key 'bidd'"),
        (("total = 100", "total = -1"), "line 7: 'budget.total'"),
        (('id = "a"\n', ""), "'creative.0.id': Field required"),
        (("ends", "end"), "unknown key"),
        (('"click"', '"views"'), "line 2: 'charge'"),
        (("bid = 2.0", "bid = "), "not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_says_where(project: Path, engine: Engine, change: tuple[str, str], said: str) -> None:
    add(project, "春茶", file_of())
    assert [one.name for one in campaigns_of(engine.store, project)] == ["春茶"]
    add(project, "bad", file_of().replace(*change))
    with pytest.raises(ConfigError) as caught:
        campaigns_of(engine.store, project)
    assert said in caught.value.line or said in caught.value.what
    assert "campaigns/bad.toml" in caught.value.line
    wrong: list[Any] = []
    assert [one.name for one in campaigns_of(engine.store, project, wrong)] == ["春茶"], "the others go on"
    assert len(wrong) == 1


def test_campaigns_of_files_and_of_the_store(project: Path, engine: Engine) -> None:
    store = engine.store
    add(project, "file", file_of())
    put(store, project, "a/b", told())
    put(store, project, "a/b", told(bid=3.0))
    assert [(one.name, one.source, one.campaign.bid) for one in campaigns_of(store, project)] == [
        ("a/b", "store", 3.0),
        ("file", "file", 2.0),
    ]
    with pytest.raises(UsageError, match="is a file"):
        put(store, project, "file", told())
    with pytest.raises(UsageError, match="is a file"):
        remove(store, project, "file")
    for name in ("file", "a/b"):
        assert set_state(store, project, name, "paused").state == "paused"
    put(store, project, "a/b", told(bid=4.0))
    assert {one.state for one in campaigns_of(store, project)} == {"paused"}, "another version is paused, too"
    assert who_won(engine, AdServer(store, project), "u") == set()
    set_state(store, project, "file", "running")
    assert who_won(engine, AdServer(store, project), "u") == {"file"}
    remove(store, project, "a/b")
    with pytest.raises(UsageError, match="no campaign"):
        remove(store, project, "a/b")


def test_whom_a_campaign_is_meant_for(project: Path, engine: Engine) -> None:
    """One campaign of each kind, and who is shown it."""
    store = engine.store
    with store.writing() as writer:
        writer.set_users([("rich", json.dumps({"city": "杭州", "age": 40})), ("tea-1", "{}"), ("书-1", "{}")])
    server = AdServer(store, project, seed=1)

    def seen(target: dict[str, Any], user: str, **more: Any) -> bool:
        put(store, project, "c", told(target=target, creative=[{"id": "a", "title": "x"}]))
        server.forget()
        return "c" in who_won(engine, server, user, **more)

    assert seen({}, "nobody")
    assert seen({"categories": ["茶"]}, "tea-1")
    assert not seen({"categories": ["茶"]}, "书-1")
    assert seen({"categories": ["茶"]}, "书-1", page=("茶",)), "the page is of it"
    assert seen({"segment": {"city": ["杭州", "北京"], "age_above": 30}}, "rich")
    assert not seen({"segment": {"city": "杭州", "age_below": 30}}, "rich")
    assert not seen({"segment": {"age_above": 0}}, "tea-1"), "nothing is known of their age"
    assert seen({"segment": {"city_not": "杭州"}}, "tea-1")
    assert seen({"surfaces": ["home"]}, "tea-1", surface="home")
    assert not seen({"surfaces": ["home"]}, "tea-1")
    assert not seen({}, "tea-1", surface="cart"), "the policy wants none there"
    profile = engine.profile("tea-1")
    mine = max(profile.interests, key=lambda one: one.long_term)
    for wanted in (mine.id, mine.name):
        assert seen({"interests": [wanted], "interest_at_least": 1.05}, "tea-1")
        assert not seen({"interests": [wanted], "interest_at_least": 1.05}, "书-1")
        assert not seen({"interests": [wanted], "interest_at_least": 1.05}, "nobody")
    assert not seen({"interests": ["no such interest"]}, "tea-1")


def test_what_is_hidden_or_ruled_out_is_not_advertised(project: Path, engine: Engine) -> None:
    store = engine.store
    put(store, project, "c", told())
    server = AdServer(store, project)
    assert who_won(engine, server, "u") == {"c"}
    placed, _ = server.place(engine, "u", "default", [TEA, "b", "c", "d"])
    assert placed == [], "it stands in the list already"
    engine.edit_profile("u", "不要绿茶")
    assert who_won(engine, server, "u") == set(), "the person said so"
    assert who_won(engine, server, "v") == {"c"}
    with store.writing() as writer:
        writer.set_hidden([TEA], True)
    engine.look_again()
    assert who_won(engine, server, "v") == set()


def test_of_several_creatives_only_those_that_may(project: Path, engine: Engine) -> None:
    creatives = [{"id": "gone", "item": "no such item"}, {"id": "a", "item": TEA}, {"id": "b", "item": BOOK}]
    for explore in ("thompson", "linucb", "none"):
        (project / "ads.toml").write_text(f'explore = "{explore}"\n{POLICY}', encoding="utf-8")
        put(engine.store, project, "c", told(creative=creatives))
        server = AdServer(engine.store, project, seed=2)
        shows = [server.place(engine, f"u{one}", "default", [BOOK, "1", "2", "3"])[0] for one in range(5)]
        assert {one.show.creative for placed in shows for one in placed} == {"a"}
        assert all(one.show.propensity == 1.0 for placed in shows for one in placed), "nothing was left to chance"
        shows = [server.place(engine, f"v{one}", "default", ["1", "2", "3"])[0] for one in range(12)]
        drawn = [one.show for placed in shows for one in placed]
        assert {one.creative for one in drawn} <= {"a", "b"}
        if explore != "none":
            assert {one.creative for one in drawn} == {"a", "b"}
            assert all(0 < one.propensity < 1 for one in drawn)


def test_a_click_is_likelier_where_interests_meet(project: Path, engine: Engine) -> None:
    put(engine.store, project, "tea", told())
    put(engine.store, project, "book", told(creative=[{"id": "a", "item": BOOK}], bid=1.9))
    server = AdServer(engine.store, project)

    def chances(user: str) -> dict[str, float]:
        placed, _ = server.place(engine, user, "default", ["1", "2", "3", "4", "5"])
        return {one.show.campaign: one.show.probability for one in placed}

    tea, book = chances("tea-2"), chances("书-2")
    assert tea["tea"] > 1.2 * book["tea"]
    assert book["book"] > 1.2 * tea["book"]
    cold = chances("nobody")
    assert cold["tea"] == cold["book"] == pytest.approx(0.01), "the rate that is expected of all"
    rows = engine.store.ads.frame()
    assert all(json.loads(one) for one in rows.filter(rows["user_id"] == "tea-2")["told"])


def test_learning_moves_the_chances(project: Path, engine: Engine) -> None:
    """Who likes tea clicks on tea, others do not: the slopes rise above the guess, and another process knows it."""
    put(engine.store, project, "tea", told(bid=0.001, budget={"daily": 1000}))
    (project / "ads.toml").write_text(POLICY.replace("reserve = 5", "reserve = 0"), encoding="utf-8")
    server = AdServer(engine.store, project, seed=3)
    for number in range(24):
        for name in (f"tea-{number}", f"书-{number}"):
            for _ in range(2):
                placed, _ = server.place(engine, name, "default", ["1", "2", "3", "4", "5"])
                if placed and name.startswith("tea"):
                    with engine.store.ads.claiming() as ledger:
                        assert server.click(ledger, placed[0].show.show_id) is not None
    before = server.office().slopes
    learned = server.learn()
    assert learned.shows == 96
    assert learned.clicks == 48
    assert sum(learned.weights) > sum(before.weights)
    assert AdServer(engine.store, project).office().slopes == learned


def test_a_report_from_shows_to_lift(project: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    store = engine.store
    monkeypatch.setattr(store, "events", None)  # a report asks for what it needs, and never for all
    put(
        store, project, "c",
        told(holdout=0.5, goal=["buy"], charge="show", bid=100, cap=[{"shows": 1, "hours": 24}],
             starts=str(TODAY - timedelta(1)), ends=str(TODAY + timedelta(1))),
    )  # fmt: skip
    server = AdServer(store, project)
    shown: dict[str, list[Placed]] = {}
    for number in range(60):
        user = f"p{number}"
        shown[user] = server.place(engine, user, "default", ["1", "2", "3"])[0]
        assert server.place(engine, user, "default", ["1", "2", "3"])[0] == [], "the cap holds for those held out, too"
    treated = [user for user, placed in shown.items() if placed]
    assert 15 < len(treated) < 45
    held = [user for user in shown if user not in treated]
    later = time.time_ns() // 1000 + 1
    buyers = [*treated[:12], held[0]]
    with store.writing() as writer:
        writer.add_events([EventRow(None, user, TEA, "buy", None, later + 5) for user in buyers])
        writer.add_events([EventRow(None, user, TEA, "view", None, later + 5) for user in held])
        # Before it was shown, too long after, in the time to come, and of nobody who was reached.
        times = (later - DAY, later + 400 * DAY, None)
        writer.add_events([EventRow(None, held[1], TEA, "buy", None, at) for at in times])
        writer.add_events([EventRow(None, "somebody else", TEA, "buy", None, later + 5)])
    found = report(store, project, "c", later + DAY)
    assert found.whole.shows == len(treated) == found.people
    assert found.whole.spent == pytest.approx(0.005 * len(treated)), "the reserve: nobody else bids"
    assert found.lift is not None
    assert (found.lift.people, found.lift.reached) == (len(treated), 12)
    assert (found.lift.held_people, found.lift.held_reached) == (len(held), 1)
    assert found.lift.gain.low > 0
    assert found.lift.said.startswith("more people")
    assert found.planned is not None
    assert 100 <= found.planned <= 150, "two days of 50, and a part of the third"
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    erased = treated[0]
    store.erase(erased, b"key", 1)
    assert report(store, project, "c", later + DAY).whole == found.whole, "money is not given back"
    assert store.ads.frame().filter(store.ads.frame()["user_id"] == erased).is_empty()


def test_an_item_is_advertised_by_its_title(project: Path, engine: Engine) -> None:
    put(engine.store, project, "c", told())
    placed, _ = AdServer(engine.store, project).place(engine, "书-1", "default", [f"x{place}" for place in range(12)])
    assert [one.creative.title for one in placed] == [f"绿茶 {TEA}"]


def test_commands(project: Path) -> None:
    add(project, "春茶", file_of())
    run = CliRunner().invoke
    at = ["--project", str(project)]

    def said(*words: str, code: int = 0) -> str:
        done = run(commands, ["ads", *words, *at])
        assert done.exit_code == code, done.output
        return done.stdout

    assert "1 campaigns can be read" in said("check")
    add(project, "夏", file_of().replace('title = "广告"', 'item = "没有"\n[target]\ninterests = ["nothing"]'))
    assert said("check", code=1).splitlines()[1:] == [
        "campaign '夏': no item '没有'",
        "campaign '夏': no interest 'nothing'",
    ]
    (project / "campaigns" / "夏.toml").unlink()
    assert "春茶  running" in said("list")
    placed = json.loads(said("place", "tea-1", "-k", "5", "--format", "json"))
    assert placed["ads"] == 1
    assert [one["kind"] for one in placed["items"]] == ["item", "ad", "item", "item", "item", "item"]
    ad = placed["items"][1]
    assert (ad["label_zh"], ad["title"], ad["campaign"]) == ("广告", "广告", "春茶")
    assert "[Ad 广告] 广告" in said("place", "tea-1", "-k", "5")
    assert "charged" in said("click", ad["show_id"])
    assert "does not count" in said("click", ad["show_id"])
    text = said("report", "春茶")
    assert "2 shows, 1 clicks" in text
    assert json.loads(said("report", "春茶", "--format", "json"))["whole"]["clicks"] == 1
    assert "interest" in said("learn")
    assert "paused" in said("pause", "春茶")
    assert json.loads(said("place", "tea-1", "--format", "json"))["ads"] == 0
    assert said("place", "tea-1").splitlines()[-1] == "No advertisement: no campaign runs."
    assert "runs" in said("run", "春茶")
    assert run(commands, ["ads", "report", "none", *at]).exit_code != 0


def test_python(project: Path, engine: Engine) -> None:
    add(project, "春茶", file_of())
    mixed = recommended(engine, AdServer(engine.store, project), "tea-1", 6)
    assert mixed.ads == 1
    assert [one["rank"] for one in mixed.items] == list(range(1, 8))
    organic = [one["item_id"] for one in mixed.items if one["kind"] == "item"]
    assert organic == [one.item_id for one in engine.recommend("tea-1", 6).items]
    assert NEVER_TAKEN


def test_over_http(project: Path) -> None:
    set_up("error")
    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        live = app.state.tenants.default.live
        assert live.settle(app.state.tenants.default.store.bundles()["name"][0], 20)
        example = told(creative=[{"id": "a", "item": TEA, "link": "https://x/?a=1"}, {"id": "b", "title": "书"}])
        put_in = client.put("/v1/ads/campaigns", json={"name": "春 / 茶?", "campaign": example})
        assert put_in.status_code == 200, put_in.text
        assert put_in.json()["state"] == "running"
        wrong = client.put("/v1/ads/campaigns", json={"name": "x", "campaign": example | {"ends": "2020-01-01"}})
        assert (wrong.status_code, wrong.json()["detail"]) == (409, "it ends before it starts")
        assert wrong.headers["content-type"] == "application/problem+json"
        unknown = client.put("/v1/ads/campaigns", json={"name": "x", "campaign": example | {"bidd": 1}})
        assert unknown.status_code == 422
        listed = client.post("/v1/ads/lists", json={"user_id": "书-1", "k": 5}).json()
        assert listed["ads"] == 1
        assert listed["fallback"] is None
        assert listed["impression_id"]
        ad = listed["items"][1]
        assert ad["kind"] == "ad"
        own = client.post("/v1/ads/lists", json={"session_id": "s/1", "items": ["1", "2", "3"], "page": ["茶"]}).json()
        assert [one["kind"] for one in own["items"]] == ["item", "ad", "item", "item"]
        assert own["impression_id"] is None
        short = client.post("/v1/ads/lists", json={"user_id": "u", "items": ["1", "2"]}).json()
        assert short["ads"] == 0
        clicks = [client.post("/v1/ads/clicks", json={"show_id": ad["show_id"]}).json() for _ in range(3)]
        assert [one["counted"] for one in clicks] == [True, False, False]
        assert clicks[0]["charged"] > 0
        told_now = client.get("/v1/ads/report", params={"name": "春 / 茶?"}).json()
        assert (told_now["whole"]["shows"], told_now["whole"]["clicks"]) == (2, 1)
        assert client.post("/v1/ads/learn").json()["weights"].keys() == {"interest", "rank", "likely"}
        assert client.post("/v1/ads/campaigns/pause", json={"name": "春 / 茶?"}).json()["state"] == "paused"
        assert client.post("/v1/ads/lists", json={"user_id": "v", "k": 5}).json()["ads"] == 0
        assert client.post("/v1/ads/campaigns/run", json={"name": "春 / 茶?"}).json()["state"] == "running"
        assert client.get("/v1/ads/campaigns", params={"name": "none"}).status_code == 404
        person = client.get("/v1/person", params={"user_id": "书-1"}).json()
        assert [one["show_id"] for one in person["ads"]] == [ad["show_id"]]
        (project / "ads.toml").write_text("positions = [2]\nlabel_zh = 3\n", encoding="utf-8")
        app.state.tenants.default  # noqa: B018
        from zhiyin.serve.v1 import ads

        ads._server(app.state.tenants.default).forget()
        broken = client.post("/v1/ads/lists", json={"user_id": "v", "k": 5}).json()
        assert broken["ads"] == 0
        assert "label_zh" in broken["fallback"]["reason"], "the list comes all the same"
        assert len(broken["items"]) == 5
        assert client.delete("/v1/ads/campaigns", params={"name": "春 / 茶?"}).json()["campaigns"] == []
