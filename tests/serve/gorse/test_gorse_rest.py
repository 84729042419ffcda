"""What Gorse's documentation says of addresses, status codes and lists, against a running server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from zhiyin.serve.paths import escaped
from zhiyin.store import open_store
from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS

TEA = escaped(TEAS[0])


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["Id"] if isinstance(one, dict) else one for one in answer.json()]


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "/api/user/nobody", None, 404),
        ("GET", "/api/item/nothing", None, 404),
        ("GET", "/api/item/nothing/neighbors", None, 404),
        ("GET", "/api/user/nobody/neighbors", None, 404),
        ("GET", "/api/feedback/star/nobody/nothing", None, 404),
        ("GET", "/api/user/nobody/feedback", None, 404),
        ("GET", "/api/user/nobody/feedback/star", None, 404),
        ("GET", "/api/item/nothing/feedback", None, 404),
        ("GET", "/api/item/nothing/feedback/star", None, 404),
        ("GET", "/api/non-personalized/unheard-of", None, 404),
        ("GET", f"/api/item-to-item/unheard-of/{TEA}", None, 404),
        ("GET", "/api/user-to-user/unheard-of/tea-0", None, 404),
        ("PUT", "/api/item/nothing/category/x", None, 404),
        ("GET", "/api/recommend/tea-0?n=many", None, 400),
        ("GET", "/api/recommend/tea-0?offset=-1", None, 400),
        ("GET", "/api/recommend/tea-0?write-back-type=read&write-back-delay=soon", None, 400),
        ("GET", "/api/users?n=1.5", None, 400),
        ("POST", "/api/user", {"Labels": {}}, 400),
        ("POST", "/api/user", [], 400),
        ("POST", "/api/users", {"UserId": "x"}, 400),
        ("POST", "/api/items", [{"ItemId": "x", "Timestamp": "soon"}], 400),
        ("POST", "/api/items", [{"ItemId": "x", "Timestamp": "2023-02-29"}], 400),
        ("POST", "/api/item", {"ItemId": ""}, 400),
        ("POST", "/api/item", {"ItemId": "a\x00b"}, 400),
        ("POST", "/api/item", {"ItemId": "x" * 513}, 400),
        ("POST", "/api/feedback", [{"FeedbackType": "a", "UserId": "b"}], 400),
        ("PATCH", "/api/user/nobody", {"Comment": "x"}, 200),
        ("DELETE", "/api/item/nothing", None, 200),
        ("GET", "/api/user/a%00b", None, 400),
        ("GET", "/api/user/%FF", None, 400),
        ("GET", "/api/health/live", None, 200),
    ],
)
def test_status_codes(http: httpx.Client, method: str, address: str, body: Any, status: int) -> None:
    answer = http.request(method, address, json=body) if body is not None else http.request(method, address)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert method == "GET" or answer.json() == {"RowAffected": 0}
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["fix"]


def test_a_broken_body(http: httpx.Client) -> None:
    json = {"content-type": "application/json"}
    for content in (b"", b"{", b"nope", b'{"UserId": "\\ud800"}', b'{"UserId": "x", "Labels": ["\\ud800"]}', b"\xff"):
        assert http.post("/api/user", content=content, headers=json).status_code == 400, content
    assert http.post("/api/user", content=b'{"UserId": "x", "Labels": NaN}', headers=json).status_code == 400
    assert http.get("/api/user/x").status_code == 404


def test_post_adds_and_put_overwrites(http: httpx.Client) -> None:
    key = {"FeedbackType": "read", "UserId": "reader", "ItemId": TEAS[0]}
    address = f"/api/feedback/read/reader/{TEA}"
    for _ in range(3):
        http.post("/api/feedback", json=[key | {"Value": 2, "Timestamp": "2024-01-01T00:00:00Z"}])
    assert http.get(address).json()["Value"] == 6
    http.put("/api/feedback", json=[key | {"Value": 5, "Timestamp": "2023-01-01T00:00:00Z"}])
    assert (http.get(address).json()["Value"], http.get(address).json()["Timestamp"]) == (5, "2023-01-01T00:00:00Z")
    http.post("/api/feedback", json=[key | {"Value": -1, "Timestamp": "2022-01-01 08:00:00+08:00"}])
    found = http.get(address).json()
    assert (found["Value"], found["Timestamp"]) == (4, "2023-01-01T00:00:00Z")
    http.put("/api/feedback", json=[key | {"Value": 1}, key | {"Value": 2}])
    assert http.get(address).json()["Value"] == 2, "the last of the same key"
    before = datetime.now(UTC) - timedelta(seconds=30)
    assert datetime.fromisoformat(http.get(address).json()["Timestamp"]) > before, "without a time it is now"
    assert http.get(f"/api/feedback/reader/{TEA}").json() == [http.get(address).json()]
    assert http.get("/api/user/reader/feedback").json() == [http.get(address).json()]
    assert http.get("/api/user/reader/feedback/read").json() == [http.get(address).json()]
    assert http.get("/api/user/reader/feedback/star").json() == []
    assert [one for one in http.get(f"/api/item/{TEA}/feedback/read").json() if one["UserId"] == "reader"]
    assert len(http.get(f"/api/item/{TEA}/feedback").json()) > 10
    assert http.delete(address).json() == {"RowAffected": 1}
    assert http.get(address).status_code == 404
    assert http.get("/api/user/reader/feedback").json() == []


def test_lists_with_and_without_scores(http: httpx.Client) -> None:
    plain = http.get("/api/recommend/tea-3?n=4")
    scored = http.get("/api/recommend/tea-3?n=4", headers={"X-API-Version": "2"})
    assert all(isinstance(one, str) for one in plain.json())
    assert ids(scored) == ids(plain)
    assert set(scored.json()[0]) == {"Id", "Score"}
    assert ids(http.get("/api/recommend/tea-3?n=2&offset=1")) == ids(plain)[1:3]
    assert ids(http.get("/api/collaborative-filtering/tea-3?n=4")) == ids(plain)
    assert ids(http.get("/api/recommend/tea-3?n=0")) == []
    assert len(ids(http.get("/api/recommend/somebody%20new"))) == 10, "ten where nothing is said"


def test_categories(http: httpx.Client) -> None:
    for address in ("/api/recommend/tea-3", "/api/popular", "/api/latest", "/api/non-personalized/popular"):
        both = ids(http.get(f"{address}?category=Books&category=Fiction&n=20"))
        assert set(both) == set(BOOKS), address
        assert ids(http.get(f"{address}?category=Books&category=%E8%8C%B6&n=20")) == []
        assert ids(http.get(f"{address}?category=&n=3")) == ids(http.get(f"{address}?n=3"))
    for address in ("recommend/tea-3", "popular", "latest"):
        assert set(ids(http.get(f"/api/{address}/Books?n=20"))) == set(BOOKS)
    near = f"/api/item/{TEA}/neighbors"
    assert set(ids(http.get(near))) == set(TEAS[1:]) == set(ids(http.get(f"{near}?category=%E8%8C%B6")))
    assert ids(http.get(f"{near}/Books")) == []
    assert ids(http.get(f"/api/item-to-item/neighbors/{TEA}?n=2&offset=1")) == ids(http.get(f"{near}?n=3"))[1:]
    had = {one["ItemId"] for one in http.get("/api/user/tea-0/feedback").json()}
    assert set(ids(http.get(f"{near}?user-id=tea-0"))) == set(TEAS[1:]) - had
    assert not set(ids(http.get("/api/popular?user-id=tea-0&n=20"))) & had
    visit = [{"ItemId": BOOKS[0]}]
    assert set(ids(http.post("/api/session/recommend/Books", json=visit))) == set(BOOKS[1:])
    assert ids(http.post("/api/session/recommend?category=no", json=visit)) == []
    assert len(ids(http.post("/api/session/recommend?n=3&offset=2", json=[]))) == 3


def test_a_session_leaves_no_trace(http: httpx.Client, project: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", project)
    before = store.counts()
    visit = [{"FeedbackType": "view", "UserId": "passer-by", "ItemId": BOOKS[0]}, {"ItemId": "unheard of"}]
    assert ids(http.post("/api/session/recommend?n=2", json=visit))
    assert store.counts() == before
    assert http.get("/api/user/passer-by").status_code == 404
    store.close()


def test_what_is_turned_down_does_not_come_again(http: httpx.Client) -> None:
    first = ids(http.get("/api/recommend/picky?n=1"))[0]
    http.post("/api/feedback", json=[{"FeedbackType": "dislike", "UserId": "picky", "ItemId": first}])
    assert first not in ids(http.get("/api/recommend/picky?n=20"))


def test_write_back(http: httpx.Client) -> None:
    asked = "/api/recommend/list%20reader?n=2&write-back-type=read&write-back-delay="
    first = ids(http.get(asked + "1h"))
    assert ids(http.get("/api/recommend/list%20reader?n=2")) == first, "they are not read for an hour"
    assert http.get("/api/user/list%20reader/feedback").json() == []
    second = ids(http.get(asked))
    assert second == first
    assert {one["ItemId"] for one in http.get("/api/user/list%20reader/feedback/read").json()} == set(first)
    third = ids(http.get(asked))
    assert not set(third) & set(first)


def test_newest_first(http: httpx.Client) -> None:
    for number, day in enumerate(("2031-05-01", "2031-05-03", "2031-05-02")):
        http.post("/api/item", json={"ItemId": f"day/{number}", "Timestamp": day, "Categories": ["new"]})
    found = http.get("/api/latest?n=3").json()
    assert [one["Id"] for one in found] == ["day/1", "day/2", "day/0"]
    assert found[0]["Score"] == datetime(2031, 5, 3, tzinfo=UTC).timestamp()
    assert ids(http.get("/api/non-personalized/latest?n=1&offset=1")) == ["day/2"]
    http.patch("/api/item/day%2F1", json={"IsHidden": True})
    assert ids(http.get("/api/latest/new")) == ["day/2", "day/0"]
    http.delete("/api/item/day%2F2")
    assert ids(http.get("/api/latest/new")) == ["day/0"]
    http.delete("/api/item/day%2F0")
    http.delete("/api/item/day%2F1")


def test_hidden_items_are_in_no_list(http: httpx.Client) -> None:
    lists = (
        "recommend/tea-3?n=30",
        "popular?n=30",
        "latest?n=30",
        f"item/{TEA}/neighbors",
        "recommend/somebody?n=30",
        "collaborative-filtering/tea-3?n=30",
    )
    assert all(TEAS[2] in ids(http.get(f"/api/{one}")) for one in lists)
    http.patch(f"/api/item/{escaped(TEAS[2])}", json={"IsHidden": True})
    assert not any(TEAS[2] in ids(http.get(f"/api/{one}")) for one in lists)
    assert TEAS[2] not in ids(http.post("/api/session/recommend?n=30", json=[{"ItemId": TEAS[1]}]))
    http.patch(f"/api/item/{escaped(TEAS[2])}", json={"IsHidden": False})
    assert all(TEAS[2] in ids(http.get(f"/api/{one}")) for one in lists)


def test_popular_follows_the_newest_events(http: httpx.Client) -> None:
    found = http.get("/api/popular?n=30").json()
    assert NEVER_TAKEN not in {one["Id"] for one in found}
    assert [one["Score"] for one in found] == sorted((one["Score"] for one in found), reverse=True)


def test_people_alike(http: httpx.Client) -> None:
    found = http.get("/api/user/tea-7/neighbors?n=30").json()
    assert len(found) > 3
    assert not any(one["Id"].startswith("书-") for one in found), "they share no tea"
    assert "tea-7" not in {one["Id"] for one in found}
    assert {one["Id"] for one in found[:3]} == {"tea-1", "tea-13", "tea-19"}, "they took the same teas"
    assert http.get("/api/user-to-user/neighbors/tea-7?n=2&offset=1").json() == found[1:3]
    http.delete("/api/user/tea-13")
    assert {one["Id"] for one in http.get("/api/user/tea-7/neighbors?n=2").json()} == {"tea-1", "tea-19"}
    http.post("/api/user", json={"UserId": "newcomer"})
    assert http.get("/api/user/newcomer/neighbors").json() == []


def test_an_item_keeps_what_gorse_does_not_know(http: httpx.Client, project: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", project)
    with store.writing() as writer:
        writer.set_items([("kept", "title", "a long text", [], '{"brand": "b", "labels": [1]}', 5, False)])
    told = http.get("/api/item/kept").json()
    assert (told["Labels"], told["Comment"], told["Timestamp"]) == ([1], "title", "1970-01-01T00:00:00.000005Z")
    http.post("/api/item", json={"ItemId": "kept", "Comment": "other"})
    row = store.rows.item("kept")
    assert row is not None
    assert row[1:] == ("other", "a long text", [], '{"brand": "b"}', None, False)
    http.put("/api/item/kept/category/a%2Fb")
    http.put("/api/item/kept/category/c")
    http.put("/api/item/kept/category/c")
    assert http.get("/api/item/kept").json()["Categories"] == ["a/b", "c"]
    http.delete("/api/item/kept/category/a%2Fb")
    assert http.get("/api/item/kept").json()["Categories"] == ["c"]
    http.delete("/api/item/kept")
    store.close()


def test_measurements(http: httpx.Client) -> None:
    found = http.get("/api/measurements/NDCG@10?n=7").json()
    assert [one["Name"] for one in found] == ["NDCG@10"]
    assert 0 < found[0]["Value"] <= 1
    made = datetime.fromisoformat(found[0]["Timestamp"]).timestamp()
    assert time.time() - 3600 < made < time.time()
    assert http.get("/api/measurements/unheard-of").json() == []
    assert http.get("/api/measurements/NDCG@10?n=0").json() == []


def test_bulk_out_and_in(http: httpx.Client) -> None:
    for name, key in (("users", "UserId"), ("items", "ItemId"), ("feedback", "UserId")):
        out = http.get(f"/api/bulk/{name}")
        assert out.headers["content-type"].startswith("application/jsonl")
        assert out.headers["content-disposition"] == f"attachment;filename={name}.jsonl"
        lines = out.text.splitlines()
        assert len(lines) >= 13
        assert key in lines[0]
        back = http.post(f"/api/bulk/{name}", files={"file": out.content})
        assert back.json() == {"RowAffected": len(lines), "Rejected": 0, "Errors": []}
        assert http.get(f"/api/bulk/{name}").content == out.content, "the same again"
    bad = b'{"UserId": "in 1"}\n\nnope\n{"UserId": 5}\n{"UserId": "in 2"}'
    told = http.post("/api/bulk/users", content=bad).json()
    assert (told["RowAffected"], told["Rejected"]) == (2, 2)
    assert [one["Line"] for one in told["Errors"]] == [3, 4]
    assert http.get("/api/user/in%202").status_code == 200
    assert http.post("/api/bulk/users", files={"other": b"{}"}).status_code == 400
