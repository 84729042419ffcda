"""``/v1/moderation``: a hidden item leaves every list at once, and comes back at a person's word."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient
from v1_help import make_key, with_key

from zhiyin.testing.project import TEAS

BAD = "信不信我砍死你全家"


def shown(client: TestClient) -> list[str]:
    answer = client.get("/v1/recommend", params={"user_id": "nobody yet", "k": 50})
    return [one["item_id"] for one in answer.json()["items"]]


def test_all_items_are_come_to_a_page_at_a_time(client: TestClient) -> None:
    client.patch("/v1/items", params={"item_id": TEAS[0]}, json={"title": BAD})
    everything = client.get("/v1/items", params={"limit": 1000}).json()["items"]
    looked, hidden, after = 0, list[str](), None
    for _ in range(1000):
        page = client.post("/v1/moderation/review", json={"after": after, "most": 7}).json()
        looked, hidden, after = looked + page["looked"], hidden + page["changed"], page["following"]
        if after is None:
            break
        assert page["looked"] == 7
    assert (looked, hidden) == (len(everything), [TEAS[0]])
    whole = client.post("/v1/moderation/review", json={}).json()
    assert (whole["stood"], whole["following"]) == (len(everything), None)
    both = client.post("/v1/moderation/review", json={"item_ids": [TEAS[0]], "after": TEAS[0]})
    assert both.status_code == 422, "one of the two would count for nothing"


def test_a_hidden_item_leaves_lists_at_once_and_comes_back(client: TestClient) -> None:
    assert TEAS[0] in shown(client)
    client.patch("/v1/items", params={"item_id": TEAS[0]}, json={"title": BAD})
    told = client.post("/v1/moderation/review", json={"item_ids": [TEAS[0], TEAS[1]]}).json()
    assert told["actions"] == {"hide": 1, "allow": 1}
    assert told["changed"] == [TEAS[0]]
    assert TEAS[0] not in shown(client)
    assert TEAS[0] not in [
        one["item_id"] for one in client.get("/v1/similar", params={"item_id": TEAS[1], "k": 50}).json()["items"]
    ]
    (kept,) = client.get("/v1/moderation", params={"action": "hide"}).json()["decisions"]
    assert (kept["item_id"], kept["by"], kept["decision"]["category"]) == (TEAS[0], "policies", "violence")
    appeal = {"item_id": TEAS[0], "user_id": "人/1", "said": "这是台词"}
    assert client.post("/v1/moderation/appeals", json=appeal).json()["state"] == "open"
    assert client.get("/v1/moderation/appeals", params={"state": "open"}).json()["appeals"][0]["said"] == "这是台词"
    client.post("/v1/moderation/appeals", json=appeal | {"user_id": "人/2"})
    page = client.get("/v1/moderation/appeals", params={"limit": 1}).json()
    assert [one["user_id"] for one in page["appeals"]] == ["人/1"]
    page = client.get("/v1/moderation/appeals", params={"limit": 1, "cursor": page["cursor"]}).json()
    assert [one["user_id"] for one in page["appeals"]] == ["人/2"]
    page = client.get("/v1/moderation/appeals", params={"limit": 1, "cursor": page["cursor"]}).json()
    assert page == {"appeals": [], "cursor": None}
    answer = {"item_id": TEAS[0], "user_id": "人/1", "granted": True}
    assert client.post("/v1/moderation/appeals/answer", json=answer).json()["state"] == "granted"
    assert TEAS[0] in shown(client)
    trail = client.get("/v1/moderation", params={"item_id": TEAS[0]}).json()["decisions"]
    assert [(one["version"], one["action"], one["by"]) for one in trail] == [
        (2, "allow", "person"), (1, "hide", "policies"),
    ]  # fmt: skip
    assert client.post("/v1/moderation/appeals/answer", json=answer).status_code == 404


def test_texts_and_a_policy_that_is_written_meanwhile(client: TestClient, project: Path) -> None:
    def check(text: str) -> dict[str, object]:
        found: dict[str, object] = client.post("/v1/moderation/check", json={"texts": [text]}).json()["decisions"][0]
        return found

    assert check("今天天气真好")["action"] == "allow"
    assert check("乌龙王来了")["action"] == "allow"
    folder = project / "policies" / "moderation"
    folder.mkdir(parents=True)
    (folder / "house.toml").write_text(
        'category = "house"\nname = {zh = "x", en = "x"}\nabout = {zh = "x", en = "x"}\nseverity = 1\n'
        '[actions]\nhide = 0.5\n[[rules]]\nid = "r"\nterms = ["乌龙王"]\n',
        encoding="utf-8",
    )
    told = check("乌 龙 王来了")
    assert (told["action"], told["rule"]) == ("hide", "house/r")
    assert "house" in [one["category"] for one in client.get("/v1/moderation/policies").json()["policies"]]


def test_who_may_do_what(client: TestClient, app: FastAPI) -> None:
    key = make_key(app.state.tenants, scopes=("read",))
    app.state.gate._keys_until = 0.0
    reading = with_key(key)
    assert client.post("/v1/moderation/check", json={"texts": ["好"]}, headers=reading).status_code == 200
    # Work without end is nobody's to ask for.
    assert client.post("/v1/moderation/check", json={"texts": ["好" * 20_000] * 51}, headers=reading).status_code == 422
    override = {"item_id": TEAS[0], "action": "hide"}
    assert client.put("/v1/moderation/override", json=override, headers=reading).status_code == 403
    assert client.post("/v1/moderation/review", json={}, headers=reading).status_code == 403
    admin = with_key(make_key(app.state.tenants))
    made = client.put("/v1/moderation/override", json=override, headers=admin).json()
    assert f"_{made['who']}_" in admin["X-API-Key"]
    log = client.get("/v1/audit", headers=admin).json()["entries"]
    assert log[0]["action"] == "moderation.override"
