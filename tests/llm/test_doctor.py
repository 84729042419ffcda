"""``zhiyin doctor``: which tier does each job and why, and an exit code that tells whether all works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from zhiyin.cli.doctor import doctor
from zhiyin.testing.llm import Reply, chat, http_server
from zhiyin.types import Job

runner = CliRunner()
ALL = json.dumps([str(job) for job in Job])


def project(folder: Path, llm: str = "", more: str = "") -> Path:
    where = folder / "项 目"
    where.mkdir()
    (where / "zhiyin.toml").write_text(f'[encoder]\nmodel = "none"\n{more}[llm]\n{llm}\n', encoding="utf-8")
    return where


def run(where: Path, *more: str) -> tuple[int, dict[str, Any]]:
    app = typer.Typer()
    app.command()(doctor)
    text = runner.invoke(app, ["--project", str(where), *more])
    lines = text.output.splitlines()
    assert lines
    made = runner.invoke(app, ["--project", str(where), "--format", "json", *more])
    assert made.exit_code == text.exit_code, made.output
    answer = json.loads(made.output)
    names = [check["name"] for check in answer["checks"]]
    assert len(lines) == len(names) + len(answer["jobs"]), "one line each"
    assert answer["ok"] is (made.exit_code == 0)
    return made.exit_code, answer | {"by_name": {check["name"]: check for check in answer["checks"]}}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-abc")


def remote(url: str, **more: str) -> str:
    keys = {"provider": '"openai"', "model": '"m 模"', "key_variable": '"TEST_KEY"', "retries": "0", "jobs": ALL}
    return "\n".join(f"{name} = {value}" for name, value in ({**keys, "base_url": json.dumps(url)} | more).items())


def test_without_a_model_all_is_well(tmp_path: Path) -> None:
    code, answer = run(project(tmp_path))
    assert code == 0
    assert {job["tier"] for job in answer["jobs"].values()} == {"none"}
    assert answer["by_name"]["model"]["state"] == "off"
    assert answer["by_name"]["bundle"] == {
        "name": "bundle",
        "state": "later",
        "says": "none trained yet",
        "fix": "zhiyin train",
    }
    assert answer["by_name"]["store"]["state"] == "ok"


def test_a_trained_project(trained: Path) -> None:
    code, answer = run(trained)
    assert code == 0
    assert "is served" in answer["by_name"]["bundle"]["says"]


def test_a_server_that_answers(tmp_path: Path) -> None:
    with http_server(lambda path, body: chat("OK")) as server:
        where = project(tmp_path, remote(server.url, jobs='["items"]') + "\n[llm.budget]\ntokens_a_day = 1000")
        code, answer = run(where)
        assert code == 0
        assert server.asked == 2, "each run asks"
        assert run(where, "--no-probe")[1]["by_name"]["model"]["state"] == "later"
        assert server.asked == 2
    assert answer["jobs"]["items"] == {"tier": "remote", "why": "m 模"}
    assert answer["jobs"]["rerank"] == {"tier": "none", "why": "not named in [llm] jobs"}
    assert "answers in" in answer["by_name"]["model"]["says"]
    assert answer["by_name"]["key"]["says"] == "TEST_KEY holds a key"
    assert answer["by_name"]["budget tokens_a_day"]["says"] == "0 of 1,000 tokens"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"{}", status=401), "TEST_KEY"),
        (Reply(b"{}", status=404), "base_url"),
        (Reply(b"{}", status=500), "HTTP 500"),
        (Reply(b"what"), "no chat completion"),
        (Reply(drop=True), "start the server"),
    ],
)
def test_a_server_that_does_not(reply: Reply, says: str, tmp_path: Path) -> None:
    with http_server(lambda path, body: reply) as server:
        code, answer = run(project(tmp_path, remote(server.url)))
    check = answer["by_name"]["model"]
    assert code == 1
    assert check["state"] == "fail"
    assert says in f"{check['says']} {check['fix']}"
    assert "sk-abc" not in json.dumps(answer)


def test_a_key_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    code, answer = run(project(tmp_path, f'provider = "openai"\nkey_variable = "TEST_KEY"\njobs = {ALL}'))
    assert code == 1
    assert answer["by_name"]["model"]["fix"] == "set TEST_KEY"
    assert {job["tier"] for job in answer["jobs"].values()} == {"none"}
    assert "no key" in answer["jobs"]["items"]["why"]


def test_packages_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.llm.opening.PACKAGES", ("torch", "no_such_package"))
    code, answer = run(project(tmp_path, 'provider = "embedded"'))
    assert code == 1
    assert "no_such_package" in answer["by_name"]["model"]["says"]
    assert "make install-llm" in answer["by_name"]["model"]["fix"]


def test_files_that_are_fetched_on_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "assets"))
    code, answer = run(project(tmp_path, 'provider = "embedded"\nmodel = "smollm2-135m-instruct"'))
    assert code == 0
    assert answer["by_name"]["files"]["state"] == "later"
    assert answer["by_name"]["files"]["fix"] == "zhiyin assets get smollm2-135m-instruct"
    assert answer["by_name"]["model"]["state"] == "later"
    assert answer["jobs"]["items"]["tier"] == "embedded"
    assert not (tmp_path / "assets").exists(), "nothing is fetched"


def test_a_licence_that_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "assets"))
    code, answer = run(project(tmp_path, 'provider = "embedded"\nmodel = "gemma-3-270m"'))
    assert code == 1
    assert "licence" in answer["by_name"]["model"]["says"]


def test_a_budget_that_is_spent_and_a_database_that_is_none(tmp_path: Path) -> None:
    with http_server(lambda path, body: chat("OK")) as server:
        where = project(tmp_path, remote(server.url) + "\n[llm.budget.tokens_a_job]\nitems = 0")
        code, answer = run(where)
    assert code == 1
    assert answer["by_name"]["budget tokens_a_job.items"]["state"] == "fail"
    (where / "zhiyin.db").write_bytes(b"not a database at all, but long enough to be read as a header........." * 20)
    code, answer = run(where)
    assert code == 1
    assert [check["name"] for check in answer["checks"]] == ["store"]
