"""Calibrated lists: Steck's example of a person of two tastes, by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zhiyin.rerank import Asked, Items, Listed, Stage
from zhiyin.rerank.base import listed
from zhiyin.rerank.calibrated import calibrated, divergence, mix_of
from zhiyin.types import Histories, IdMap

Arrange = Callable[..., list[int]]


def test_seventy_romances_and_thirty_thrillers() -> None:
    """Steck 2018, section 2: somebody who watched 70 romances and 30 action films gets ten romances by accuracy alone,
    and seven and three by calibration. Romances are rows 0-9, action films 10-19, each a little worth less than any
    romance."""
    worth = np.concatenate((np.linspace(1.0, 0.91, 10), np.linspace(0.9, 0.81, 10)))
    genres = np.repeat(np.eye(2), 10, axis=0)
    mine = np.array([0.7, 0.3])
    for strength, romances in ((0.0, 10), (0.5, 7), (0.9, 7), (1.0, 7)):
        chosen = calibrated(worth, mine, genres, 10, strength)
        assert (chosen < 10).sum() == romances
    # Of each genre the best are taken, and the first is the best of all.
    chosen = calibrated(worth, mine, genres, 10, 0.5)
    assert sorted(chosen.tolist()) == [*range(7), 10, 11, 12]
    assert chosen[0] == 0


def test_divergence_by_hand() -> None:
    mine = np.array([0.5, 0.5, 0.0])
    assert divergence(mine, mine) == pytest.approx(0)
    # q = .99 * (1, 0) + .01 * (.5, .5) = (.995, .005)
    expected = 0.5 * np.log(0.5 / 0.995) + 0.5 * np.log(0.5 / 0.005)
    assert divergence(mine, np.array([1.0, 0.0, 0.0])) == pytest.approx(expected)
    # What the person does not care for (the third) only counts by what it takes from the others.
    both = divergence(mine, np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]]))
    assert both.shape == (2,)
    assert both[1] > both[0]


def test_mix_by_categories(items: Items) -> None:
    # Three events with lipstick (Makeup and Lips, half each), one with shampoo.
    history = Histories.of([[0, 1, 2, 5]])
    found = mix_of(Asked(history=history), items, np.array([3, 5, 9], dtype=np.int32), "auto")
    assert found is not None
    np.testing.assert_allclose(found[0], [0.375, 0.375, 0.25])
    np.testing.assert_allclose(found[1], np.array([[0.5, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]))
    # Weights count.
    weighed = Histories.of([[0, 5]], weights=[[1.0, 3.0]])
    found = mix_of(Asked(history=weighed), items, np.array([5], dtype=np.int32), "categories")
    assert found is not None
    np.testing.assert_allclose(found[0], [0.125, 0.125, 0.75])


def test_by_interests(stage_of: Callable[..., Stage]) -> None:
    shares = np.array([[0.9, 0.1]] * 3 + [[0.1, 0.9]] * 2, dtype=np.float32)
    items = Items(IdMap(list("甲乙丙丁戊")), [[]] * 5, interests=lambda: shares)
    stage = stage_of(kind="calibration", within=2, pool=5, strength=0.8)
    given: Listed = listed(np.arange(5, dtype=np.int32), np.linspace(1, 0.8, 5).astype(np.float32), Asked())
    told = stage.arrange(given, Asked(mix=np.array([0.5, 0.5], dtype=np.float32)), items)
    assert told.order.tolist() == [0, 3, 1, 2, 4]
    assert told.whys[3].en == "of an interest that the list held too little of"
    assert told.whys[1].zh == "该兴趣在列表中占比过高"
    one_sided = stage.arrange(given, Asked(mix=np.array([0.9, 0.1], dtype=np.float32)), items)
    assert one_sided.order.tolist() == [0, 1, 2, 3, 4]
    # Nothing known of the person, nothing done.
    assert stage.arrange(given, Asked(), items).order.tolist() == [0, 1, 2, 3, 4]


def test_over_a_shop(arranged: Arrange, ask: Callable[..., Asked]) -> None:
    washed = ask(history=Histories.of([[0, 6]]))
    told = {"kind": "calibration", "within": 2, "pool": 10}
    assert arranged([1, 2, 3, 5], washed, **told, strength=0.8) == [1, 5, 2, 3]
    assert arranged([1, 2, 3, 5], washed, **told, strength=0.0) == [1, 2, 3, 5]
