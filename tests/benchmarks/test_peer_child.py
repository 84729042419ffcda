"""What crosses to a peer elsewhere comes out as it went in, and lists are cut as they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.peer_child import Answer, Lists, Question, best_of, gain
from benchmarks.peer_cost import STATUS, Cost, watched
from benchmarks.quality_rows import one_by_one


def question(patience: int = 0, values: tuple[int, ...] = (1,)) -> Question:
    return Question(
        model="模型/a b",
        params={"epochs": 3, "loss": "softmax", "rate": 0.5},
        train=(np.array([0, 0, 1]), np.array([2, 1, 0]), np.array([1, 0.5, 1], dtype=np.float32)),
        asked=(np.array([1]), np.array([2]), np.array([1], dtype=np.float32)),
        rows_in_training=np.array([-1, 1]),
        n_items=4,
        allowed=np.array([0, 1, 3]),
        k=2,
        exclude_seen=True,
        seed=7,
        along="epochs",
        values=list(values),
        targets=(np.array([0, 1]), np.array([3, 0])),
        patience=patience,
    )


def test_a_question_comes_out_as_it_went_in(tmp_path: Path) -> None:
    asked = question()
    asked.write(tmp_path / "q.npz")
    read = Question.read(tmp_path / "q.npz")
    assert (read.model, read.params, read.along, read.values) == (asked.model, asked.params, "epochs", [1])
    assert (read.n_items, read.n_asked, read.k, read.exclude_seen, read.seed) == (4, 2, 2, True, 7)
    assert [part.tolist() for part in read.train] == [[0, 0, 1], [2, 1, 0], [1, 0.5, 1]]
    assert read.targets is not None
    assert [part.tolist() for part in read.targets] == [[0, 1], [3, 0]]
    assert read.with_value(9) == {"epochs": 9, "loss": "softmax", "rate": 0.5}
    with np.load(tmp_path / "q.npz", allow_pickle=False) as file:
        assert len(file.files) == 11  # every array can be read without pickle


def test_an_answer_comes_out_as_it_went_in(tmp_path: Path) -> None:
    lists = Lists(question())
    lists.add(np.array([[3, 1], [0, -1]]), np.array([[2.0, 1.0], [1.0, -np.inf]]), 0.5, 0.25)
    lists.answer(12.5).write(tmp_path / "a.npz")
    read = Answer.read(tmp_path / "a.npz")
    assert read.rows.tolist() == [[[3, 1], [0, -1]]]
    assert (read.fit_seconds.tolist(), read.list_seconds.tolist(), read.mib) == ([0.5], [0.25], 12.5)


def test_gain_by_hand() -> None:
    users, items = np.array([0, 1]), np.array([3, 0])
    assert gain(np.array([[3, 1], [1, 2]]), users, items, 4) == pytest.approx(0.5)
    assert gain(np.array([[1, 3], [0, 2]]), users, items, 4) == pytest.approx((1 / np.log2(3) + 1) / 2)
    # -1 of the second user must not read as item 3 of the first.
    assert gain(np.array([[-1, -1], [-1, -1]]), users, items, 4) == 0


def test_patience_ends_what_brings_nothing() -> None:
    good, bad = np.array([[3, 1], [0, 1]]), np.array([[1, 2], [1, 2]])
    lists = Lists(question(patience=2))
    for rows, enough in ((bad, False), (good, False), (bad, False), (bad, True)):
        lists.add(rows, np.zeros((2, 2)), 1.0, 1.0)
        assert lists.enough is enough
    without = Lists(question(patience=0))
    without.add(bad, np.zeros((2, 2)), 1.0, 1.0)
    without.add(bad, np.zeros((2, 2)), 1.0, 1.0)
    assert not without.enough


def test_the_best_of_what_may_come_out() -> None:
    scores = np.array([5.0, 4.0, np.nan, 3.0, 9.0, 3.0])
    rows, kept = best_of(scores, seen=np.array([0]), allowed=np.array([0, 1, 2, 3, 5]), k=4)
    # 0 is seen, 2 has no score, 4 is not allowed; of equals the earlier row comes first.
    assert rows.tolist() == [1, 3, 5, -1]
    assert kept.tolist() == [4, 3, 3, -np.inf]


@pytest.mark.skipif(not STATUS.exists(), reason="this system does not tell a process's memory")
def test_memory_is_that_of_the_work_and_not_of_what_came_before() -> None:
    mib = 1 << 20
    for size in (64, 16, 64):
        with watched() as cost:
            block = np.ones(size * mib, dtype=np.uint8)
            del block
        assert size * 0.9 < cost.mib < size + 12
        assert cost.seconds > 0


def test_costs_one_after_the_other_add_up() -> None:
    # The second needs 30 while the first still holds 20; then 20 + 5 stay, and the third needs 1.
    total = one_by_one([Cost(1.0, 40.0, 20.0), Cost(2.0, 30.0, 5.0), Cost(0.5, 1.0, 1.0)])
    assert total == Cost(3.5, 50.0, 26.0)
