"""Stages of a feed on a few posts that are read by eye, and what must hold of every feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import ConfigError
from zhiyin.pipeline import Pipeline, Request, pipeline_for
from zhiyin.rerank import Asked, Facts, Items, Seen
from zhiyin.rerank.social.near import Near, hear
from zhiyin.types import NO_TIME, Histories, IdMap

DAY = 86_400_000_000
NOW = 1_700_000_000_000_000
#        root 0 with replies 1, 2 (a reply to the reply); 3 by itself; 4 and 5 of a thread whose root is elsewhere
POSTS: list[dict[str, Any]] = [
    {"author": "ann"},
    {"author": "bo", "reply_to": "p0"},
    {"author": "ann", "reply_to": "p1"},
    {"author": "ann"},
    {"author": "李/雷", "conversation": "elsewhere"},
    {"author": "bo", "conversation": "elsewhere"},
    {"author": "李/雷"},
    {},
    {"author": ["bo", "ann"]},
    {"author": "cy", "reply_to": "p9"},
]
TOPICS = [["Art"], ["Art"], ["Art"], ["Cars"], ["Cars"], ["音乐"], ["音乐"], [], ["Art"], ["Cars"]]
N = len(POSTS)
IDS = [f"p{row}" for row in range(N)]


def posts() -> Items:
    times = np.array([NOW - row * DAY for row in range(N)], dtype=np.int64)
    return Items(IdMap(IDS), TOPICS, titles=[f"post {row}" for row in range(N)], facts=lambda: Facts(POSTS, times))


def run(
    stages: Sequence[dict[str, Any]],
    rows: Sequence[int] = range(N),
    k: int = N,
    items: Items | None = None,
    **asked: Any,
) -> Any:
    scores = np.array([1 - 0.05 * place for place in range(len(rows))], dtype=np.float32)
    request = Request(np.array(rows, dtype=np.int32), scores, items or posts(), Asked(now=NOW, **asked), k)
    return Pipeline.parse("x", {"stage": list(stages)}, "x").run(request)


def seen(*events: tuple[str, str, int]) -> Seen:
    """``events`` are (item, type, days ago), oldest first."""
    ids = IdMap(IDS)
    known = [one for one in events if one[0] in ids]
    others = [(item, kind, NOW - days * DAY) for item, kind, days in events if item not in ids]
    times = np.array([NOW - days * DAY for _, _, days in known], dtype=np.int64)
    return Seen(ids.rows([item for item, _, _ in known]), times, [kind for _, kind, _ in known], others)


def near(rows: Sequence[int], owners: Sequence[int], friends: Sequence[float], **told: Any) -> Near:
    zeros = np.zeros(len(friends))
    given: dict[str, Any] = {"onward": zeros, "circles": zeros, "names": [], "followed": frozenset()} | told
    given.setdefault("circle", np.full(len(friends), -1, dtype=np.int32))
    times = np.full(len(rows), NOW, dtype=np.int64)
    return Near(
        friends=np.array(friends),
        rows=np.array(rows, dtype=np.int32),
        weights=np.ones(len(rows), dtype=np.float32),
        times=times,
        owners=np.array(owners, dtype=np.int32),
        **given,
    )


def test_what_people_near_say() -> None:
    told = near([1, 2, 2, 3], [0, 0, 1, 2], [0.75, 0.25, 0.0], onward=np.array([0, 0, 0.5]))
    heard = hear(told, N, onward=2.0, circles=0.0)
    assert heard.scores[:4].tolist() == [0, 0.75, 1.0, 1.0]
    assert heard.friends[:4].tolist() == [0, 1, 2, 0]
    assert (heard.circle == -1).all()
    own = near([4, 5], [0, 1], [0.0, 1.0], circles=np.array([1.0, 0.5]), circle=np.zeros(2, dtype=np.int32))
    named = hear(
        near([4, 5], [0, 1], [0.0, 1.0], circles=own.circles, circle=own.circle, names=[("a", "b")]),
        N,
        onward=0,
        circles=1,
    )
    assert named.circle[4:6].tolist() == [0, -1], "a friend says more than a circle"
    old = hear(near([4], [0], [1.0]), N, onward=0, circles=0, half_life_days=1.0, now=NOW + 2 * DAY)
    assert old.scores[4] == 0.25


def test_the_network_brings_in_what_friends_took_and_the_followed_made() -> None:
    told = near([6, 9], [0, 0], [1.0], followed=frozenset({"cy"}))
    allowed = np.ones(N, dtype=np.bool_)
    ranked = run([{"kind": "network", "author": "author", "strength": 4}], [3, 7], near=told, allowed=allowed)
    assert ranked.rows.tolist() == [9, 6, 3, 7]
    assert [(one.kind, one.title, one.source) for one in ranked.said[9]] == [
        ("friends", "1", "friends"),
        ("author", "cy", "author"),
    ]
    assert 3 not in ranked.said
    allowed[9] = False
    assert run([{"kind": "network", "strength": 2}], [3], near=told, allowed=allowed).rows.tolist() == [6, 3]
    history = Histories.of([[1, 2]])
    new = [{"kind": "network", "strength": 0.1, "unknown": 4}]
    assert run(new, [3, 7], near=told).rows.tolist() == [6, 9, 3, 7]
    assert run(new, [3, 7], near=told, history=Histories.of([[1]])).rows.tolist() == [3, 7, 6, 9]
    few = [{"kind": "network", "strength": 2, "most_events": 1}]
    assert run(few, [3], near=told, history=history).rows.tolist() == [3]
    assert run(few, [3]).rows.tolist() == [3], "nobody is near"


def test_shares_of_network_and_others() -> None:
    def mixed(rows: list[int], **told: Any) -> Any:
        people = near([5, 6, 7, 8], [0] * 4, [1.0])
        return run([{"kind": "mix", **told}], rows, near=people)

    ranked = mixed([0, 1, 2, 3, 5, 6, 7], least=0.5, most=0.5, within=6)
    assert ranked.rows.tolist() == [0, 5, 1, 6, 2, 7, 3]
    assert ranked.traces[0].notes[0].en == "3 of the first 6 are from people one is linked with (asked: 50%)"
    assert mixed([0, 5, 1], least=1, most=1).rows.tolist() == [5, 0, 1]
    assert mixed([5, 0, 6], least=0, most=0).rows.tolist() == [0, 5, 6]
    assert mixed([0, 5, 1, 6, 2], least=0.2, most=0.6).rows.tolist() == [0, 5, 1, 6, 2], "within bounds nothing moves"
    assert mixed([5, 6, 7, 0, 1], least=0.2, most=0.5).rows.tolist() == [5, 0, 6, 1, 7]
    with pytest.raises(ConfigError, match="least is"):
        mixed([], least=0.9)


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([("p3", "Hide", 1)], [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        ([("p3", "hide", 2), ("p3", "unhide", 1)], list(range(N))),
        ([("p1", "mute", 400)], [0, 2, 3, 4, 6, 7, 9]),
        ([("bo", "mute", 1)], [0, 2, 3, 4, 6, 7, 9]),
        ([("bo", "mute", 2), ("bo", "unmute", 1)], list(range(N))),
        ([("p6", "mute_topic", 1)], [0, 1, 2, 3, 4, 7, 8, 9]),
        ([("p2", "mute_conversation", 1)], [3, 4, 5, 6, 7, 8, 9]),
        ([("p9", "report", 1)], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ([("p3", "view", 1)], list(range(N))),
    ],
)
def test_what_was_turned_away_is_gone(events: list[tuple[str, str, int]], left: list[int]) -> None:
    ranked = run([{"kind": "silence"}], seen=seen(*events))
    assert sorted(ranked.rows.tolist()) == left


def test_what_is_like_it_is_lowered_and_nothing_brings_it_back() -> None:
    ranked = run([{"kind": "silence"}], [2, 3, 7], seen=seen(("p0", "report", 1)))
    assert ranked.rows.tolist() == [7, 2, 3], "ann was reported once"
    again = [{"kind": "silence"}, {"kind": "pin", "item": "p4"}, {"kind": "conversations"}]
    assert run(again, [3, 5], seen=seen(("p4", "mute", 1))).rows.tolist() == [3, 5]
    old = seen(("p3", "hide", 100))
    assert run([{"kind": "silence"}], [3, 9, 4], seen=old).rows.tolist() == [9, 4], (
        "the hint is forgotten, not the item"
    )
    with pytest.raises(ConfigError, match="name at least one rule"):
        run([{"kind": "silence", "rules": []}])


def test_authors_are_heard_less() -> None:
    same = [{"kind": "authors", "decay": 0.5, "floor": 0.1}]
    assert run(same, [0, 2, 3, 6, 7]).rows.tolist() == [0, 6, 7, 2, 3]
    assert run([{"kind": "authors", "decay": 1.0}], [0, 2, 3, 6, 7]).rows.tolist() == [0, 2, 3, 6, 7]
    assert run(same, [7, 6, 0]).rows.tolist() == [7, 6, 0]


def test_one_entry_for_a_conversation() -> None:
    ranked = run([{"kind": "conversations"}], [2, 5, 1, 4, 3], allowed=np.ones(N, dtype=np.bool_))
    assert ranked.rows.tolist() == [0, 5, 3]
    assert [(one.kind, one.item_id) for one in ranked.said[0]] == [("reply", "p2")]
    barred = np.ones(N, dtype=np.bool_)
    barred[0] = False
    ranked = run([{"kind": "conversations"}], [2, 1, 3], allowed=barred)
    assert ranked.rows.tolist() == [2, 3]
    assert [(one.kind, one.item_id) for one in ranked.said[2]] == [("thread", "p0")]
    first = run([{"kind": "conversations"}], [0, 3, 1])
    assert first.rows.tolist() == [0, 3]
    assert first.said[0][0].item_id == "p1"


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*IDS, "ann", "bo", "李/雷"]),
        st.sampled_from(["view", "like", "hide", "mute", "report", "unmute", "unhide", "mute_conversation"]),
        st.integers(0, 200),
    ),
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(st.permutations(range(N)), st.integers(0, N), EVENTS, st.integers(0, 3), st.integers(1, N))
def test_what_holds_of_every_feed(
    order: list[int], size: int, events: list[tuple[str, str, int]], people: int, k: int
) -> None:
    items = posts()
    events = sorted(events, key=lambda one: -one[2])
    told = near(
        [1, 4, 6, 7, 9][: people * 2], [0, 0, 1, 1, 2][: people * 2], [0.4] * max(1, people), followed=frozenset({"bo"})
    )
    who = Asked(user="某人", now=NOW, seen=seen(*events), near=told if people else None)
    feed = pipeline_for(Path("nowhere"), "feed")
    scores = np.linspace(1, 0.1, size).astype(np.float32)
    rows = np.array(order[:size], dtype=np.int32)
    ranked = feed.run(Request(rows, scores, items, who, k))
    found = ranked.rows.tolist()
    many = feed.run_many(rows[None], scores[None], items, [who], k=k) if size else (np.full((1, k), -1),)
    assert not size or many[0][0, : len(found)].tolist() == found
    gone: dict[tuple[str, str], bool] = {}
    for item, kind, _ in events:
        for verb, back in (("hide", "unhide"), ("mute", "unmute"), ("report", ""), ("mute_conversation", "")):
            if kind in (verb, back):
                gone[verb, item] = kind == verb
    hidden = {item for (verb, item), held in gone.items() if held and verb in ("hide", "report")}
    muted = {item for (verb, item), held in gone.items() if held and verb == "mute"}
    silent = muted | {name for item in muted if item in IDS for name in authors(int(item[1:]))}
    assert not hidden & {IDS[row] for row in found}
    assert not silent & {name for row in found for name in authors(row)}
    threads = [thread(row) for row in found]
    assert len(set(threads)) == len(threads)
    quiet = {
        thread(int(item[1:]))
        for (verb, item), held in gone.items()
        if held and verb == "mute_conversation" and item in IDS
    }
    assert not {one for one in quiet if one in THREADED} & set(threads)


def authors(row: int) -> list[str]:
    told = POSTS[row].get("author", [])
    return told if isinstance(told, list) else [told]


THREADED = {"p0", "elsewhere", "p9"}


def thread(row: int) -> str:
    return {0: "p0", 1: "p0", 2: "p0", 4: "elsewhere", 5: "elsewhere", 9: "p9"}.get(row, f"alone {row}")


def test_items_without_times_or_authors_change_nothing() -> None:
    bare = Items(IdMap(IDS), [[]] * N, facts=lambda: Facts([{}] * N, np.full(N, NO_TIME, dtype=np.int64)))
    feed = pipeline_for(Path("nowhere"), "feed")
    rows, scores = np.arange(N, dtype=np.int32), np.linspace(1, 0.1, N).astype(np.float32)
    feed.check(bare)
    assert feed.run(Request(rows, scores, bare, Asked(now=NOW), N)).rows.tolist() == rows.tolist()
