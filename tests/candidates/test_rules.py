from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from zhiyin.candidates import rules
from zhiyin.candidates.rules import SequentialRules
from zhiyin.testing.fixtures import chain, training_data
from zhiyin.types import Catalogue, Histories, IdMap, Interactions, TrainingData


def test_next_in_the_chain_comes_first() -> None:
    model = SequentialRules().fit(chain())
    rows, _ = model.top_k(Histories.of([[0], [0, 1], [4], [5]]), 2)
    assert rows.tolist() == [[1, 2], [2, 3], [5, -1], [-1, -1]]


def test_weights_by_hand() -> None:
    """a is followed twice: once by b at distance 1 and c at 2, once by c at 1."""
    data = training_data({"u": ["a", "b", "c"], "v": ["a", "c"]})
    matrix = SequentialRules(shrink=5).fit(data).matrix.toarray()
    assert matrix == pytest.approx(np.array([[0, 1 / 7, 1.5 / 7], [0, 0, 1 / 6], [0, 0, 0]]))
    assert SequentialRules(shrink=0).fit(data).matrix.toarray()[0].tolist() == [0, 0.5, 0.75]


def test_window_limits_the_reach() -> None:
    data = chain(length=6, users=1)
    for window in (1, 2, 9):
        reach = {
            int(column - row)
            for row, column in zip(*SequentialRules(window=window).fit(data).matrix.nonzero(), strict=True)
        }
        assert reach == set(range(1, min(window, 5) + 1))


def test_weight_of_the_later_event_counts() -> None:
    data = training_data({"u": ["a", "b"], "v": ["a", "c"]}, weights={"u": [1, 3], "v": [1, 1]})
    assert SequentialRules(shrink=0).fit(data).matrix.toarray()[0].tolist() == [0, 1.5, 0.5]


def test_no_rule_crosses_people_or_returns_to_itself() -> None:
    data = training_data({"u": ["a", "a"], "v": ["b"], "w": [], "x": ["c"]})
    assert SequentialRules(shrink=0).fit(data).matrix.nnz == 0


def test_merging_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SequentialRules().fit(chain(length=20)).matrix
    monkeypatch.setattr(rules, "PENDING_CELLS", 100)
    parts = SequentialRules().fit(chain(length=20)).matrix
    assert np.array_equal(whole.indices, parts.indices)
    assert parts.toarray() == pytest.approx(whole.toarray())


def test_amazon_beauty_next_item() -> None:
    """Leave-one-out: fitted without the last two events, asked with all but the last, the whole catalogue ranked."""
    source = Path(__file__).parents[2].parent / "shared" / "data" / "amazon_beauty" / "events.csv.gz"
    if not source.is_file():
        pytest.skip("amazon_beauty is not beside the repository")
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        pairs = [line.split(",")[:2] for line in lines][1:]
    users, items = (np.unique([pair[side] for pair in pairs], return_inverse=True) for side in (0, 1))
    order = np.argsort(users[1], kind="stable")
    rows, lengths = items[1][order], np.bincount(users[1])
    ends = np.cumsum(lengths)

    def without_last(count: int) -> Histories:
        kept = np.arange(len(rows)) < np.repeat(ends - count, lengths)
        return Histories(
            np.concatenate(([0], np.cumsum(lengths - count))),
            rows[kept].astype(np.int32),
            np.ones(kept.sum(), dtype=np.float32),
            np.zeros(kept.sum(), dtype=np.int64),
            np.arange(len(lengths), dtype=np.int32),
        )

    n = len(items[0])
    catalogue = Catalogue([""] * n, [[]] * n, [""] * n, None, np.zeros(n, dtype=np.bool_))
    known = Interactions(IdMap(users[0].tolist()), IdMap(items[0].tolist()), without_last(2))
    best, _ = SequentialRules().fit(TrainingData(known, catalogue)).top_k(without_last(1), 10)
    hits = best == rows[ends - 1][:, None]
    ndcg = (hits / np.log2(np.arange(10) + 2)).sum(axis=1).mean()
    assert 0.052 < ndcg < 0.056
