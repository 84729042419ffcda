"""Items, people and links over HTTP; ids of any kind; what is hidden, deleted or erased stays away."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS

IDS = ["a/b", "a%2Fb", "?x=1&y=2#z", " ", "two  words", "张伟/茶壶 🫖", "..", "+", "quote\"'", "é", "é", "x" * 512]


def told(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: TestClient, user: str, k: int = 20, **more: Any) -> list[str]:
    return [
        one["item_id"] for one in told(client.post("/v1/recommend", json={"user_id": user, "k": k, **more}))["items"]
    ]


@pytest.mark.parametrize("key", IDS)
def test_ids_of_any_characters(client: TestClient, key: str) -> None:
    """Each address that takes an id takes this one, and means no other."""
    assert told(client.put("/v1/items", json={"item_id": key, "title": "t"})) == {"new": 1, "changed": 0, "same": 0}
    assert told(client.get("/v1/items", params={"item_id": key}))["items"][0]["item_id"] == key
    assert told(client.patch("/v1/items", params={"item_id": key}, json={"time": 5}))["time"] == 5
    assert told(client.put("/v1/users", json={"user_id": key}))["new"] == 1
    assert told(client.get("/v1/users", params={"user_id": key}))["users"] == [{"user_id": key, "attributes": {}}]
    assert told(client.post("/v1/events", json={"user_id": key, "item_id": key}))["new"] == 1
    assert key not in listed(client, key), "their own"
    assert told(client.get("/v1/profile", params={"user_id": key}))["user_id"] == key
    assert told(client.get("/v1/explain", params={"user_id": key, "item_id": key}))["item_id"] == key
    assert client.get("/v1/similar", params={"item_id": key}).json().get("item_id", key) == key
    held = told(client.get("/v1/person", params={"user_id": key}))
    assert [one["item_id"] for one in held["events"]] == [key]
    assert told(client.delete("/v1/items", params={"item_id": key}))["rows"] == {"events": 1, "items": 1}
    assert told(client.delete("/v1/users", params={"user_id": key}))["rows"]["users"] == 1
    assert told(client.get("/v1/items", params={"item_id": key}))["missing"] == [key]


def test_pages_hold_every_row_once(client: TestClient) -> None:
    for path, name in (("items", "item_id"), ("users", "user_id")):
        whole = [one[name] for one in told(client.get(f"/v1/{path}", params={"limit": 1000}))[path]]
        assert whole == sorted(whole)
        found, cursor = [], None
        while True:
            page = told(client.get(f"/v1/{path}", params={"limit": 5} | ({"cursor": cursor} if cursor else {})))
            found += [one[name] for one in page[path]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert found == whole


def test_items_are_replaced_and_changed(client: TestClient) -> None:
    tea = {"item_id": "茶", "title": "龙井", "categories": ["茶"], "attributes": {"price": 3, "from": "杭州"}}
    assert told(client.put("/v1/items", json=[tea, tea])) == {"new": 1, "changed": 0, "same": 1}
    assert told(client.put("/v1/items", json=tea | {"title": "碧螺春"})) == {"new": 0, "changed": 1, "same": 0}
    changed = told(client.patch("/v1/items", params={"item_id": "茶"}, json={"attributes": {"price": None, "n": [1]}}))
    assert changed["attributes"] == {"from": "杭州", "n": [1]}
    assert changed["title"] == "碧螺春"
    emptied = told(client.patch("/v1/items", params={"item_id": "茶"}, json={"title": None, "categories": None}))
    assert (emptied["title"], emptied["categories"]) == (None, [])
    assert client.patch("/v1/items", params={"item_id": "no"}, json={"hidden": True}).status_code == 404
    assert client.delete("/v1/items", params={"item_id": "no"}).status_code == 404
    assert told(client.put("/v1/users", json={"user_id": "u", "attributes": {"a": 1, "b": 2}}))["new"] == 1
    assert told(client.patch("/v1/users", params={"user_id": "u"}, json={"attributes": {"a": None}}))["attributes"] == {
        "b": 2
    }
    assert client.patch("/v1/users", params={"user_id": "no"}, json={"attributes": {}}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"item_id": "x", "attributes": {"a": NaN}}',
        b'{"item_id": "x", "attributes": {"a": "\\ud800"}}',
        b'{"item_id": "\\ud800"}',
        b'{"item_id": "a\\u0000b"}',
        b'{"item_id": ""}',
        b'{"item_id": "x", "titel": "slip"}',
        b'{"item_id": "x", "attributes": {"a": ' + b"[" * 3000 + b"]" * 3000 + b"}}",
        b"\xff\xfe",
        b"{",
        b"",
    ],
)
def test_what_cannot_be_kept_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.put("/v1/items", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["fix"]


def test_hidden_deleted_and_erased_never_come_back(client: TestClient, app: FastAPI) -> None:
    """Not in the next list, not from what is kept, not after another item came and the engine was made anew."""
    people = ["tea-0", "书-1", "nobody"]
    before = {who: listed(client, who, include_seen=True) for who in people}
    assert all(TEAS[2] in one and TEAS[3] in one for one in before.values())
    told(client.patch("/v1/items", params={"item_id": TEAS[2]}, json={"hidden": True}))
    told(client.delete("/v1/items", params={"item_id": TEAS[3]}))
    gone = {TEAS[2], TEAS[3]}

    def away() -> bool:
        lists = [listed(client, who, include_seen=True) for who in people]
        lists.append([one["item_id"] for one in told(client.get("/v1/similar", params={"item_id": TEAS[1]}))["items"]])
        lists.append(listed(client, "tea-0", query="green tea"))
        return all(not gone & set(one) for one in lists)

    assert away()
    # As many items as training saw.
    told(client.put("/v1/items", json={"item_id": "came/later", "title": "绿茶"}))
    live = app.state.tenants.default.live
    engine = live._engine
    end = time.monotonic() + 10
    while live._engine is engine and time.monotonic() < end:
        assert away()
        time.sleep(0.05)
    assert live._engine is not engine, "no new engine"
    assert away()
    told(client.patch("/v1/items", params={"item_id": TEAS[2]}, json={"hidden": False}))
    assert all(TEAS[2] in listed(client, who, include_seen=True) for who in people)
    # An erased person is somebody unknown.
    assert listed(client, "tea-0") != listed(client, "nobody")
    removed = told(client.delete("/v1/person", params={"user_id": "tea-0"}))["removed"]
    assert removed["events"] > 0
    answer = told(client.post("/v1/recommend", json={"user_id": "tea-0"}))
    assert answer["temperature"] == "cold"
    assert [one["item_id"] for one in answer["items"]] == listed(client, "nobody", k=10)
    assert told(client.get("/v1/users", params={"user_id": "tea-0"}))["missing"] == ["tea-0"]
    assert told(client.get("/v1/profile", params={"user_id": "tea-0"}))["events"] == 0
    page = told(client.get("/v1/users", params={"limit": 1000}))
    assert "tea-0" not in [one["user_id"] for one in page["users"]]


def test_an_event_counts_in_the_next_request(client: TestClient) -> None:
    first = listed(client, "new/人", k=3)
    assert told(client.post("/v1/events", json={"user_id": "new/人", "item_id": BOOKS[0]}))["new"] == 1
    second = told(client.post("/v1/recommend", json={"user_id": "new/人", "k": 3}))
    assert second["temperature"] == "warm"
    assert BOOKS[0] not in [one["item_id"] for one in second["items"]]
    assert {one["item_id"] for one in second["items"]} <= set(BOOKS)
    assert [one["item_id"] for one in second["items"]] != first


def test_events_count_once(client: TestClient) -> None:
    event = {"user_id": "u", "item_id": TEAS[0], "event_id": "order/1", "time": 1_700_000_000_000_000}
    assert told(client.post("/v1/events", json=event)) == {"new": 1, "known": 0}
    assert told(client.post("/v1/events", json=[event, event])) == {"new": 0, "known": 2}
    late = client.post("/v1/events", json=event | {"time": time.time_ns() // 1000 + 10 * 86_400_000_000})
    assert late.status_code == 409
    assert "UTC" in late.json()["fix"]


def test_a_session_becomes_a_person(client: TestClient) -> None:
    for item in BOOKS[:2]:
        told(client.post("/v1/events", json={"session_id": "cookie/1", "item_id": item}))
    told(client.post("/v1/events", json={"user_id": "anna", "item_id": BOOKS[2]}))
    told(client.post("/v1/profile/edits", json={"user_id": "session:cookie/1", "said": "less 茶"}))
    shown = told(client.post("/v1/recommend", json={"session_id": "cookie/1", "k": 3}))
    assert shown["temperature"] == "warm"
    moved = told(client.post("/v1/sessions/merge", json={"session_id": "cookie/1", "user_id": "anna"}))["moved"]
    assert moved == {"users": 1, "events": 2, "impressions": 1, "profile_edits": 1}
    assert told(client.post("/v1/sessions/merge", json={"session_id": "cookie/1", "user_id": "anna"}))["moved"] == {}
    held = told(client.get("/v1/person", params={"user_id": "anna"}))
    assert sorted(one["item_id"] for one in held["events"]) == BOOKS[:3]
    assert [one["impression_id"] for one in held["impressions"]] == [shown["impression_id"]]
    assert not set(BOOKS[:3]) & set(listed(client, "anna"))
    nothing = told(client.get("/v1/person", params={"user_id": "session:cookie/1"}))
    assert not nothing["known"]
    assert nothing["events"] == nothing["impressions"] == nothing["profile_edits"] == []
    assert told(client.post("/v1/recommend", json={"session_id": "cookie/1"}))["temperature"] == "cold"


def test_lists_shown(client: TestClient, app: FastAPI) -> None:
    items = [{"item_id": TEAS[0]}, {"item_id": NEVER_TAKEN, "propensity": 0.5}]
    own = {"session_id": "s", "surface": "mail", "impression_id": "mail/1", "items": items}
    assert told(client.post("/v1/impressions", json=[own, own])) == {"new": 1, "impression_ids": ["mail/1", "mail/1"]}
    ours = told(client.post("/v1/recommend", json={"user_id": "tea-1", "k": 2}))
    confirmed = client.post("/v1/impressions/confirm", json={"impression_ids": [ours["impression_id"], "unknown"]})
    assert told(confirmed) == {"confirmed": 1}
    kept = app.state.tenants.default.store.impressions
    mine = kept.get("mail/1")
    assert (mine.user_id, mine.surface, mine.confirmed) == ("session:s", "mail", True)
    assert mine.items == ((TEAS[0], 1, None), (NEVER_TAKEN, 2, 0.5))
    seen = kept.get(ours["impression_id"])
    assert seen.confirmed
    assert [(item, place) for item, place, _ in seen.items] == [(one["item_id"], one["rank"]) for one in ours["items"]]


def test_links(client: TestClient, app: FastAPI) -> None:
    given: list[dict[str, Any]] = [
        {"user_id": "张伟", "other_id": "a/b"},
        {"user_id": "a/b", "other_id": "张伟", "weight": 2},
    ]
    assert told(client.put("/v1/links", json=given)) == {"new": 2, "changed": 0, "same": 0}
    assert told(client.put("/v1/links", json=given[0] | {"weight": 3})) == {"new": 0, "changed": 1, "same": 0}
    assert app.state.tenants.default.store.links().rows() == [("a/b", "张伟", 2.0, None), ("张伟", "a/b", 3.0, None)]


def test_what_is_held_is_what_was_sent(client: TestClient) -> None:
    told(client.put("/v1/users", json={"user_id": "王/芳", "attributes": {"城市": "杭州"}}))
    told(client.post("/v1/events", json={"user_id": "王/芳", "item_id": TEAS[0], "value": 4.5, "event_id": "e/1"}))
    held = told(client.get("/v1/person", params={"user_id": "王/芳"}))
    assert held["attributes"] == {"城市": "杭州"}
    assert [(one["event_id"], one["value"]) for one in held["events"]] == [("e/1", 4.5)]
    assert "城市" in json.dumps(held, ensure_ascii=False)
