"""Accuracy against hand-computed tables and against ir-measures."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.errors import DataError, UsageError
from zhiyin.evaluate.metrics import ACCURACY, accuracy, hits
from zhiyin.types import Histories, Ints

NAN = float("nan")


def ranked(*rows: list[int]) -> Ints:
    width = max(map(len, rows), default=0)
    return np.array([row + [-1] * (width - len(row)) for row in rows], dtype=np.int32).reshape(len(rows), width)


def test_one_target_by_eye() -> None:
    # Hit at rank 1, 2, 4, nowhere, nothing recommended, nothing wanted.
    lists = ranked([5, 1, 2, 3], [1, 5, 2, 3], [1, 2, 3, 5], [1, 2, 3, 4], [], [5, 1, 2, 3])
    got = accuracy(lists, Histories.of([[5], [5], [5], [5], [5], []]), [2, 4])
    log3, log5 = np.log2(3), np.log2(5)
    expected = {
        "HR@2": [1, 1, 0, 0, 0, NAN],
        "HR@4": [1, 1, 1, 0, 0, NAN],
        "Recall@4": [1, 1, 1, 0, 0, NAN],
        "Precision@2": [1 / 2, 1 / 2, 0, 0, 0, NAN],
        "Precision@4": [1 / 4, 1 / 4, 1 / 4, 0, 0, NAN],
        "MRR@4": [1, 1 / 2, 1 / 4, 0, 0, NAN],
        "MAP@4": [1, 1 / 2, 1 / 4, 0, 0, NAN],
        "NDCG@2": [1, 1 / log3, 0, 0, 0, NAN],
        "NDCG@4": [1, 1 / log3, 1 / log5, 0, 0, NAN],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, err_msg=name)


def test_three_targets_by_eye() -> None:
    # Hits at ranks 1 and 3 of 4; three wanted.
    got = {name: value[0] for name, value in accuracy(ranked([7, 0, 8, 1]), Histories.of([[9, 8, 7]]), [2, 4]).items()}
    assert got["HR@4"] == 1
    assert got["Recall@4"] == pytest.approx(2 / 3)
    assert got["Precision@4"] == pytest.approx(2 / 4)
    assert got["MRR@4"] == 1
    assert got["MAP@4"] == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert got["MAP@2"] == pytest.approx(1 / 2), "min(k, R) = 2, one hit in front"
    assert got["NDCG@4"] == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2))
    assert got["NDCG@2"] == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_a_perfect_list_reaches_one_even_when_more_is_wanted() -> None:
    got = accuracy(ranked([3, 2]), Histories.of([[0, 1, 2, 3]]), [2])
    assert {name: value[0] for name, value in got.items()} == {
        "HR@2": 1, "NDCG@2": 1, "Recall@2": 0.5, "Precision@2": 1, "MRR@2": 1, "MAP@2": 1,
    }  # fmt: skip


def test_lists_belong_to_their_own_user() -> None:
    """Item 1 is wanted by user 0 only, and no other row may profit from it."""
    assert hits(ranked([1], [1], [0]), Histories.of([[1], [0], [1]])).tolist() == [[True], [False], [False]]


def test_rows_beyond_32_bits_do_not_collide() -> None:
    users, item = 3000, 2_000_000
    lists = np.full((users, 1), item, dtype=np.int32)
    targets = Histories.of([[item] if user % 2 else [0] for user in range(users)])
    assert hits(lists, targets)[:, 0].tolist() == [bool(user % 2) for user in range(users)]


def test_no_users_and_no_items() -> None:
    nobody = accuracy(np.empty((0, 3), dtype=np.int32), Histories.of([]), [1, 3])
    assert [len(value) for value in nobody.values()] == [0] * 2 * len(ACCURACY)
    nothing = accuracy(ranked([-1, -1], [-1, -1]), Histories.of([[], [0]]), [2])
    for name in ACCURACY:
        np.testing.assert_array_equal(nothing[f"{name}@2"], [NAN, 0])


def test_wrong_calls_are_refused() -> None:
    with pytest.raises(DataError, match="same item twice"):
        accuracy(ranked([1, 2, 1]), Histories.of([[1]]), [1])
    for k in (0, 4):
        with pytest.raises(UsageError, match=f"first {k} of 3"):
            accuracy(ranked([1, 2, 3]), Histories.of([[1]]), [k])
    with pytest.raises(UsageError, match="2 lists for 1 users"):
        accuracy(ranked([1], [2]), Histories.of([[1]]), [1])


lists_and_targets = st.lists(
    st.tuples(
        st.lists(st.integers(0, 15), unique=True, max_size=8),
        st.lists(st.integers(0, 15), unique=True, min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(lists_and_targets, st.sampled_from([1, 3, 5]))
def test_agrees_with_ir_measures(pairs: list[tuple[list[int], list[int]]], k: int) -> None:
    lists = ranked(*[row + [-1] * (8 - len(row)) for row, _ in pairs])
    ours = accuracy(lists, Histories.of([wanted for _, wanted in pairs]), [k])
    qrels = {f"u{user}": {f"i{item}": 1 for item in wanted} for user, (_, wanted) in enumerate(pairs)}
    run = {
        f"u{user}": {f"i{item}": 1.0 - rank / 100 for rank, item in enumerate(row)}
        for user, (row, _) in enumerate(pairs)
    }
    theirs = {
        "HR": ir_measures.Success @ k,
        "NDCG": ir_measures.nDCG @ k,
        "Recall": ir_measures.R @ k,
        "Precision": ir_measures.P @ k,
        "MRR": ir_measures.RR @ k,
        "MAP": ir_measures.AP @ k,
    }
    names = {str(measure): name for name, measure in theirs.items()}
    compared = 0
    for metric in ir_measures.iter_calc(list(theirs.values()), qrels, run):
        user, name = int(metric.query_id[1:]), names[str(metric.measure)]
        value = ours[f"{name}@{k}"][user]
        wanted = len(pairs[user][1])
        if name == "MAP":
            value *= min(k, wanted) / wanted
        assert value == pytest.approx(metric.value), (name, pairs[user])
        compared += 1
    assert compared == len(theirs) * len(pairs)


@settings(max_examples=60, deadline=None)
@given(lists_and_targets)
def test_ranges_and_growth_with_k(pairs: list[tuple[list[int], list[int]]]) -> None:
    lists = ranked(*[row + [-1] * (8 - len(row)) for row, _ in pairs])
    got = accuracy(lists, Histories.of([wanted for _, wanted in pairs]), [1, 3, 8])
    for value in got.values():
        assert ((value >= 0) & (value <= 1 + 1e-12)).all()
    for name in ("HR", "Recall", "MRR"):
        assert (got[f"{name}@1"] <= got[f"{name}@3"]).all()
        assert (got[f"{name}@3"] <= got[f"{name}@8"]).all()
