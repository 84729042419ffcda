"""Gorse's own Python client, unmodified, against a running server: every method it has, both ways of asking."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from gorse import AsyncGorse, Gorse, GorseException, Score

from zhiyin.testing.project import BOOKS, TEAS

LABELS = {"brand": "龙井", "tags": ["green", 1, None]}
ITEM = {
    "ItemId": "new tea",
    "IsHidden": False,
    "Categories": ["茶", "gift"],
    "Timestamp": "2022-11-20T13:55:27Z",
    "Labels": LABELS,
    "Comment": "Longjing, 50 g",
}
USER = {"UserId": "bob", "Labels": {"city": "杭州"}, "Comment": "writes"}


class Called:
    """Calls either client, and remembers what was called."""

    def __init__(self, client: Gorse | AsyncGorse) -> None:
        self._client = client
        self.names: set[str] = set()

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(name)
        found = getattr(self._client, name)(*args, **kwargs)
        return asyncio.run(found) if inspect.iscoroutine(found) else found

    def refused(self, name: str, *args: Any) -> int:
        with pytest.raises(GorseException) as refused:
            self(name, *args)
        return int(refused.value.status_code)


@pytest.mark.parametrize("kind", [Gorse, AsyncGorse])
def test_every_method(server: str, kind: type[Gorse | AsyncGorse]) -> None:
    call = Called(kind(server, "any key"))
    _users(call)
    _items(call)
    _feedback(call)
    _lists(call)
    call("delete_item", "new tea")
    for user in ("bob", "carol", "dave"):
        call("delete_user", user)
    methods = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
    assert call.names == methods


def _users(call: Called) -> None:
    assert call.refused("get_user", "bob") == 404
    assert call("insert_user", USER) == {"RowAffected": 1}
    assert call("get_user", "bob") == USER
    assert call("insert_users", [{"UserId": "carol"}, {"UserId": "dave", "Labels": None}]) == {"RowAffected": 2}
    assert call("get_user", "carol") == {"UserId": "carol", "Labels": None, "Comment": ""}
    assert _all(call, "get_users", "UserId", 7) >= {"bob", "carol", "dave", "tea-0", "书-23"}
    assert call("delete_user", "bob") == {"RowAffected": 1}
    assert call("delete_user", "bob") == {"RowAffected": 0}
    assert call.refused("get_user", "bob") == 404


def _items(call: Called) -> None:
    assert call.refused("get_item", "new tea") == 404
    assert call("insert_item", ITEM) == {"RowAffected": 1}
    assert call("get_item", "new tea") == ITEM
    assert call("update_item", "new tea", is_hidden=True, comment="gone", timestamp="2023-01-02") == {"RowAffected": 1}
    patched = ITEM | {"IsHidden": True, "Comment": "gone", "Timestamp": "2023-01-02T00:00:00Z"}
    assert call("get_item", "new tea") == patched
    assert call("update_item", "new tea", categories=[], labels=["a"], is_hidden=False) == {"RowAffected": 1}
    assert call("get_item", "new tea") == patched | {"Categories": [], "Labels": ["a"], "IsHidden": False}
    assert _all(call, "get_items", "ItemId", 3) >= {"new tea", *TEAS, *BOOKS}
    assert [one["ItemId"] for one in call("search_items", "GONE", 5)] == ["new tea"]
    assert len(call("search_items", "绿茶", 3)) == 3
    assert call("delete_item", "new tea") == {"RowAffected": 1}
    assert call.refused("get_item", "new tea") == 404
    call("insert_item", ITEM)


def _feedback(call: Called) -> None:
    def one(kind: str, item: str, stamp: str, value: float = 0.0) -> dict[str, Any]:
        return {"FeedbackType": kind, "UserId": "bob", "ItemId": item, "Value": value, "Timestamp": stamp}

    first, second = "2022-02-24T00:00:00Z", "2022-02-25T00:00:00Z"
    assert call("insert_feedback", "star", "bob", "new tea", first) == {"RowAffected": 1}
    assert call("get_user", "bob") == {"UserId": "bob", "Labels": None, "Comment": ""}
    given = [one("star", "new tea", second, 3.0), one("read", "new tea", first), one("like", BOOKS[0], first, 1.5)]
    assert call("insert_feedbacks", given) == {"RowAffected": 3}
    starred = call("list_feedbacks", "star", "bob")
    expected = one("star", "new tea", second, 3.0) | {"Updated": second, "Comment": ""}
    assert starred == [expected], "values add up, the latest time counts"
    assert call("list_feedbacks", "never", "bob") == []
    pages, cursor = [], ""
    while True:
        some, cursor = call("get_feedbacks", 2, cursor)
        pages += some
        if not cursor:
            break
    assert [one for one in pages if one["UserId"] == "bob"] == sorted(
        [
            *starred,
            one("read", "new tea", first) | {"Updated": first, "Comment": ""},
            one("like", BOOKS[0], first, 1.5) | {"Updated": first, "Comment": ""},
        ],
        key=lambda row: (row["ItemId"], row["FeedbackType"]),
    )
    assert call("delete_feedback", "bob", "new tea") == {"RowAffected": 2}
    assert call("list_feedbacks", "star", "bob") == []


def _lists(call: Called) -> None:
    best = call("get_recommend", "tea-0", n=3)
    assert [type(one) for one in best] == [Score] * 3
    assert best[0].id == TEAS[4]
    assert [one.score for one in best] == sorted((one.score for one in best), reverse=True)
    assert [one.id for one in call("get_recommend", "tea-0", n=2, offset=1)] == [one.id for one in best[1:]]
    assert all(one.id in BOOKS for one in call("get_recommend", "tea-0", "Books", 4))
    assert call("get_recommend", "tea-0", "no such category") == []
    dave = call("get_recommend", "dave", n=2, write_back_type="read", write_back_delay="10m")
    assert [one.id for one in call("get_recommend", "dave", n=2)] == [one.id for one in dave], "not before 10 minutes"
    assert call("list_feedbacks", "read", "dave") == []
    call("get_recommend", "dave", n=2, write_back_type="read")
    assert not {one.id for one in dave} & {one.id for one in call("get_recommend", "dave", n=10)}
    assert {one["ItemId"] for one in call("list_feedbacks", "read", "dave")} == {one.id for one in dave}
    visit = [{"FeedbackType": "view", "UserId": "", "ItemId": key, "Timestamp": ""} for key in TEAS[:2]]
    session = call("session_recommend", visit, 3)
    assert session[0]["Id"] == TEAS[2]
    assert not {one["Id"] for one in session} & set(TEAS[:2])
    around = call("get_neighbors", BOOKS[2].replace('"', "%22"), 2)
    assert len(around) == 2
    assert {one["Id"] for one in around} < set(BOOKS) - {BOOKS[2]}


def _all(call: Called, name: str, key: str, n: int) -> set[str]:
    """Ids of all pages; none comes twice."""
    found: list[str] = []
    cursor = ""
    while True:
        some, cursor = call(name, n, cursor)
        assert len(some) <= n
        found += [one[key] for one in some]
        if not cursor:
            break
    assert len(found) == len(set(found))
    return set(found)
