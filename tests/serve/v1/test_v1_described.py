"""The description of /v1: complete, and true of what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from v1_help import make_key

from zhiyin.serve.v1.fields import MOST
from zhiyin.testing.project import TEAS

METHODS = ("get", "put", "post", "patch", "delete")
DOCS = Path(__file__).parents[3] / "docs"
CAMPAIGN = {
    "bid": 1, "starts": "2026-01-01", "ends": "2099-12-31", "budget": {"daily": 5},
    "creative": [{"id": "a", "title": "茶"}],
}  # fmt: skip
EVERYWHERE = {"400", "401", "403", "422", "429", "503"}


@pytest.fixture(scope="module")
def told(trained: Path) -> dict[str, Any]:
    from zhiyin.serve.app import make_app

    app = make_app(trained)
    try:
        described: dict[str, Any] = app.openapi()
        return described
    finally:
        app.state.tenants.close()


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in told["paths"].items():
        if path.startswith("/v1"):
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]


def test_it_is_openapi_3_1_with_readable_names(told: dict[str, Any]) -> None:
    assert told["openapi"].startswith("3.1")
    names = [one["operationId"] for _, _, one in operations(told)]
    assert len(names) == len(set(names)) >= 30
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names), names
    assert not any("{" in path for _, path, _ in operations(told)), "ids travel in the query or the body"


def test_every_operation_is_described(told: dict[str, Any]) -> None:
    for method, path, one in operations(told):
        where = f"{method} {path}"
        assert one["tags"], where
        assert one["summary"], where
        assert len(one["description"]) > 15, where
        assert one["responses"].keys() >= EVERYWHERE, where
        for status, answer in one["responses"].items():
            assert answer["description"], f"{where} {status}"
            if status[0] in "45" and status != "414":
                (form,) = answer["content"].items()
                assert form == ("application/problem+json", {"schema": {"$ref": "#/components/schemas/Problem"}}), where
        for parameter in one.get("parameters", []):
            assert parameter.get("description"), f"{where}: {parameter['name']}"
        if "requestBody" in one:
            body = one["requestBody"]["content"]["application/json"]
            assert body["examples"], where
    for name, schema in told["components"]["schemas"].items():
        for key, kind in schema.get("properties", {}).items():
            assert kind, f"{name}.{key}"


def test_examples_fit_their_schemas(told: dict[str, Any]) -> None:
    found = 0
    for _, _, one in operations(told):
        for body in one.get("requestBody", {}).get("content", {}).values():
            schema = {**body["schema"], "components": told["components"]}
            for example in body["examples"].values():
                jsonschema_rs.Draft202012Validator(schema).validate(example["value"])
                found += 1
    assert found >= 20


def test_a_key_is_asked_for_where_one_is_configured(client: TestClient, app: FastAPI) -> None:
    open_to_all = client.get("/openapi.json").json()
    assert not any("security" in one for _, _, one in operations(open_to_all))
    make_key(app.state.tenants)
    app.state.gate._keys_until = 0.0
    locked = client.get("/openapi.json").json()
    assert all(one["security"] for _, _, one in operations(locked))


CALLS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/v1/", {}, 200),
    ("POST", "/v1/events", {"json": [{"user_id": "u", "item_id": TEAS[0]}]}, 200),
    ("POST", "/v1/impressions", {"json": {"user_id": "u", "items": [{"item_id": TEAS[0]}]}}, 200),
    ("POST", "/v1/impressions/confirm", {"json": {"impression_ids": ["x"]}}, 200),
    ("POST", "/v1/recommend", {"json": {"user_id": "u", "query": "tea"}}, 200),
    ("GET", "/v1/recommend", {"params": {"user_id": "u", "offset": 1}}, 200),
    ("GET", "/v1/similar", {"params": {"item_id": TEAS[0]}}, 200),
    ("GET", "/v1/similar", {"params": {"item_id": TEAS[0], "kind": "complementary", "with": [TEAS[1]]}}, 200),
    ("POST", "/v1/pages", {"json": {"item_id": TEAS[0], "language": "zh"}}, 200),
    ("GET", "/v1/pages", {"params": {"item_id": TEAS[0], "language": "zh"}}, 200),
    ("GET", "/v1/pages/list", {}, 200),
    ("GET", "/v1/pages/versions", {"params": {"item_id": TEAS[0], "language": "zh"}}, 200),
    ("POST", "/v1/pages/state", {"json": {"item_id": TEAS[0], "language": "zh", "state": "in_review"}}, 200),
    ("PATCH", "/v1/pages", {"json": {"item_id": TEAS[0], "language": "zh", "changes": {"bullets": ["茶"]}}}, 200),
    ("GET", "/v1/explain", {"params": {"user_id": "u", "item_id": TEAS[1]}}, 200),
    ("GET", "/v1/explain/stream", {"params": {"user_id": "u", "item_id": TEAS[1]}}, 200),
    ("GET", "/v1/profile", {"params": {"user_id": "u"}}, 200),
    ("POST", "/v1/profile/edits", {"json": {"user_id": "u", "said": "more books"}}, 200),
    ("DELETE", "/v1/profile/edits", {"params": {"user_id": "u", "edit": 1}}, 200),
    ("POST", "/v1/sessions/merge", {"json": {"session_id": "s", "user_id": "u"}}, 200),
    ("PUT", "/v1/items", {"json": {"item_id": "i"}}, 200),
    ("GET", "/v1/items", {}, 200),
    ("PATCH", "/v1/items", {"params": {"item_id": "i"}, "json": {"hidden": True}}, 200),
    ("DELETE", "/v1/items", {"params": {"item_id": "i"}}, 200),
    ("PUT", "/v1/users", {"json": {"user_id": "w"}}, 200),
    ("GET", "/v1/users", {}, 200),
    ("PATCH", "/v1/users", {"params": {"user_id": "w"}, "json": {"attributes": {"a": 1}}}, 200),
    ("DELETE", "/v1/users", {"params": {"user_id": "w"}}, 200),
    ("PUT", "/v1/links", {"json": {"user_id": "u", "other_id": "v"}}, 200),
    ("GET", "/v1/person", {"params": {"user_id": "u"}}, 200),
    ("DELETE", "/v1/person", {"params": {"user_id": "u"}}, 200),
    ("GET", "/v1/bundles", {}, 200),
    ("POST", "/v1/bundles/use", {"json": {"name": "none such"}}, 404),
    ("POST", "/v1/bundles/rollback", {}, 409),
    ("GET", "/v1/training", {}, 200),
    ("POST", "/v1/training/stop", {}, 409),
    ("POST", "/v1/training/start", {"json": {"search": False}}, 200),
    ("PUT", "/v1/experiments", {"json": {"name": "e", "experiment": {"variants": []}}}, 422),
    ("GET", "/v1/experiments", {}, 200),
    ("POST", "/v1/experiments/start", {"json": {"name": "e"}}, 404),
    ("POST", "/v1/experiments/stop", {"json": {"name": "e"}}, 404),
    ("GET", "/v1/experiments/report", {"params": {"name": "e"}}, 404),
    ("PUT", "/v1/ads/campaigns", {"json": {"name": "春茶", "campaign": CAMPAIGN}}, 200),
    ("GET", "/v1/ads/campaigns", {}, 200),
    ("POST", "/v1/ads/campaigns/pause", {"json": {"name": "春茶"}}, 200),
    ("POST", "/v1/ads/campaigns/run", {"json": {"name": "春茶"}}, 200),
    ("POST", "/v1/ads/lists", {"json": {"user_id": "u", "k": 8}}, 200),
    ("POST", "/v1/ads/clicks", {"json": {"show_id": "none such"}}, 200),
    ("GET", "/v1/ads/report", {"params": {"name": "春茶"}}, 200),
    ("POST", "/v1/ads/learn", {}, 200),
    ("DELETE", "/v1/ads/campaigns", {"params": {"name": "春茶"}}, 200),
    ("GET", "/v1/topics", {}, 409),
    ("POST", "/v1/topics/find", {"json": {"at": 1_602_500_000_000_000}}, 200),
    ("POST", "/v1/topics", {"json": {"questions": 2}}, 200),
    ("PUT", "/v1/topics/name", {"json": {"topic_id": "没有", "name": "x"}}, 404),
    ("POST", "/v1/writing/drafts", {"json": {"text": "龙井早采五天。茶农说，三月的气温偏高，芽叶长得快。"}}, 200),
    ("GET", "/v1/writing/drafts", {}, 200),
    ("PUT", "/v1/writing/drafts", {"json": {"draft_id": "none such", "summary": "x"}}, 404),
    ("POST", "/v1/writing/drafts/publish", {"json": {"draft_id": "none such"}}, 404),
    ("DELETE", "/v1/writing/drafts", {"params": {"draft_id": "none such"}}, 404),
    ("PUT", "/v1/writing/headlines", {"json": {"item_id": TEAS[1], "headlines": ["A", "为什么？"]}}, 200),
    ("POST", "/v1/writing/headlines", {"json": {"user_id": "u", "item_ids": [TEAS[1], "none such"]}}, 200),
    ("GET", "/v1/writing/headlines", {"params": {"item_id": TEAS[1]}}, 200),
    ("POST", "/v1/writing/headlines/settle", {"json": {"item_id": TEAS[1]}}, 409),
    ("POST", "/v1/writing/headlines/stop", {"json": {"item_id": TEAS[1]}}, 200),
    ("POST", "/v1/moderation/check", {"json": {"texts": ["早上好", "you are a fucking idiot"]}}, 200),
    ("POST", "/v1/moderation/review", {"json": {"item_ids": [TEAS[1]]}}, 200),
    ("GET", "/v1/moderation", {}, 200),
    ("PUT", "/v1/moderation/override", {"json": {"item_id": TEAS[1], "action": "limit", "days": 2}}, 200),
    ("POST", "/v1/moderation/appeals", {"json": {"item_id": TEAS[1], "user_id": "u", "said": "茶"}}, 200),
    ("GET", "/v1/moderation/appeals", {}, 200),
    ("POST", "/v1/moderation/appeals/answer", {"json": {"item_id": TEAS[1], "user_id": "u", "granted": True}}, 200),
    ("GET", "/v1/moderation/policies", {}, 200),
    ("POST", "/v1/circles/build", {}, 200),
    ("GET", "/v1/circles", {}, 200),
    ("GET", "/v1/circles/members", {"params": {"circle_id": "c1"}}, 200),
    ("GET", "/v1/circles/of", {"params": {"user_id": "tea-1"}}, 200),
    ("GET", "/v1/circles/picture", {"params": {"language": "zh"}}, 200),
    ("GET", "/v1/llm/usage", {}, 200),
    ("GET", "/v1/audit", {}, 200),
]


def test_every_operation_answers_as_described(client: TestClient, told: dict[str, Any]) -> None:
    """All of them are asked here, in one go; what comes back is of the documented form."""
    asked = {(method.lower(), path) for method, path, _, _ in CALLS}
    assert asked == {(method, path) for method, path, _ in operations(told)}
    for method, path, how, status in CALLS:
        answer = client.request(method, path, **how)
        assert answer.status_code == status, f"{method} {path}: {answer.text[:500]}"
        content = told["paths"][path][method.lower()]["responses"][str(status)]["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, f"{method} {path} gives {kind}"
        assert answer.headers["x-request-id"]
        if kind.endswith("json"):
            schema = {**content[kind]["schema"], "components": told["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate(answer.json())


def test_problems_are_utf_8_and_say_how_to_mend(client: TestClient) -> None:
    answer = client.patch("/v1/items", params={"item_id": "没有/这个"}, json={"hidden": True})
    assert answer.status_code == 404
    assert "没有/这个".encode() in answer.content
    assert json.loads(answer.content)["detail"] == "no item '没有/这个'"
    refused = client.post("/v1/profile/edits", json={"user_id": "张", "statement": "甲", "remove": True})
    assert "甲".encode() in refused.content
    many = client.put("/v1/items", json=[{"item_id": "x"}] * (MOST + 1))
    assert many.status_code == 422
    none = client.post("/v1/recommend", json={"user_id": "u", "where": {"category": "没有"}})
    assert "没有" in none.json()["fallback"]["reason"]
    wrong_ones: tuple[Any, ...] = (
        {},
        {"price_below": "3"},
        {"category": [""]},
        {"category": [True]},
        {"price_above": 1e400},
        [{}],
    )
    for where in wrong_ones:
        body = json.dumps({"user_id": "u", "where": where})
        assert client.post("/v1/recommend", content=body).status_code == 422, where
    wrong = client.request("OPTIONS", "/v1/items")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "DELETE, GET, PATCH, PUT")


def test_before_the_first_training(tmp_path: Path) -> None:
    """Lists are of what is popular; what needs a bundle says so, and nothing is a fault."""
    from zhiyin.serve.app import make_app
    from zhiyin.testing.project import run

    assert run("init", tmp_path / "p") == 0
    app = make_app(tmp_path / "p")
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        client.post("/v1/events", json=[{"user_id": f"u{n}", "item_id": f"i{n % 2}"} for n in range(5)])
        answer = client.post("/v1/recommend", json={"user_id": "new"}).json()
        assert [one["item_id"] for one in answer["items"]] == ["i0", "i1"]
        assert answer["fallback"]["reason"].startswith("nothing is trained yet")
        for path, params in (
            ("/v1/profile", {"user_id": "u"}),
            ("/v1/similar", {"item_id": "i0"}),
            ("/v1/explain", {"user_id": "u", "item_id": "i0"}),
        ):
            answer = client.get(path, params=params)
            assert answer.status_code == 409
            assert answer.json()["fix"] == "run 'zhiyin train'"
        assert client.get("/v1/bundles").json() == {"bundles": [], "answering": None}
