"""DPP, MMR and exchanges against brute force and by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.rerank.greedy import Values, dpp, mmr, swap
from zhiyin.types import Floats


def unit(seed: int, n: int, d: int = 6) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found: Floats = (rows @ rows.T).astype(np.float32)
    np.fill_diagonal(found, 1.0)
    return found


def test_dpp_leaves_a_copy_out() -> None:
    alike = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32)
    worth = np.array([[1.0, 0.9, 0.5]])
    assert dpp(worth, alike[None], 2, 0.5)[0].tolist() == [0, 2]
    assert dpp(worth, alike[None], 2, 0.0)[0].tolist() == [0, 1]
    # Where nothing else is left the copy follows.
    assert dpp(worth, alike[None], 3, 0.5)[0].tolist() == [0, 2, 1]


@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
def test_each_step_of_dpp_is_the_best_by_the_determinant_itself(seed: int, strength: float) -> None:
    n, k = 7, 4
    alike, worth = unit(seed, n), np.random.default_rng(seed + 1).random(n)
    chosen = dpp(worth[None], alike[None], k, strength)[0].tolist()

    def value(some: list[int]) -> float:
        _, log = np.linalg.slogdet(alike[np.ix_(some, some)].astype(np.float64))
        return float((1 - strength) * worth[some].sum() + strength * log)

    for step in range(k):
        best = max(value([*chosen[:step], one]) for one in range(n) if one not in chosen[:step])
        assert value(chosen[: step + 1]) == pytest.approx(best, abs=1e-4)


def test_dpp_finds_the_most_likely_pair_and_triple_by_brute_force() -> None:
    """Greedy is not exact in general; on these it is, and nearly so on all."""
    ratios = []
    for seed in range(200):
        alike, worth = unit(seed, 6), np.random.default_rng(seed).random(6)

        def likely(some: tuple[int, ...], alike: Floats = alike, worth: Values = worth) -> float:
            quality = np.exp(worth[list(some)] / 2)
            kernel = quality[:, None] * alike[np.ix_(some, some)] * quality[None, :]
            return float(np.linalg.det(kernel.astype(np.float64)))

        chosen = tuple(dpp(worth[None], alike[None], 3, 0.5)[0].tolist())
        best = max(likely(some) for some in combinations(range(6), 3))
        ratios.append(likely(chosen) / best)
    assert max(ratios) == pytest.approx(1, abs=1e-4)
    assert float(np.mean(np.array(ratios) > 0.999)) > 0.4
    assert float(np.mean(ratios)) > 0.9


def test_mmr_by_hand() -> None:
    # After 0: 1 is worth .5 * .9 - .5 * .8 = .05, 2 is .5 * .6 - .5 * .1 = .25, 3 is .5 * .4 - 0 = .2.
    alike = np.eye(4, dtype=np.float32)
    for one, other, value in ((0, 1, 0.8), (0, 2, 0.1), (1, 2, 0.0), (2, 3, 0.9)):
        alike[one, other] = alike[other, one] = value
    worth = np.array([[1.0, 0.9, 0.6, 0.4]])
    # After 0 and 2: 1 keeps .05, 3 is .2 - .5 * .9 = -.25.
    assert mmr(worth, alike[None], 4, 0.5)[0].tolist() == [0, 2, 1, 3]
    assert mmr(worth, alike[None], 4, 0.5, keep=2)[0].tolist() == [0, 1, 2, 3]
    assert mmr(worth, alike[None], 3, 0.0)[0].tolist() == [0, 1, 2]


@given(st.integers(0, 10_000), st.floats(0.0, 1.0), st.integers(1, 4))
def test_exchanges_only_better_what_they_promise(seed: int, strength: float, most: int) -> None:
    n, k = 9, 4
    alike, worth = unit(seed, n), np.sort(np.random.default_rng(seed).random(n))[::-1]

    def value(some: list[int]) -> float:
        pairs = sum(float(alike[one, other]) for one, other in combinations(some, 2))
        return float((1 - strength) * worth[some].sum() - strength / (k - 1) * pairs)

    chosen = swap(worth[None], alike[None], k, strength, most)[0].tolist()
    assert len(set(chosen)) == k
    assert len(set(chosen) - set(range(k))) <= most
    before = value(list(range(k)))
    assert value(chosen) >= before - 1e-6
    if most == 1:
        single = [value([*(one for one in range(k) if one != out), into]) for out in range(k) for into in range(k, n)]
        assert value(chosen) == pytest.approx(max([before, *single]), abs=1e-6)


def test_the_first_places_stay() -> None:
    alike = np.ones((6, 6), dtype=np.float32)
    alike[3:, :] = alike[:, 3:] = 0.0
    np.fill_diagonal(alike, 1.0)
    worth = np.array([[1.0, 0.99, 0.98, 0.97, 0.96, 0.95]])
    assert sorted(swap(worth, alike[None], 3, 0.9, 3)[0].tolist()) != [0, 1, 2]
    assert {0, 1} <= set(swap(worth, alike[None], 3, 0.9, 3, keep=2)[0].tolist())
    assert dpp(worth, alike[None], 3, 0.9, keep=2)[0].tolist()[:2] == [0, 1]


@pytest.mark.parametrize("method", ["dpp", "mmr", "swap"])
def test_short_lists_end_with_places_that_hold_nothing(method: str) -> None:
    worth = np.array([[1.0, 0.5, -np.inf, -np.inf], [1.0, 0.9, 0.8, 0.7]])
    alike = np.stack([np.eye(4, dtype=np.float32)] * 2)
    chosen = (
        swap(worth, alike, 3, 0.5, 3) if method == "swap" else {"dpp": dpp, "mmr": mmr}[method](worth, alike, 3, 0.5)
    )
    assert set(chosen[0].tolist()) >= {0, 1}
    assert len(set(chosen[0].tolist())) == 3
    assert set(chosen[1].tolist()) == {0, 1, 2}
