"""What the benchmarks of circles and feeds are made of, where no data are needed."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from benchmarks import circles, feed
from zhiyin.types import Histories, IdMap, Interactions


def test_planted_groups_are_found() -> None:
    graph, labels = circles.planted(600, 10, 4000, 1)
    assert (graph != graph.T).nnz == 0
    assert not graph.diagonal().any()
    inside = graph.multiply(labels[:, None] == labels[None]).sum() / graph.sum()
    assert 0.65 < inside < 0.8
    rows = [line.strip("| ").split(" | ") for line in circles.speed(True).splitlines()[2:]]
    assert [row[0] for row in rows] == ["leiden", "louvain"]
    assert all(float(row[1]) < 10 and float(row[-1]) > 0.9 for row in rows)


def test_shuffled_groups_keep_their_sizes() -> None:
    labels = np.array([0, 0, 0, 1, 1, -1], dtype=np.int32)
    found = circles.shuffled(labels, 1)
    assert np.bincount(found + 1).tolist() == np.bincount(labels + 1).tolist()
    assert found[5] == -1


def test_who_posted_what_and_who_is_near() -> None:
    users, items = IdMap(["a", "b", "c"]), IdMap(["x", "y", "z"])
    histories = Histories.of([[0, 1], [1], []], weights=[[1.0, 1.0], [3.0], []], users=[0, 1, 2])
    cells = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.float32))
    train = Interactions(users, items, histories, cells)
    told = feed.posted(train)
    assert [one["author"] for one in told.facts.attributes] == ["a", "b", "nobody 2"]
    near = feed.near_in(train, 2)
    assert near.friends.tolist() == [1.0, 0.0], "b, and a by b"
    assert near.onward.tolist() == [0.0, 0.5]
    assert near.followed == frozenset({"b"})
