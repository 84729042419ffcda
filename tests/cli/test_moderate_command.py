"""``zhiyin moderate`` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zhiyin.testing.project import run

Told = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "社区"
    assert run("init", folder) == 0
    items = [("帖/1 #?", "信不信我砍死你全家"), ("b", "今天天气真好"), ("c", "you are a fucking idiot")]
    rows = [json.dumps({"item_id": key, "title": title}) for key, title in items]
    (tmp_path / "items.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert run("import", "--items", tmp_path / "items.jsonl", "--project", folder, "--quiet") == 0
    return folder


@pytest.fixture
def told(project: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    def ask(*words: str | Path, code: int = 0, output: str = "json") -> Any:
        capsys.readouterr()
        form = ["--format", "json"] if output == "json" else []
        assert run("moderate", *words, *form, "--project", project) == code
        said = capsys.readouterr()
        return json.loads(said.out) if output == "json" else said.out + said.err

    return ask


def test_texts_are_checked(told: Told, tmp_path: Path) -> None:
    bad, good = told("check", "你个傻\u200b逼", "早上好", "--quiet")
    assert (bad["action"], bad["category"], bad["rule"]) == ("limit", "insult", "insult/zh.abuse")
    assert bad["evidence"] == [{"start": 2, "end": 5, "text": "傻\u200b逼"}]
    assert (good["action"], good["category"], good["evidence"]) == ("allow", None, [])
    (tmp_path / "texts.csv").write_text("id,text\n甲,kill yourself\n", encoding="utf-8")
    (one,) = told("check", "--file", tmp_path / "texts.csv", "--quiet")
    assert (one["id"], one["category"]) == ("甲", "self-harm")
    assert "self-harm/en.urge" in told("check", "kill yourself", "--quiet", output="text")


def test_items_decisions_overrides_and_appeals(told: Told) -> None:
    found = told("items", "--quiet")
    assert found["actions"] == {"allow": 1, "hide": 1, "limit": 1}
    assert [one["item_id"] for one in told("decisions")] == ["c", "帖/1 #?"]
    assert [one["item_id"] for one in told("decisions", "--action", "hide")] == ["帖/1 #?"]
    told("override", "c", "allow", "--why", "台词", "--days", "3", output="text")
    assert [one["action"] for one in told("decisions", "c")] == ["allow", "limit"]
    told("appeal", "帖/1 #?", "人 1", "这是歌词", output="text")
    (appeal,) = told("appeals")
    assert (appeal["item_id"], appeal["user_id"], appeal["state"]) == ("帖/1 #?", "人 1", "open")
    assert "granted" in told("answer", "帖/1 #?", "人 1", "grant", "--why", "对", output="text")
    assert told("appeals") == []
    assert told("appeals", "--state", "all")[0]["answer"] == "对"
    assert told("decisions") == []
    assert told("items", "--again", "--quiet")["stood"] == 2


def test_policies_are_shown_and_tried(told: Told, project: Path) -> None:
    assert {one["category"] for one in told("policies")} >= {"insult", "hate", "spam"}
    assert told("policies", "--check", "--quiet") == []
    folder = project / "policies" / "moderation"
    folder.mkdir(parents=True)
    (folder / "house.toml").write_text(
        'category = "house"\nname = {zh = "x", en = "x"}\nabout = {zh = "x", en = "x"}\nseverity = 1\n'
        '[actions]\nlimit = 0.5\n[examples]\noffending = ["哈哈"]\n[[rules]]\nid = "r"\nterms = ["呵呵"]\n',
        encoding="utf-8",
    )
    (wrong,) = told("policies", "--check", "--quiet", code=1)
    assert (wrong["text"], wrong["wanted"], wrong["action"]) == ("哈哈", "found", "allow")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("check",), 2, "nothing to check"),
        (("override", "c", "delete"), 2, "no action 'delete'"),
        (("override", "none", "hide"), 1, "no item 'none'"),
        (("appeal", "b", "u", "why"), 1, "nothing was decided against"),
        (("appeals", "--state", "x"), 2, "no state 'x'"),
        (("answer", "b", "u", "maybe"), 2, "no answer"),
        (("items", "none", "--quiet"), 1, "no item 'none'"),
        (("train", "--data", "none.csv", "--quiet"), 1, "none.csv"),
        (("train", "--data", "none.csv", "--language", "fr"), 2, "no language 'fr'"),
    ],
)
def test_what_cannot_be_done_is_said(told: Told, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in told(*words, code=code, output="text")
