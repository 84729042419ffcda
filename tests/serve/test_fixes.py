"""What mends an error is told as a request over HTTP, and every command that an error names is known to be one."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from starlette.testclient import TestClient

import zhiyin
from zhiyin.cli import app as commands
from zhiyin.serve.app import make_app
from zhiyin.serve.fixes import REQUESTS, over_http

COMMAND = re.compile(r"zhiyin ([a-z]+)(?: ([a-z]+))?")


@pytest.mark.parametrize(
    ("fix", "told"),
    [
        ("run 'zhiyin topics find'", "send POST /v1/topics/find"),
        ("see 'zhiyin topics list'; it may have gone", "see GET /v1/topics; it may have gone"),
        ("settle them first: zhiyin write settle ITEM", "settle them first: POST /v1/writing/headlines/settle"),
        ("zhiyin experiments stop 'it's 茶; or\nnot'", "POST /v1/experiments/stop"),
        ("rename the file, or 'zhiyin ads remove it's'", "rename the file, or DELETE /v1/ads/campaigns"),
        ("run 'zhiyin train'", "run 'zhiyin train'"),
        ("see 'zhiyin itemsets'", "see 'zhiyin itemsets'"),
        ("give access there", "give access there"),
        (None, None),
    ],
)
def test_a_command_becomes_a_request(fix: str | None, told: str | None) -> None:
    assert over_http(fix) == told


def fixes() -> Iterator[str]:
    """Every ``fix`` in the source, with what is put in at run time left out."""
    for path in Path(zhiyin.__file__).parent.rglob("*.py"):
        if path.parts[-2] in ("cli", "testing"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "fix":
                parts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
                yield "".join(part for part in parts if isinstance(part, str))


def test_every_command_that_mends_is_there_and_known() -> None:
    group = typer.main.get_command(commands)
    named: set[str] = set()
    for one in fixes():
        for first, second in COMMAND.findall(one):
            inner = getattr(group, "commands", {})[first]
            named.add(f"{first} {second}" if second in getattr(inner, "commands", {}) else first)
    assert set(REQUESTS) <= named | {"bundles use"}, "a constant names that one"
    scenarios = {"ads", "circles", "experiments", "moderate", "pages", "topics", "write"}
    assert {one for one in named - set(REQUESTS) if one.split()[0] in scenarios} <= {"moderate train"}


@pytest.fixture
def client(trained: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Path(shutil.copytree(trained, tmp_path / "店"))), client=("127.0.0.1", 1)) as client:
        yield client


def test_every_request_is_there(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for request in REQUESTS.values():
        method, path = request.split()
        assert method.lower() in paths[path], request


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/v1/topics", None),
        ("GET", "/v1/circles/members?circle_id=圈/1", None),
        ("POST", "/v1/moderation/review", {"item_ids": ["没有"]}),
        ("PUT", "/v1/moderation/override", {"item_id": "没有", "action": "hide"}),
        ("PUT", "/v1/writing/drafts", {"draft_id": "没有", "title": "x"}),
        ("POST", "/v1/writing/headlines/stop", {"item_id": "没有"}),
        ("GET", "/v1/ads/report?name=没有", None),
    ],
)
def test_the_service_names_requests(client: TestClient, method: str, path: str, sent: object) -> None:
    answer = client.request(method, path, json=sent)
    assert answer.status_code in (404, 409), answer.text
    told = answer.json()["fix"]
    assert "zhiyin" not in told
    assert "/v1/" in told
