"""Each rule once, on a shop whose answers are visible by eye (see conftest)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from zhiyin.errors import ConfigError
from zhiyin.rerank import Asked, Items, Seen, Stage
from zhiyin.rerank.conditions import mask, number_of
from zhiyin.rerank.exposure import small
from zhiyin.types import NO_TIME, Histories

Arrange = Callable[..., list[int]]
Ask = Callable[..., Asked]
DAY = 86_400_000_000
NOW = 1_700_000_000_000_000


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"category": "makeup"}, [0, 1, 2, 3, 4]),
        ({"category": ["Lips", "身体"]}, [0, 1, 2, 7, 8]),
        ({"category_not": "Makeup"}, [5, 6, 7, 8, 9]),
        ({"brand": "小店"}, [5, 6]),
        ({"brand": ["b", "C"]}, [3, 4, 8]),
        ({"brand_not": "A"}, [3, 4, 5, 6, 8, 9]),
        ({"price_below": 6}, [5, 7, 8]),
        ({"price_above": 12}, [1, 3, 4]),
        ({"price": 12.5}, [1]),
        ({"price": 10}, [0]),
        ({"id": ["口红/1", "lip 3"]}, [0, 2]),
        ({"id_not": "no brand", "brand": "C"}, [8]),
        ({"title_has": "Shampoo"}, [5]),
        ({"title_has": "洗发"}, [6]),
        ({"new_days": 10}, [6, 7, 8]),
        ({"category": "Makeup", "price_below": 10, "brand": "A"}, [2]),
    ],
)
def test_conditions(items: Items, stage_of: Callable[..., Stage], where: dict[str, object], rows: list[int]) -> None:
    stage = stage_of(kind="available", where=where)
    stage.check(items)
    assert np.flatnonzero(mask(stage.params.where, items, NOW)).tolist() == rows
    assert "available" in stage.kind
    assert stage.describe()


@pytest.mark.parametrize(
    ("cell", "number"), [("$12.50", 12.5), ("¥1,299", 1299), (7, 7), ("-3", -3), ("3 for 10", None), (True, None)]
)
def test_numbers_out_of_cells(cell: object, number: float | None) -> None:
    found = number_of(cell)
    assert np.isnan(found) if number is None else found == number


def test_what_no_item_has_is_refused(items: Items, stage_of: Callable[..., Stage]) -> None:
    with pytest.raises(ConfigError, match=r"no item has the attribute 'brnad'.*items have: brand, price, stock"):
        stage_of(kind="boost", where={"brnad": "A"}).check(items)
    with pytest.raises(ConfigError, match="no item has the category 'Makup'"):
        stage_of(kind="bury", where={"category": "Makup"}).check(items)
    with pytest.raises(ConfigError, match="no item '口红/9'"):
        stage_of(kind="pin", item="口红/9").check(items)
    with pytest.raises(ConfigError, match="no item has the attribute 'author'"):
        stage_of(kind="cap", by="author").check(items)


def test_pin(arranged: Arrange, ask: Ask) -> None:
    assert arranged([0, 1, 2, 3], kind="pin", item="mascara/2", position=2) == [0, 4, 1, 2, 3]
    assert arranged([0, 1, 2, 3], kind="pin", item="睫毛膏 1", position=1) == [3, 0, 1, 2]
    assert arranged([0, 1, 2, 3], kind="pin", item="口红/1", position=9) == [1, 2, 3, 0]
    barred = np.ones(10, dtype=bool)
    barred[4] = False
    assert arranged([0, 1], ask(allowed=barred), kind="pin", item="mascara/2", position=1) == [0, 1]


def test_boost_and_bury(arranged: Arrange) -> None:
    # Worth is 1, .9, .8, .7: brand B (rows 3, 4) at .8 and .7 becomes .96 and .84.
    assert arranged([0, 1, 3, 4], kind="boost", where={"brand": "B"}, factor=1.2) == [0, 3, 1, 4]
    assert arranged([0, 1, 3, 4], kind="bury", where={"brand": "A"}, factor=0.75) == [3, 0, 4, 1]
    assert arranged([0, 1, 3, 4], kind="bury", where={"brand": "A"}, factor=0) == [3, 4, 0, 1]
    assert arranged([0, 1, 3, 4], kind="boost", where={"price_below": 1}, factor=9) == [0, 1, 3, 4]


def test_cap(arranged: Arrange) -> None:
    everything = list(range(10))
    assert arranged(everything, kind="cap", by="brand", most=1, within=4) == [0, 3, 5, 8, 1, 2, 4, 6, 7, 9]
    assert arranged(everything, kind="cap", by="category", most=2, within=5)[:5] == [0, 1, 3, 4, 5]
    # By the first category lips and eyes are all Makeup; by every, too.
    assert arranged(everything, kind="cap", by="category", most=2, within=4, categories="first")[:4] == [0, 1, 5, 6]
    assert arranged(everything, kind="cap", by="category", most=2, within=4, categories="every")[:4] == [0, 1, 5, 6]
    assert arranged([0, 1, 2], kind="cap", by="brand", most=1, within=3) == [0, 1, 2]
    assert arranged([0, 1, 2], kind="cap", by="brand", most=1, within=3, strict=True) == [0]


def test_available(arranged: Arrange) -> None:
    assert arranged([0, 1, 2, 9], kind="available", where={"stock_above": 0}) == [0, 2]


def events(*told: tuple[int, float | None, str]) -> Seen:
    times = [NO_TIME if days is None else NOW - int(days * DAY) for _, days, _ in told]
    rows: Sequence[int] = [row for row, _, _ in told]
    return Seen(np.array(rows, dtype=np.int32), np.array(times, dtype=np.int64), [kind for _, _, kind in told])


def test_seen_and_repeat_purchases(arranged: Arrange, ask: Ask) -> None:
    seen = events((0, 90, "purchase"), (5, 90, "purchase"), (6, 10, "purchase"), (7, 90, "view"), (8, None, "purchase"))
    rows = [0, 5, 6, 7, 8, 9]
    assert arranged(rows, ask(seen=seen), kind="seen") == [9]
    again: list[dict[str, object]] = [{"after_days": 30}]
    assert arranged(rows, ask(seen=seen), kind="seen", again=again) == [0, 5, 7, 9]
    again = [{"after_days": 30, "types": ["purchase"]}]
    assert arranged(rows, ask(seen=seen), kind="seen", again=again) == [0, 5, 9]
    again = [{"after_days": 30, "where": {"category": "Hair"}}]
    assert arranged(rows, ask(seen=seen), kind="seen", again=again) == [5, 9]
    again = [{"after_days": 5, "where": {"category": "Hair"}}, {"after_days": 60, "types": ["view"]}]
    assert arranged(rows, ask(seen=seen), kind="seen", again=again) == [5, 6, 7, 9]
    # Bought long ago and once more yesterday: the last event counts.
    seen = events((5, 90, "purchase"), (5, 1, "purchase"))
    assert arranged([5, 9], ask(seen=seen), kind="seen", again=[{"after_days": 30}]) == [9]
    # Without stored events the history bars.
    assert arranged([5, 9], ask(history=Histories.of([[5]])), kind="seen") == [9]


def test_novelty_and_freshness_are_bounded(arranged: Arrange) -> None:
    # The least known of these, row 8 (worth .7), gains at most .5: it passes .9, not the first.
    assert arranged([0, 1, 2, 8], kind="novelty", strength=0.5) == [8, 0, 1, 2]
    assert arranged([0, 1, 2, 8], kind="novelty", strength=0.15) == [0, 1, 8, 2]
    assert arranged([0, 1, 2, 8], kind="novelty", strength=0.0) == [0, 1, 2, 8]
    # Row 8 was made today, row 5 twenty days ago; row 9's time is not known.
    assert arranged([0, 1, 9, 8], kind="freshness", strength=0.25, half_life_days=30) == [0, 8, 1, 9]
    assert arranged([0, 1, 9, 5], kind="freshness", strength=0.25, half_life_days=1) == [0, 1, 9, 5]


def test_small_creators(items: Items, arranged: Arrange) -> None:
    # Events by brand: A 250, B 50, 小店 6, C 1. A and B together hold more than 80 %.
    assert np.flatnonzero(small(items, "brand", 0.9)).tolist() == [5, 6, 8]
    # Attention falls as 1, .63, .5, .43: a fifth of the first two, .33, is nearer to .63 than to nothing.
    assert arranged([0, 1, 2, 5, 6], kind="exposure", by="brand", head=0.9, share=0.2) == [0, 5, 1, 2, 6]
    assert arranged([0, 1, 2, 5, 6], kind="exposure", by="brand", head=0.9, share=0.0) == [0, 1, 2, 5, 6]
    assert arranged([0, 1, 2, 5, 6], kind="exposure", by="brand", head=0.9, share=1.0) == [5, 6, 0, 1, 2]
    # Worth 1, .9, .8, .7, .6: .7 may pass .9 but not 1, .6 may pass .8.
    assert arranged([0, 1, 2, 5, 6], kind="exposure", by="brand", head=0.9, share=1.0, least=0.72) == [0, 5, 1, 6, 2]


def test_diversity_by_text_and_by_category(items: Items, arranged: Arrange) -> None:
    told = {"kind": "diversity", "within": 3, "pool": 10, "strength": 0.8}
    for method in ("swap", "dpp", "mmr"):
        # Three lipsticks give way to one lipstick, one mascara, one shampoo.
        assert arranged([0, 1, 2, 3, 5], **told, method=method)[:3] == [0, 3, 5]
        assert arranged([0, 1, 2, 3, 5], **told, method=method, by="categories")[2] == 5
        assert arranged([0, 1, 2, 3, 5], **told, method=method, keep=2)[:2] == [0, 1]
        assert arranged([0, 1, 2, 3, 5], **{**told, "strength": 0.0}, method=method) == [0, 1, 2, 3, 5]


def test_taste_looks_for_variety_where_the_person_is(arranged: Arrange, ask: Ask) -> None:
    told = {"kind": "diversity", "within": 2, "pool": 10, "strength": 0.7, "method": "swap"}
    assert arranged([0, 1, 3, 5], **told) == [0, 3, 1, 5]
    washed = ask(history=Histories.of([[6]]))
    assert arranged([0, 1, 3, 5], washed, **told, taste=3.0) == [0, 5, 1, 3]
