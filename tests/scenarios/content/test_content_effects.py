"""What headlines an audience opens: planted, absent, and never out of a few lists."""

from __future__ import annotations

import numpy as np
import polars as pl

from zhiyin.scenarios.content.writing.effects import TRAITS, learn


def lists(ratio: float, people: int = 150, count: int = 1200, seed: int = 0) -> tuple[pl.DataFrame, dict[str, str]]:
    """Titles with a number are opened ``ratio`` times as often in the same place, and stand lower."""
    random = np.random.default_rng(seed)
    titles = {
        f"文/{at}": f"{'7个' if at % 3 == 0 else ''}茶园的故事与采摘{'？' if at % 4 == 0 else ''}" for at in range(200)
    }
    keys = list(titles)
    rows = []
    for _ in range(count):
        person = f"人{random.integers(people)}"
        shown = random.choice(200, 8, replace=False)
        shown = shown[np.argsort([(at % 3 == 0) * 3.0 + random.random() * 5 for at in shown])]
        for place, at in enumerate(shown, 1):
            chance = 0.2 / np.log2(1 + place) * (ratio if at % 3 == 0 else 1.0)
            rows.append((person, keys[at], place, float(random.random() < chance)))
    kinds = {"user_id": pl.String, "item_id": pl.String, "position": pl.Int64, "reward": pl.Float64}
    return pl.DataFrame(rows, schema=kinds, orient="row"), titles


def test_a_trait_is_found_place_by_place() -> None:
    frame, titles = lists(1.6)
    told = learn(frame, titles)
    by_name = {one.trait: one for one in told.effects}
    number = by_name["number"]
    assert number.sure
    assert number.low <= 1.6 <= number.high
    assert 0 < number.weight < np.log(number.ratio) + 1e-9
    assert not by_name["question"].sure
    assert told.weight("7个茶园") > told.weight("茶园") + 0.2
    assert told.note is None


def test_no_trait_where_there_is_none() -> None:
    frame, titles = lists(1.0, seed=3)
    assert not any(one.sure for one in learn(frame, titles).effects)


def test_a_few_lists_teach_nothing() -> None:
    frame, titles = lists(3.0, people=20, count=40)
    told = learn(frame, titles)
    assert told.effects == ()
    assert told.note is not None
    assert f"{told.people} people" in told.note
    assert learn(frame.clear(), titles).effects == ()
    assert told.weight("7个茶园") == 0


def test_traits() -> None:
    has = {name: [trait for trait, (test, _, _) in TRAITS.items() if test(name)] for name in (
        "为什么茶价涨了？", "How you can save 30% on tea", "绿茶", "“三连胜”：火箭队！",
    )}  # fmt: skip
    assert has["为什么茶价涨了？"] == ["question", "how", "short"]
    assert has["How you can save 30% on tea"] == ["number", "you", "how", "short"]
    assert has["绿茶"] == ["short"]
    assert has["“三连胜”：火箭队！"] == ["colon", "quotation", "exclamation", "short"]
