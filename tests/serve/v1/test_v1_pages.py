"""Product pages over HTTP: made, reviewed, published, refused; and what goes with an item."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from v1_help import make_key, with_key

from zhiyin.testing.project import BOOKS, TEAS

PAGE = {"item_id": TEAS[2], "language": "zh"}


def test_from_draft_to_published(client: TestClient) -> None:
    made = client.post("/v1/pages", json={**PAGE, "tone": "formal", "segment": ["茶"]}).json()
    assert (made["version"], made["state"], made["page"]["tier"]) == (1, "draft", "none")
    assert made["page"]["emphasis"] == ["茶"]
    shown = client.post("/v1/pages", json={**PAGE, "keep": False}).json()
    assert shown["version"] is None
    this = {**PAGE, "segment": ["茶"]}
    early = client.post("/v1/pages/state", json={**this, "state": "published"})
    assert (early.status_code, early.json()["fix"]) == (409, "it can become in_review, withdrawn")
    assert client.get("/v1/pages", params={**this, "state": "published"}).status_code == 404
    for state in ("in_review", "published"):
        assert client.post("/v1/pages/state", json={**this, "state": state, "by": "李"}).json()["state"] == state
    assert client.get("/v1/pages", params={**this, "state": "published"}).json()["version"] == 1
    edit = client.patch("/v1/pages", json={**this, "changes": {"bullets": ["类别：茶", "有机认证"]}}).json()
    assert (edit["version"], edit["page"]["bullets"]) == (2, ["类别：茶"])
    assert edit["page"]["removed"][0]["by"] == "person"
    told = client.get("/v1/pages/versions", params=this).json()
    assert [one["state"] for one in told["versions"]] == ["draft", "published"]
    assert [one["by"] for one in told["reviews"]] == ["李", "李"]
    assert [one["version"] for one in client.get("/v1/pages/list").json()["pages"]] == [2]
    assert client.post("/v1/pages", json={"item_id": "没有"}).status_code == 404
    assert client.post("/v1/pages", json={**PAGE, "user_id": "u", "segment": ["茶"]}).status_code == 409
    assert client.post("/v1/pages", json={**PAGE, "tone": "loud"}).status_code == 422


def test_a_page_for_one_person(client: TestClient) -> None:
    made = client.post("/v1/pages", json={"item_id": BOOKS[0], "user_id": "书-1"}).json()
    assert made["page"]["user_id"] == "书-1"
    held = client.get("/v1/person", params={"user_id": "书-1"}).json()
    assert "Novel" in str(held)
    client.delete("/v1/person", params={"user_id": "书-1"})
    assert client.get("/v1/pages", params={"item_id": BOOKS[0], "user_id": "书-1"}).status_code == 404


def test_who_may_only_read(client: TestClient, app: FastAPI) -> None:
    key = make_key(app.state.tenants, scopes=("read",))
    app.state.gate._keys_until = 0.0
    assert client.post("/v1/pages", json=PAGE, headers=with_key(key)).status_code == 403
    assert client.get("/v1/pages/list", headers=with_key(key)).status_code == 200


def test_who_may_write_may_publish(client: TestClient, app: FastAPI) -> None:
    """Of product pages as of drafts, and it is in the log who did."""
    writing = with_key(make_key(app.state.tenants, scopes=("write",)))
    app.state.gate._keys_until = 0.0
    assert client.post("/v1/pages", json=PAGE, headers=writing).status_code == 200
    for state in ("in_review", "published"):
        move = {**PAGE, "state": state}
        assert client.post("/v1/pages/state", json=move, headers=writing).json()["state"] == state
    draft = client.post(
        "/v1/writing/drafts", json={"text": "龙井早采五天。茶农说，三月的气温偏高。今年茶青贵了。"}, headers=writing
    ).json()
    this = {"draft_id": draft["draft_id"]}
    assert client.post("/v1/writing/drafts/publish", json=this, headers=writing).json()["state"] == "published"
    assert client.put("/v1/experiments", json={}, headers=writing).status_code == 403
    log = client.get("/v1/audit", headers=with_key(make_key(app.state.tenants))).json()["entries"]
    assert [one["action"] for one in log] == ["writing.publish", "pages.published", "pages.in_review"]
    assert all(f"_{one['key_prefix']}_" in writing["X-API-Key"] for one in log)


def test_what_goes_with_a_cart(client: TestClient) -> None:
    cart = {"item_id": TEAS[0], "kind": "complementary", "with": [TEAS[1], BOOKS[1]]}
    told = client.get("/v1/similar", params=cart).json()
    assert told["kind"] == "complementary"
    assert not {one["item_id"] for one in told["items"]} & {TEAS[0], TEAS[1], BOOKS[1]}
    assert client.get("/v1/similar", params={"item_id": TEAS[0], "with": [TEAS[1]]}).status_code == 409
    assert client.get("/v1/similar", params={**cart, "with": ["没有"]}).status_code == 404
