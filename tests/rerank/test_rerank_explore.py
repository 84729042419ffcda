"""What is drawn by chance: the logged chances are those with which it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zhiyin.pipeline import Pipeline, Ranked, Request
from zhiyin.rerank import Asked, Items
from zhiyin.types import Histories

ROWS = np.array([0, 1, 2, 3, 4, 5], dtype=np.int32)
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], dtype=np.float32)
SEEDS = 2500


def pipeline(**told: object) -> Pipeline:
    return Pipeline.parse("探索", {"stage": [{"kind": "explore", **told}]}, "a test")


def lists(one: Pipeline, items: Items, seeds: int, k: int = 10, **who: object) -> list[Ranked]:
    return [
        one.run(Request(ROWS, SCORES, items, Asked(user="张伟", seed=seed, **who), k=k))  # type: ignore[arg-type]
        for seed in range(seeds)
    ]


@pytest.mark.parametrize(
    "told",
    [
        {"slots": [2, 3], "rate": 0.4, "reach": 3},
        {"slots": [1], "rate": 1.0, "reach": 50},
        {"slots": [2, 4], "rate": 0.7, "reach": 2},
        {"slots": [3], "rate": 0.5, "draw": "newcomers", "most_events": 4, "reach": 4},
        {"slots": [1, 3], "rate": 0.6, "by": "thompson", "floor": 0.3},
        {"slots": [2], "rate": 0.5, "by": "linucb", "floor": 0.1, "reach": 3},
    ],
)
def test_frequencies_are_the_logged_chances(items: Items, told: dict[str, object]) -> None:
    found = lists(pipeline(**told), items, SEEDS)
    seen: Counter[tuple[int, int]] = Counter()
    logged: dict[tuple[int, int], float] = {}
    for one in found:
        assert len(set(one.rows.tolist())) == len(one.rows)
        for place, (row, chance) in enumerate(zip(one.rows.tolist(), one.propensities.tolist(), strict=True)):
            seen[place, row] += 1
            assert logged.setdefault((place, row), chance) == pytest.approx(chance), "the same event, the same chance"
    for event, chance in logged.items():
        error = np.sqrt(chance * (1 - chance) / SEEDS)
        assert abs(seen[event] / SEEDS - chance) <= 4.5 * error + 1e-9, (event, chance, seen[event] / SEEDS)
    for place in range(len(found[0].rows)):
        assert sum(chance for (at, _), chance in logged.items() if at == place) == pytest.approx(1)


class Favourite:
    """Likes one item nine times as much as any other."""

    def chances(self, ids: Sequence[str], told: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        assert told.shape in {(len(ids), 5), (len(ids), 0)}
        weight = np.array([9.0 if key == "shampoo" else 1.0 for key in ids])
        return np.asarray(weight / weight.sum())


def learned(items: Items) -> Items:
    return Items(
        items.ids, items.categories, vectors=items.vectors, popularity=items.popularity, choosers=lambda _: Favourite()
    )


@pytest.mark.parametrize("by", ["thompson", "linucb"])
def test_what_learned_decides_who_comes_in(items: Items, by: str) -> None:
    told = {"slots": [2, 3], "rate": 0.5, "by": by, "floor": 0.2}
    test_frequencies_are_the_logged_chances(learned(items), told)
    found = lists(pipeline(**told), learned(items), 400, history=Histories.of([[5]]))
    # Slot 2 draws from rows 3 and 5, slot 3 from row 4 alone: 0.8 * 0.9 + 0.2 / 2, half of the time.
    chances = {round(float(one.propensities[1]), 6) for one in found if one.rows[1] == 5}
    assert chances == {round(0.5 * (0.8 * 0.9 + 0.1), 6)}
    assert {round(float(one.propensities[2]), 6) for one in found} == {0.5}


def test_another_day_or_another_event_draws_again(items: Items) -> None:
    one = pipeline(slots=[1, 2], rate=0.5)

    def drawn(**who: object) -> tuple[int, ...]:
        return tuple(one.run(Request(ROWS, SCORES, items, Asked(user="u", **who))).rows.tolist())  # type: ignore[arg-type]

    day = 86_400_000_000
    assert len({drawn(now=day * number) for number in range(30)}) > 5
    assert drawn(now=day * 3) == drawn(now=day * 4 - 1)
    assert len({drawn(history=Histories.of([[9] * number])) for number in range(30)}) > 5


def test_what_is_drawn_follows_from_seed_user_and_list(items: Items) -> None:
    one = pipeline(slots=[1, 2], rate=0.5)

    def drawn(**who: object) -> list[int]:
        asked = Asked(**{"user": "u", "seed": 1, "list_id": "home", **who})  # type: ignore[arg-type]
        return [int(row) for row in one.run(Request(ROWS, SCORES, items, asked)).rows]

    assert drawn() == drawn()
    assert len({tuple(drawn(user=f"用户 {number}")) for number in range(30)}) > 5
    assert len({tuple(drawn(list_id=f"list/{number}")) for number in range(30)}) > 5
    assert len({tuple(drawn(seed=number)) for number in range(30)}) > 5


def test_newcomers_come_from_outside_and_never_barred_ones(items: Items) -> None:
    # Rows 6, 8 and 9 have four events or fewer and are no candidates; 8 may not come out and 9 is known.
    one = pipeline(slots=[1], rate=1.0, draw="newcomers", most_events=2)
    allowed = np.ones(10, dtype=bool)
    allowed[8] = False
    found = lists(one, items, 20, allowed=allowed, history=Histories.of([[9]]))
    assert {int(one.rows[0]) for one in found} == {6}
    assert found[0].propensities.tolist() == [1.0] * 7
    assert found[0].rows.tolist() == [6, 1, 2, 3, 4, 5, 0]
    assert found[0].scores[0] == SCORES.min(), "one without a score has the last one's"


def test_too_few_to_draw_from(items: Items) -> None:
    one = pipeline(slots=[2, 6], rate=1.0)
    assert lists(one, items, 3)[0].rows.tolist() == ROWS.tolist()
    assert lists(one, items, 3)[0].propensities.tolist() == [1.0] * 6


def test_certain_without_exploring(items: Items, ask: Callable[..., Asked]) -> None:
    told = Pipeline.default().run(Request(ROWS, SCORES, items, ask()))
    assert told.propensities.tolist() == [1.0] * 6
