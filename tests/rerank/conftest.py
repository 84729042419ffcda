"""Ten items of a small shop that every test of re-ranking reads by eye."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zhiyin.rerank import Asked, Facts, Items, Listed, Stage
from zhiyin.rerank.base import changed, listed
from zhiyin.rerank.reading import read_stages
from zhiyin.types import NO_TIME, IdMap

DAY = 86_400_000_000
NOW = 1_700_000_000_000_000
IDS = ["口红/1", "口红/2", "lip 3", "睫毛膏 1", "mascara/2", "shampoo", "洗发水", "soap", "香皂", "no brand"]
#      rows 0-2: Makeup, Lips      3-4: Makeup, Eyes          5-6: Hair           7-8: 身体       9: nothing
CATEGORIES = [["Makeup", "Lips"]] * 3 + [["Makeup", "Eyes"]] * 2 + [["Hair"]] * 2 + [["身体"]] * 2 + [[]]
BRANDS = ["A", "A", "A", "B", "B", "小店", "小店", "A", "C", None]
PRICES = [10, 12.5, "¥8.00", 30, "$25", 5, 6, 3, 4, None]
STOCK = [1, 0, 3, 2, 2, 2, 2, 2, 2, None]
POPULARITY = [100, 50, 40, 30, 20, 4, 2, 60, 1, 0]
AGES = [400, 300, 200, 100, 50, 20, 10, 5, 0, None]
DIRECTIONS = [0, 0, 0, 1, 1, 2, 2, 3, 3, None]


def shop() -> Items:
    vectors = np.zeros((10, 4), dtype=np.float32)
    for row, place in enumerate(DIRECTIONS):
        if place is not None:
            vectors[row, place] = 1.0
    attributes: list[dict[str, Any]] = [
        {} if brand is None else {"brand": brand, "price": price, "stock": stock}
        for brand, price, stock in zip(BRANDS, PRICES, STOCK, strict=True)
    ]
    times = np.array([NO_TIME if age is None else NOW - age * DAY for age in AGES], dtype=np.int64)
    return Items(
        IdMap(IDS),
        CATEGORIES,
        titles=[f"title of {key}" if key != "no brand" else "" for key in IDS],
        vectors=vectors,
        popularity=np.array(POPULARITY, dtype=np.float64),
        facts=lambda: Facts(attributes, times),
    )


@pytest.fixture
def items() -> Items:
    return shop()


@pytest.fixture(name="stage_of")
def _stage_of() -> Callable[..., Stage]:
    return stage_of


@pytest.fixture
def ask() -> Callable[..., Asked]:
    """Somebody who asks now."""
    return lambda **told: Asked(**{"now": NOW, **told})


def stage_of(**told: Any) -> Stage:
    return read_stages({"stage": [told]}, "a test")[1][0]


def even(rows: Sequence[int]) -> Listed:
    """A list whose worth falls by 0.1 a place, from 1."""
    scores = np.array([1 - 0.1 * place for place in range(len(rows))], dtype=np.float32)
    return listed(np.array(rows, dtype=np.int32), scores, Asked())


Arrange = Callable[..., list[int]]


@pytest.fixture
def arranged(items: Items) -> Arrange:
    """Rows after one stage has gone over a list of rows."""

    def run(rows: Sequence[int], asked: Asked | None = None, **told: Any) -> list[int]:
        stage = stage_of(**told)
        stage.check(items)
        given = even(rows)
        change = stage.arrange(given, asked or Asked(now=NOW), items)
        after, _ = changed(given, np.ones(len(given)), change)
        assert (np.diff(after.worth) <= 1e-12).all(), "worth falls along the list"
        kept = {int(row): float(score) for row, score in zip(given.rows, given.scores, strict=True)}
        assert all(kept.get(int(row), score) == score for row, score in zip(after.rows, after.scores, strict=True))
        return [int(row) for row in after.rows]

    return run
