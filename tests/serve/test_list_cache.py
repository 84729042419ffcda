"""Answers are kept while they are true, and not a moment longer."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from zhiyin.serve.cache import ListCache


def test_one_persons_go_alone() -> None:
    cache: ListCache[str] = ListCache(10, 60)
    for who in ("张伟", "anna"):
        cache.put(who, "k=10", who, cache.stamp(who))
    cache.drop(["张伟"])
    assert cache.get("张伟", "k=10") is None
    assert cache.get("anna", "k=10") == "anna"
    cache.clear()
    assert cache.get("anna", "k=10") is None


def test_what_changed_meanwhile_is_not_kept() -> None:
    cache: ListCache[str] = ListCache(10, 60)
    stamp = cache.stamp("anna")
    cache.drop(["anna"])
    cache.put("anna", "k=10", "old", stamp)
    assert cache.get("anna", "k=10") is None
    stamp = cache.stamp("anna")
    cache.clear()
    cache.put("anna", "k=10", "old", stamp)
    assert cache.get("anna", "k=10") is None


def test_it_ends_with_time_and_with_room() -> None:
    cache: ListCache[str] = ListCache(2, 0.02)
    cache.put("anna", "k=10", "list", cache.stamp("anna"))
    assert cache.get("anna", "k=10") == "list"
    time.sleep(0.03)
    assert cache.get("anna", "k=10") is None
    cache = ListCache(2, 60)
    for who in ("a", "b", "c"):
        cache.put(who, 1, who, cache.stamp(who))
    assert [cache.get(who, 1) for who in ("a", "b", "c")] == [None, "b", "c"]
    nothing: ListCache[str] = ListCache(0, 60)
    nothing.put("a", 1, "list", nothing.stamp("a"))
    assert nothing.get("a", 1) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["put", "late", "drop", "clear"])), max_size=30))
def test_nothing_untrue_is_given(steps: list[tuple[str, str]]) -> None:
    """``truth`` counts the changes of each person: an answer names the count that it was made at."""
    cache: ListCache[int] = ListCache(10, 60)
    truth = {"a": 0, "b": 0}
    for who, step in steps:
        if step == "put":
            cache.put(who, "list", truth[who], cache.stamp(who))
        elif step == "late":
            stamp, made = cache.stamp(who), truth[who]
            truth[who] += 1
            cache.drop([who])
            cache.put(who, "list", made, stamp)
        elif step == "drop":
            truth[who] += 1
            cache.drop([who])
        else:
            truth = {one: count + 1 for one, count in truth.items()}
            cache.clear()
        for one, count in truth.items():
            assert cache.get(one, "list") in (None, count)
