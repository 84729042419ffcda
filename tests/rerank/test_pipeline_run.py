"""Whole pipelines: one and many get the same, nothing repeats, nothing barred comes out, every change is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.errors import ConfigError
from zhiyin.itemview import items_of, level_of
from zhiyin.pipeline import Pipeline, Request
from zhiyin.rerank import Asked, Items, Seen
from zhiyin.rerank.base import worth_of
from zhiyin.rerank.social.near import Near
from zhiyin.threads import one_thread
from zhiyin.types import Catalogue, Histories, IdMap

N = 10
NOW = 1_700_000_000_000_000
STAGE: dict[str, list[dict[str, Any]]] = {
    "diversity": [
        {"method": "swap", "strength": 0.7, "within": 3, "taste": 1.0, "sharpness": 1.5},
        {"method": "dpp", "strength": 0.5, "within": 4, "pool": 7},
        {"method": "mmr", "strength": 0.6, "within": 5, "by": "categories", "keep": 1},
    ],
    "calibration": [{"strength": 0.6, "within": 3}, {"by": "categories", "strength": 0.9, "within": 2, "pool": 4}],
    "novelty": [{"strength": 0.3}],
    "freshness": [{"strength": 0.4}],
    "exposure": [{"by": "brand", "share": 0.5}],
    "boost": [{"where": {"category": "Hair"}, "factor": 2}],
    "bury": [{"where": {"brand": "A"}, "factor": 0.0}, {"where": {"price_above": 9}, "factor": 0.6}],
    "cap": [{"by": "brand", "most": 1, "within": 3}, {"by": "category", "most": 1, "within": 4, "strict": True}],
    "pin": [{"item": "香皂", "position": 2}, {"item": "口红/1", "position": 4}],
    "available": [{"where": {"stock_above": 0}}],
    "seen": [{}, {"again": [{"after_days": 10}]}],
    "network": [{"author": "brand"}, {"strength": 5, "most": 2, "half_life_days": 9}],
    "mix": [{"within": 4, "author": "brand"}, {"least": 0.5, "most": 0.5}],
    "silence": [{"author": "brand"}, {"rules": [{"types": ["hide"], "of": "topic", "factor": 0.5}]}],
    "actions": [{"author": "brand", "action": [{"name": "like", "types": ["like"]}]}],
    "authors": [{"author": "brand", "within": 5}, {"author": "category", "decay": 0.2}],
    "conversations": [{"conversation": "brand", "reply_to": "brand"}],
    "explore": [{"slots": [1, 3], "rate": 0.5}, {"slots": [2], "rate": 0.8, "draw": "newcomers", "most_events": 10}],
}
ONE = st.sampled_from([{"kind": kind, **told} for kind, some in STAGE.items() for told in some if kind != "explore"])
ACTS = st.sampled_from(["view", "hide", "mute", "report", "unmute"])
NEAR = Near(
    np.array([0.5, 0.5, 0.0]),
    np.array([0.0, 0.0, 1.0]),
    np.array([0.0, 0.2, 0.8]),
    np.array([-1, 0, 0], dtype=np.int32),
    [("Soap & co", "香皂圈")],
    np.array([1, 8, 8, 9, 5], dtype=np.int32),
    np.ones(5, dtype=np.float32),
    NOW - np.arange(5, dtype=np.int64) * 86_400_000_000,
    np.array([0, 0, 1, 1, 2], dtype=np.int32),
    frozenset({"C", "小店"}),
)
BRING = {"network", "conversations"}
LAST = st.sampled_from([None, *({"kind": "explore", **told} for told in STAGE["explore"])])


@st.composite
def people(draw: Any) -> list[tuple[list[int], list[float], Asked]]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        rows = draw(st.lists(st.integers(0, N - 1), unique=True, max_size=N))
        scores = sorted(draw(st.lists(st.floats(-1, 2, width=32), min_size=len(rows), max_size=len(rows))))[::-1]
        history = draw(st.lists(st.integers(0, N - 1), max_size=4))
        seen = np.array(history, dtype=np.int32)
        days = np.arange(len(history), dtype=np.int64) * 8 * 86_400_000_000
        allowed = np.array(draw(st.lists(st.booleans(), min_size=N, max_size=N)))
        who = Asked(
            user=f"用户/{number}",
            history=Histories.of([history]),
            seen=Seen(seen, NOW - days, draw(st.lists(ACTS, min_size=len(history), max_size=len(history)))),
            near=draw(st.sampled_from([None, NEAR])),
            allowed=draw(st.sampled_from([None, allowed])),
            now=NOW,
            seed=draw(st.integers(0, 99)),
        )
        found.append((rows, scores, who))
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ONE, max_size=5), LAST, people(), st.sampled_from([None, 0.5]), st.integers(1, 12))
def test_any_pipeline(
    items: Items,
    stages: list[dict[str, Any]],
    last: dict[str, Any] | None,
    asked: list[tuple[list[int], list[float], Asked]],
    level: float | None,
    k: int,
) -> None:
    told = [*stages, *([last] if last else [])]
    one = Pipeline.parse("any", {"stage": told}, "any")
    width = max(1, *(len(rows) for rows, _, _ in asked))
    rows = np.full((len(asked), width), -1, dtype=np.int32)
    scores = np.full((len(asked), width), -np.inf, dtype=np.float32)
    for place, (own, said, _) in enumerate(asked):
        rows[place, : len(own)], scores[place, : len(own)] = own, said
    many = one.run_many(rows, scores, items, [who for _, _, who in asked], k=k, level=level)
    brought = {items.ids.row(stage["item"]) for stage in told if stage["kind"] == "pin"}
    for place, (own, said, who) in enumerate(asked):
        ranked = one.run(Request(rows[place], scores[place], items, who, k, level))
        size = len(ranked.rows)
        assert many[0][place, :size].tolist() == ranked.rows.tolist()
        assert (many[0][place, size:] == -1).all()
        np.testing.assert_array_equal(many[1][place, :size], ranked.scores)
        np.testing.assert_array_equal(many[2][place, :size], ranked.propensities)
        found = ranked.rows.tolist()
        assert len(set(found)) == size <= k
        assert all(who.may_show(row) for row in found)
        outside = {row for row in found if row not in own}
        brings = any(stage["kind"] in BRING for stage in told)
        assert brings or not outside - brought or (last or {}).get("draw") == "newcomers"
        assert set(ranked.said) <= set(range(N))
        # Relevance keeps speaking for the items that it spoke for.
        spoken = dict(zip(own, np.array(said, dtype=np.float32).tolist(), strict=True))
        assert all(
            brings
            or spoken.get(row, score) == score
            or row in brought  # dropped by a strict cap, say, and pinned again
            for row, score in zip(found, ranked.scores.tolist(), strict=True)
        )
        assert ((ranked.propensities > 0) & (ranked.propensities <= 1)).all()
        assert [trace.stage for trace in ranked.traces] == [stage["kind"] for stage in told]


def test_the_beginning_does_not_depend_on_k(items: Items, ask: Callable[..., Asked]) -> None:
    rows, scores = np.arange(N, dtype=np.int32), np.linspace(1, 0.1, N).astype(np.float32)
    for one in (Pipeline.default(), Pipeline.parse("x", {"stage": [{"kind": "explore", "rate": 1.0}]}, "x")):
        long = one.run(Request(rows, scores, items, ask(), k=10)).rows.tolist()
        assert one.run(Request(rows, scores, items, ask(), k=4)).rows.tolist() == long[:4]


def test_traces_say_what_moved_and_why(items: Items, ask: Callable[..., Asked]) -> None:
    told = [
        {"kind": "available", "where": {"stock_above": 0}},
        {"kind": "diversity", "within": 2, "strength": 0.8},
        {"kind": "cap", "by": "brand", "most": 1, "within": 2},
        {"kind": "pin", "item": "香皂", "position": 1},
    ]
    rows, scores = np.array([0, 1, 2, 5], dtype=np.int32), np.array([1, 0.9, 0.8, 0.7], dtype=np.float32)
    ranked = Pipeline.parse("x", {"stage": told}, "x").run(Request(rows, scores, items, ask(), k=3))
    assert ranked.rows.tolist() == [8, 0, 5]
    assert [trace.lines("en", items.ids.ids) for trace in ranked.traces] == [
        [
            "lip 3: rank 3 -> 2, moves up as others go down",
            "shampoo: rank 4 -> 3, moves up as others go down",
            "口红/2: dropped from rank 2, not available: stock_above 0 does not hold",
        ],
        [
            "shampoo: rank 3 -> 2, unlike those that stand before it",
            "lip 3: rank 2 -> 3, too like 'title of 口红/1' (1.00)",
        ],
        [],
        [
            "香皂: put at rank 1, pinned to place 1",
            "口红/1: rank 1 -> 2, makes room for a pinned item",
            "shampoo: rank 2 -> 3, makes room for a pinned item",
            "lip 3: rank 3 -> 4, makes room for a pinned item",
        ],
    ]
    chinese = [trace.lines("zh", items.ids.ids) for trace in ranked.traces]
    assert chinese[0][2] == "口红/2：从第 2 位移除，不可用：不满足 stock_above 0"
    assert chinese[1] == [
        "shampoo：第 3 位 → 第 2 位，与排在前面的结果不同",
        "lip 3：第 2 位 → 第 3 位，与“title of 口红/1”过于相似（1.00）",
    ]
    assert chinese[3][0] == "香皂：加入第 1 位，置顶到第 1 位"


def test_nothing_brings_back_what_was_seen_or_cannot_be_had(items: Items, ask: Callable[..., Asked]) -> None:
    rows, scores = np.array([0, 3, 4], dtype=np.int32), np.array([1, 0.9, 0.8], dtype=np.float32)
    pins = [{"kind": "pin", "item": "口红/2", "position": 1}, {"kind": "pin", "item": "soap", "position": 1}]
    newcomers = {"kind": "explore", "slots": [1], "rate": 1.0, "draw": "newcomers", "most_events": 2}
    told = [{"kind": "seen"}, {"kind": "available", "where": {"stock_above": 0}}, *pins, newcomers]
    # Row 1 is out of stock and 7 was seen; of the newcomers (6, 8, 9) 9 has no stock and 6 was seen.
    who = ask(history=Histories.of([[6, 7]]))
    one = Pipeline.parse("x", {"stage": told}, "x")
    assert one.run(Request(rows, scores, items, who)).rows.tolist() == [8, 3, 4, 0]
    assert one.run_many(rows[None], scores[None], items, [who])[0][0, :4].tolist() == [8, 3, 4, 0]


def test_what_scores_are_worth() -> None:
    def worth(scores: list[float], level: float | None = None) -> list[float]:
        return [round(value, 6) for value in worth_of(np.array(scores, dtype=np.float32), level).tolist()]

    assert worth([4, 2, 0]) == [1, 0.5, 0]
    assert worth([4, 2, 0], level=2) == [2, 1, 0]
    assert worth([4, 2, -3]) == [1, 0.5, 0]
    assert worth([-1, -2, -3]) == [1, 0.5, 0]
    assert worth([-1, -2, -3], level=2) == [1, 0.5, 0]
    assert worth([0, 0]) == [1, 1]
    assert worth([]) == []
    assert level_of(np.array([[3, 1], [1, 0], [2, 0]], dtype=np.float32)) == 2
    assert level_of(np.zeros((2, 2), dtype=np.float32)) is None


def test_probabilities_stand_in_for_scores(items: Items, ask: Callable[..., Asked]) -> None:
    """Scores of a ranking that all lie close together say little of what an exchange costs; probabilities say it."""
    rows, scores = np.array([0, 1, 5], dtype=np.int32), np.array([0.99, 0.98, 0.97], dtype=np.float32)
    one = Pipeline.parse("x", {"stage": [{"kind": "diversity", "within": 2, "strength": 0.5}]}, "x")
    assert one.run(Request(rows, scores, items, ask())).rows.tolist() == [0, 5, 1]
    sure = np.array([0.9, 0.8, 0.001], dtype=np.float32)
    ranked = one.run(Request(rows, scores, items, ask(), chances=sure, level=0.1))
    assert ranked.rows.tolist() == [0, 1, 5]
    assert ranked.scores.tolist() == scores.tolist()
    # A probability that is not known counts as the least of the others.
    unknown = np.array([0.9, 0.8, np.nan], dtype=np.float32)
    assert one.run(Request(rows, scores, items, ask(), chances=unknown, level=1.0)).rows.tolist() == [0, 5, 1]
    nothing = np.full(3, np.nan, dtype=np.float32)
    assert one.run(Request(rows, scores, items, ask(), chances=nothing)).rows.tolist() == [0, 5, 1]


def test_facts_are_read_only_where_a_stage_asks(ask: Callable[..., Asked]) -> None:
    catalogue = Catalogue(["a", "b"], [["x"], ["y"]], ["", ""], None, np.zeros(2, dtype=bool))

    class Unread:
        def items(self) -> Any:
            raise AssertionError("nobody asked")

    items = items_of(IdMap(["a", "b"]), catalogue, Unread())  # type: ignore[arg-type]
    rows, scores = np.array([0, 1], dtype=np.int32), np.array([1, 0.5], dtype=np.float32)
    assert Pipeline.default().run(Request(rows, scores, items, ask())).rows.tolist() == [0, 1]
    ruled = Pipeline.parse("x", {"stage": [{"kind": "boost", "where": {"brand": "A"}}]}, "x")
    with pytest.raises(AssertionError, match="nobody asked"):
        ruled.run(Request(rows, scores, items, ask()))
    bare = Items(IdMap(["a", "b"]), [[], []])
    with pytest.raises(ConfigError, match="asks for attributes"):
        ruled.run(Request(rows, scores, bare, ask()))


def test_the_default_is_quick(ask: Callable[..., Asked]) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = Items(IdMap([str(row) for row in range(1000)]), [[]] * 1000, vectors=vectors)
    scores = np.sort(rng.random(200).astype(np.float32))[::-1]
    one, who, spent = Pipeline.default(), ask(history=Histories.of([[1, 2, 3]])), []
    with one_thread():
        for _ in range(50):
            rows = rng.choice(1000, 200, replace=False).astype(np.int32)
            began = time.process_time()
            one.run(Request(rows, scores, items, who))
            spent.append(time.process_time() - began)
    assert float(np.median(spent)) < 0.002
