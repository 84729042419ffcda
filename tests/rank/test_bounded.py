"""No answer of a language model moves an item further than its bounded share."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from zhiyin.rank.bounded import borda, bounded, order_of, standardised

numbers = st.floats(-1e6, 1e6, width=32)
anything = st.one_of(st.floats(width=32), numbers)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    n = draw(st.integers(1, 20))
    base = draw(st.lists(numbers, min_size=n, max_size=n))
    said = draw(st.lists(anything, min_size=n, max_size=n))
    return np.array(base, np.float32), np.array(said, np.float32), draw(st.floats(0, 2))


@given(pairs())
def test_a_lead_of_more_than_twice_the_weight_is_kept(
    drawn: tuple[NDArray[np.float32], NDArray[np.float32], float],
) -> None:
    base, said, weight = drawn
    final, lead = bounded(base, said, weight), standardised(base)
    assert np.isfinite(final).all()
    ahead = lead[:, None] - lead[None, :] > 2 * weight + 1e-9
    assert (final[:, None] - final[None, :])[ahead].min(initial=1.0) > 0
    assert np.abs(final - lead).max() <= weight + 1e-9


def test_the_bound_is_reached() -> None:
    # Three of four alike: the one the model loves gets clip(1.73) = 1, those it does not -0.58.
    base, said = np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.0, 9.0])
    lead = standardised(base)
    assert order_of(bounded(base, said, 0.0)).tolist() == [0, 1, 2, 3]
    assert bounded(base, said, 0.5)[3] == pytest.approx(lead[3] + 0.5)
    assert order_of(bounded(base, said, 2.0))[0] == 3


def test_what_says_nothing_changes_nothing() -> None:
    base = np.array([0.3, 0.1, 0.2])
    for said in (np.full(3, np.nan), np.full(3, 7.0), np.full(3, np.inf), np.array([0.1, 0.1 + 1e-12, 0.1])):
        assert bounded(base, said, 2.0).tolist() == standardised(base).tolist()
    assert standardised(np.array([5.0])).tolist() == [0.0]
    assert standardised(np.array([1e30, -1e30], np.float32)).tolist() == [1.0, -1.0]
    assert bounded(np.zeros(0), np.zeros(0), 1.0).tolist() == []


def test_an_unknown_opinion_is_an_average_one() -> None:
    moved = bounded(np.zeros(3), np.array([1.0, np.nan, -1.0]), 0.5)
    assert moved.tolist() == [0.5, 0.0, -0.5]


def test_borda() -> None:
    assert borda([[0, 1, 2]], 3).tolist() == [1.0, 0.5, 0.0]
    assert borda([[0, 1, 2], [2, 1, 0]], 3).tolist() == [0.5, 0.5, 0.5]
    assert borda([list(order) for order in permutations(range(3))], 3) == pytest.approx([0.5] * 3)
    assert borda([[0]], 1).tolist() == [0.0]
