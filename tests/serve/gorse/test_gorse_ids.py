"""Ids of any characters, in paths, bodies and cursors, against a running server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

Answer = tuple[int, Any]
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=30)


class Asked:
    """One connection that sends addresses as they are: other clients tidy up dots and slashes."""

    def __init__(self, server: str) -> None:
        host, port = server.removeprefix("http://").split(":")
        self._connection = http.client.HTTPConnection(host, int(port))

    def __call__(self, method: str, *parts: str, body: Any = None, **query: str | int) -> Answer:
        address = "/api/" + "/".join(quote(part, safe="") for part in parts)
        address += f"?{urlencode(query)}" if query else ""
        headers = {"content-type": "application/json"}
        self._connection.request(method, address, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def ask(server: str) -> Iterator[Asked]:
    asked = Asked(server)
    yield asked
    asked.close()


@settings(max_examples=40, deadline=None)
@given(user=texts, item=texts, kind=texts, category=texts)
@example("a/b", "neighbors", "a/feedback/b", "feedback")
@example("张伟 茶", "%2F", "?#", "a/feedback/b")
@example(".", "..", "/", "//")
@example("%", "%00", "+", "\n")
@example("a/feedback/b", "a/neighbors", "neighbors/a", "category")
def test_any_id(ask: Asked, user: str, item: str, kind: str, category: str) -> None:
    assert ask("POST", "user", body={"UserId": user}) == (200, {"RowAffected": 1})
    assert ask("GET", "user", user) == (200, {"UserId": user, "Labels": None, "Comment": ""})
    assert ask("POST", "items", body=[{"ItemId": item}]) == (200, {"RowAffected": 1})
    assert ask("PUT", "item", item, "category", category) == (200, {"RowAffected": 1})
    assert ask("GET", "item", item)[1]["Categories"] == [category]
    one = {"FeedbackType": kind, "UserId": user, "ItemId": item}
    assert ask("POST", "feedback", body=[one]) == (200, {"RowAffected": 1})
    for parts in (
        ("feedback", user, item),
        ("user", user, "feedback"),
        ("user", user, "feedback", kind),
        ("item", item, "feedback"),
        ("item", item, "feedback", kind),
    ):
        status, found = ask("GET", *parts)
        assert (status, len(found)) == (200, 1), parts
        assert {name: found[0][name] for name in one} == one
    assert ask("GET", "feedback", kind, user, item)[1]["ItemId"] == item
    assert ask("GET", "feedback", kind)[1]["Feedback"][0]["FeedbackType"] == kind
    status, listed = ask("GET", "recommend", user)
    assert (status, item in listed) == (200, False)
    assert ask("GET", "item", item, "neighbors")[0] == 200
    assert ask("GET", "user", user, "neighbors")[0] == 200
    assert ask("DELETE", "feedback", kind, user, item) == (200, {"RowAffected": 1})
    assert ask("DELETE", "item", item) == (200, {"RowAffected": 1})
    assert ask("DELETE", "user", user) == (200, {"RowAffected": 1})
    assert ask("GET", "user", user)[0] == 404


def test_pages_are_whole_while_others_write(http: httpx.Client) -> None:
    """What was there from the beginning to the end comes once, whatever comes and goes meanwhile."""
    names = [f"page {number:02} /?茶" for number in range(30)]
    http.post("/api/users", json=[{"UserId": key} for key in names])
    http.post("/api/items", json=[{"ItemId": key} for key in names])
    http.post("/api/feedback", json=[{"FeedbackType": "p/q", "UserId": "pager", "ItemId": key} for key in names])
    for address, field, key in (
        ("/api/users", "Users", "UserId"),
        ("/api/items", "Items", "ItemId"),
        ("/api/feedback/p%2Fq", "Feedback", "ItemId"),
        ("/api/feedback", "Feedback", "ItemId"),
    ):
        found: list[str] = []
        cursor, round_ = "", 0
        while True:
            page = http.get(address, params={"n": 4, "cursor": cursor}).json()
            found += [one[key] for one in page[field] if one[key] in names]
            assert len(page[field]) <= 4
            cursor, round_ = page["Cursor"], round_ + 1
            if not cursor:
                break
            new = f"page {round_:02} between"
            http.post("/api/users", json=[{"UserId": new}, {"UserId": f"A {new}"}])
            http.post("/api/items", json=[{"ItemId": new}, {"ItemId": f"A {new}"}])
            http.post("/api/feedback", json=[{"FeedbackType": "p/q", "UserId": "pager", "ItemId": new}])
        assert found == names, address
