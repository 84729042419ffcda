"""The same through the command line and over HTTP, from files to a title that was chosen by readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from zhiyin.serve.app import make_app
from zhiyin.testing.project import run

TEXT = (
    "今年的龙井比去年早采了五天。茶农说，三月的气温偏高，芽叶长得快。首批茶青每斤收购价为320元，比去年上涨一成。\n\n"
    "村里的炒茶师傅有四十多人，其中最年长的七十八岁。新茶将在周末上市。"
)


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    capsys.readouterr()
    assert run(*words) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_topics_by_command(site_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at: list[str | Path] = ["--project", site_folder]
    json_ = ["--format", "json", *at]
    assert run("topics", "list", *at) == 1
    assert "no topics were found yet Fix: run 'zhiyin topics find'" in capsys.readouterr().err
    found = told(capsys, "topics", "find", "--quiet", *json_)
    assert (len(found["topics"]), found["new"]) == (3, 3)
    every = told(capsys, "topics", "list", *json_)
    assert [one["rising"] for one in every["topics"]] == [True, False, False]
    some = told(capsys, "topics", "list", "--where", '{"city": "Berlin"}', "-k", "1", *json_)
    assert some["group"]["where"] == {"city": ["Berlin"]}
    assert len(some["topics"]) == 1
    key = every["topics"][0]["topic_id"]
    one = told(capsys, "topics", "show", key, "--questions", "2", *json_)["topics"][0]
    assert [len(one[name]) for name in ("questions", "examples")] == [2, 3]
    assert run("topics", "name", key, "春茶", *at) == 0
    capsys.readouterr()
    assert run("topics", "list", "--rising", "--at", "2023-12-27", *at) == 0
    assert "rising  春茶" in capsys.readouterr().out
    for wrong, said in ((["list", "--at", "soon"], "is no date"), (["show", "d-0"], "no topic 'd-0'")):
        assert run("topics", *wrong, *at) == 2
        assert said in capsys.readouterr().err


def test_writing_by_command(site_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at: list[str | Path] = ["--project", site_folder]
    json_ = ["--format", "json", *at]
    file = tmp_path / "稿 1.txt"
    file.write_text(TEXT, encoding="utf-8")
    made = told(capsys, "write", "draft", file, "--title", "龙井早采五天", "--where", '{"city": "杭州"}', *json_)
    assert (made["language"], made["tier"], made["title"]) == ("zh", "none", "龙井早采五天")
    assert made["summary"].startswith("今年的龙井比去年早采了五天。")
    key = made["draft_id"]
    edited = told(capsys, "write", "edit", key, "--summary", "早采五天。", "--tag", "龙井", *json_)
    assert (edited["version"], edited["summary"], [one["name"] for one in edited["tags"]]) == (
        2,
        "早采五天。",
        ["龙井"],
    )
    assert told(capsys, "write", "show", key, "--version", "1", *json_)["summary"] == made["summary"]
    assert [one["draft_id"] for one in told(capsys, "write", "list", *json_)] == [key]
    assert run("write", "publish", key, *at) == 0
    assert "version 2 is published" in capsys.readouterr().out
    trial = told(capsys, "write", "try", "tea/1 号", "--draft", key, *json_)
    assert list(trial["headlines"].values()) == [one["text"] for one in made["headlines"]]
    shown = told(capsys, "write", "headline", "tea/1 号", "读者/1?#%", *json_)
    assert shown["headline"] == trial["headlines"][shown["variant"]]
    assert told(capsys, "write", "report", "tea/1 号", *json_)["report"]["assigned"][shown["variant"]] == 1
    assert run("write", "report", "tea/1 号", *at) == 0
    assert "too early" in capsys.readouterr().out
    assert run("write", "settle", "tea/1 号", "--variant", "B", *at) == 0
    assert f"'tea/1 号' is called '{trial['headlines']['B']}'" in capsys.readouterr().out
    assert run("write", "delete", key, *at) == 0
    for wrong, said in (
        (["show", key], "no draft"),
        (["draft", tmp_path / "none.txt"], "cannot be read"),
        (["try", "tea/1 号"], "0 headlines"),
        (["draft", file, "--language", "fr"], "no language here"),
    ):
        assert run("write", *wrong, *at) == 2
        assert said in capsys.readouterr().err


def test_over_http(site_folder: Path) -> None:
    with TestClient(make_app(site_folder), client=("127.0.0.1", 1)) as client:
        assert client.get("/v1/topics").status_code == 409
        found = client.post("/v1/topics/find", json={}).json()
        assert len(found["topics"]) == 3
        told_ = client.get("/v1/topics").json()
        assert told_["topics"][0]["rising"] is True
        asked = {"where": {"city": "杭州"}, "questions": 2, "k": 1}
        one = client.post("/v1/topics", json=asked).json()["topics"][0]
        assert len(one["questions"]) == 2
        named = client.put("/v1/topics/name", json={"topic_id": one["topic_id"], "name": "春茶"}).json()
        assert named == {"topic_id": one["topic_id"], "name": "春茶", "named_by": "person"}
        for body, status in (
            ({"where": {"town": "x"}}, 409),
            ({"circle": "没有"}, 409),
            ({"topic_id": "d-0"}, 404),
            ({"where": {"a": 1}, "circle": "c"}, 422),
            ({"days": 0}, 422),
        ):
            answer = client.post("/v1/topics", json=body)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), body
        made = client.post("/v1/writing/drafts", json={"text": TEXT, "headlines": 3, "where": {"city": "杭州"}}).json()
        assert len(made["headlines"]) == 3
        edit = {"draft_id": made["draft_id"], "headlines": ["龙井早采五天", "龙井为什么早采了？"]}
        assert client.put("/v1/writing/drafts", json=edit).json()["version"] == 2
        page = client.get("/v1/writing/drafts", params={"draft_id": made["draft_id"]}).json()
        assert [one["version"] for one in page["drafts"]] == [2, 1]
        assert (
            client.post("/v1/writing/drafts/publish", json={"draft_id": made["draft_id"]}).json()["state"]
            == "published"
        )
        item = "tea/2 号"
        trial = client.put("/v1/writing/headlines", json={"item_id": item, "headlines": edit["headlines"]}).json()
        assert trial["state"] == "running"
        again = client.put("/v1/writing/headlines", json={"item_id": item, "headlines": edit["headlines"]})
        assert again.status_code == 409
        seen = client.post("/v1/writing/headlines", json={"user_id": "张伟", "item_ids": [item, "tea/3 号"]}).json()
        assert [bool(one["impression_id"]) for one in seen["headlines"]] == [True, False]
        report = client.get("/v1/writing/headlines", params={"item_id": item}).json()
        assert report["report"]["assigned"][seen["headlines"][0]["variant"]] == 1
        assert client.post("/v1/writing/headlines/settle", json={"item_id": item}).status_code == 409
        done = client.post("/v1/writing/headlines/settle", json={"item_id": item, "variant": "B"}).json()
        assert done["chosen"] == "B"
        assert client.get("/v1/items", params={"item_id": item}).json()["items"][0]["title"] == edit["headlines"][1]
        assert client.delete("/v1/writing/drafts", params={"draft_id": made["draft_id"]}).json() == {"versions": 2}
        audit = client.get("/v1/audit").json()
        assert {"topics.find", "writing.publish", "writing.try", "writing.settle"} <= {
            one["action"] for one in audit["entries"]
        }
