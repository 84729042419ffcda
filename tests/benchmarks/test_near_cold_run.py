"""The benchmark of short histories runs on a small slice, and its blends measure what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import near_cold, understanding
from benchmarks.blends import affinity, blended, standing
from benchmarks.data import SHARED
from zhiyin.preprocess.splits import Trial
from zhiyin.testing.fixtures import training_data
from zhiyin.types import Histories

needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")


@needs_data
def test_near_cold_quick(capsys: pytest.CaptureFixture[str]) -> None:
    near_cold.main(["--quick", "--data", "amazon_beauty"])
    out = capsys.readouterr().out
    assert near_cold.WITHOUT in out
    assert near_cold.SHIPPED in out
    assert "popular in the same categories" in out


def test_affinity_by_hand() -> None:
    score = affinity([["茶", "a"], ["茶"], ["b"], []], np.array([4, 9, 16, 25]))
    found = score(Histories.of([[1], [3]]))
    assert found[0, 1] == pytest.approx(3.0)  # the same category: sqrt(9) * 1
    assert 0 < found[0, 0] < 2.0
    assert found[0, 2:].tolist() == [0, 0]
    assert not found[1].any()


def test_a_blend_moves_the_target() -> None:
    data = training_data({"u": ["a", "b", "c"]}, items=[str(item) for item in range(12)])
    n = data.interactions.n_items
    asked = Trial(
        "validation",
        "strict",
        data.interactions,
        data.now,
        np.array([0, 0], dtype=np.int32),
        Histories.of([[0], [1, 0]]),
        Histories.of([[n - 1], [n - 1]]),
    )
    rising = np.arange(n, dtype=np.float32)
    falls = standing(lambda histories: np.tile(-rising, (len(histories), 1)), asked)
    rises = standing(lambda histories: np.tile(rising, (len(histories), 1)), asked)
    assert blended(falls, rises, 0.0, asked).tolist() == [0.0]
    assert blended(falls, rises, 3.0, asked).tolist() == [1.0]


@needs_data
def test_understanding_quick(capsys: pytest.CaptureFixture[str]) -> None:
    understanding.main(["--quick"])
    out = capsys.readouterr().out
    for part in (understanding.NO_TEXT, understanding.TEXT, "+ item features", "+ interest model", "+ weights for"):
        assert f"| {part}" in out
