from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.rank.fusion import Combiner, Facts, Table, TreeParams, learn, places, score_columns, score_table
from zhiyin.rank.fusion.linear import learn_weights
from zhiyin.rank.fusion.table import standardised
from zhiyin.rank.fusion.trees import Trees, learn_trees
from zhiyin.testing.fixtures import NEW_TEA, shop
from zhiyin.types import Histories


def of_people(people: int, each: int, columns: int, seed: int = 0) -> tuple[Table, np.ndarray]:
    """Everybody has ``each`` candidates and chooses the one with the highest first column; the others are noise."""
    values = np.random.default_rng(seed).normal(size=(people * each, columns)).astype(np.float32)
    indptr = np.arange(people + 1, dtype=np.int64) * each
    names = tuple(f"score:{place}" for place in range(columns))
    labels = np.zeros(people * each, dtype=np.bool_)
    labels[values[:, 0].reshape(people, each).argmax(axis=1) + indptr[:-1]] = True
    return Table(indptr, np.tile(np.arange(each, dtype=np.int32), people), names, values), labels


def test_standardised_over_each_person_alone() -> None:
    values = np.array([1, 2, 3, 10, 10, 7], dtype=np.float32)
    indptr = np.array([0, 3, 5, 5, 6])
    expected = [-np.sqrt(1.5), 0, np.sqrt(1.5), 0, 0, 0]
    assert standardised(values, indptr) == pytest.approx(expected, abs=1e-6)


def test_nearly_equal_scores_do_not_become_noise() -> None:
    values = np.array([1e6, 1e6 + 0.06], dtype=np.float32)
    assert standardised(values, np.array([0, 2])).tolist() == [0, 0]


def test_places_break_ties_by_row() -> None:
    assert places(np.array([5, 9, 9, 1, 2], dtype=np.float32), np.array([0, 3, 5])).tolist() == [2, 0, 1, 1, 0]


def test_labels_are_of_the_person_and_the_item() -> None:
    table = Table(np.array([0, 2, 4]), np.array([3, 5, 3, 5], dtype=np.int32), (), np.zeros((4, 0), dtype=np.float32))
    assert table.labels(Histories.of([[5, 9], [3]]), 10).tolist() == [False, True, True, False]


def test_take_keeps_rows_with_their_person() -> None:
    table, _ = of_people(4, 3, 2)
    some = table.take(np.array([2, 0]))
    assert np.array_equal(some.values, np.concatenate((table.values[6:9], table.values[:3])))
    assert some.indptr.tolist() == [0, 3, 6]


def test_the_sum_leans_on_what_decides() -> None:
    table, labels = of_people(300, 8, 3)
    weights = learn_weights(table, labels, rising=set(), penalty=1e-3)
    assert weights[0] > 10 * max(abs(weights[1]), abs(weights[2]))


def test_a_score_never_counts_against_an_item() -> None:
    table, labels = of_people(200, 6, 2)
    against = Table(table.indptr, table.items, table.columns, -table.values)
    assert learn_weights(against, labels, rising=set(), penalty=1e-3)[0] < 0
    assert learn_weights(against, labels, rising={"score:0"}, penalty=1e-3)[0] == 0


def test_nobody_chose_anything() -> None:
    table, labels = of_people(5, 4, 2)
    nothing = np.zeros_like(labels)
    assert learn_weights(table, nothing, rising=set(), penalty=1e-3).tolist() == [0, 0]
    assert not learn_trees(table, nothing, set(), TreeParams(), 0).score(table.values).any()


def test_trees_give_what_lightgbm_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    import lightgbm

    table, labels = of_people(300, 10, 4)
    params = TreeParams(trees=12, least_rows=20)
    trees = learn_trees(table, labels, {"score:0"}, params, 3)
    again = learn_trees(table, labels, {"score:0"}, params, 3)
    assert np.array_equal(trees.score(table.values), again.score(table.values)), "the same seed, the same trees"
    # The same training once more, asked by LightGBM itself.
    kept: list[lightgbm.Booster] = []
    original = lightgbm.train

    def watched(*asked: Any, **how: Any) -> lightgbm.Booster:
        kept.append(original(*asked, **how))
        return kept[0]

    monkeypatch.setattr(lightgbm, "train", watched)
    learn_trees(table, labels, {"score:0"}, params, 3)
    assert trees.score(table.values) == pytest.approx(kept[0].predict(table.values), abs=1e-5)


def test_trees_put_what_was_chosen_first() -> None:
    table, labels = of_people(400, 10, 3)
    new, chosen = of_people(200, 10, 3, seed=9)
    scores = learn_trees(table, labels, set(), TreeParams(least_rows=20), 0).score(new.values)
    first = places(scores, new.indptr)[chosen]
    assert (first == 0).mean() > 0.8


@settings(max_examples=30, deadline=None)
@given(st.floats(-3, 3), st.floats(0, 3), st.integers(0, 49))
def test_trees_never_fall_where_a_score_rises(start: float, step: float, row: int) -> None:
    table, labels = of_people(200, 8, 3)
    trees = _rising(table, labels)
    low, high = table.values[row : row + 1].copy(), table.values[row : row + 1].copy()
    low[0, 1], high[0, 1] = start, start + step
    assert trees.score(high)[0] >= trees.score(low)[0] - 1e-6


_kept: list[Trees] = []


def _rising(table: Table, labels: np.ndarray) -> Trees:
    if not _kept:
        _kept.append(learn_trees(table, labels, {"score:1"}, TreeParams(least_rows=10), 0))
    return _kept[0]


@pytest.mark.parametrize("kind", ["linear", "trees"])
def test_a_combiner_comes_back_from_its_arrays(kind: str) -> None:
    scores = np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)
    indptr = np.arange(0, 91, 9)
    columns = score_columns(["a", "b"])
    table = Table(indptr, np.tile(np.arange(9, dtype=np.int32), 10), columns, score_table(scores, indptr))
    labels = places(scores[:, 1], indptr) == 0
    made = learn(table, labels, kind, models=["a", "b"], penalty=1e-3, trees=TreeParams(least_rows=5), seed=0)  # type: ignore[arg-type]
    back = Combiner.restore(columns, made.kind, made.arrays())
    assert np.array_equal(made.score(table), back.score(table))
    assert made.share("b") > made.share("a")
    assert made.share("a") + made.share("b") == pytest.approx(1)


def test_facts_say_what_can_be_seen_in_the_shop() -> None:
    data = shop()
    facts = Facts.of(data)
    row = data.interactions.items.row(NEW_TEA)
    assert facts.fresh[row]
    assert facts.fresh.sum() == (np.bincount(data.interactions.histories.items, minlength=len(facts.items)) == 0).sum()
    histories = Histories.of([[0, 1], []])
    items = np.array([row, 2, row], dtype=np.int32)
    table = facts.table(histories, np.array([0, 2, 3]), items)
    assert table.shape == (3, len(facts.columns))
    assert np.isfinite(table).all()
    column = facts.columns.index("history")
    assert table[:, column] == pytest.approx([np.log(3), np.log(3), 0])
    if "text_last" in facts.columns:
        vectors = data.catalogue.vectors
        assert vectors is not None
        assert table[1, facts.columns.index("text_last")] == pytest.approx(float(vectors[2] @ vectors[1]), abs=1e-6)
        assert table[2, facts.columns.index("text_last")] == 0, "nothing is like an empty history"


def test_facts_grow_with_newcomers() -> None:
    facts = Facts.of(shop())
    vectors = np.ones((2, 4 if facts.vectors is None else facts.vectors.shape[1]), dtype=np.float32)
    grown = facts.with_newcomers(vectors)
    assert grown.fresh[-2:].all()
    assert np.array_equal(grown.items[:-2], facts.items)
    assert grown.columns == facts.columns
