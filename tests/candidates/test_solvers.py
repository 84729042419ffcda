"""Both solvers of the linear core against the inverse, and each against what it promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from zhiyin.candidates.solvers import Solution, fits_densely, solve
from zhiyin.candidates.solvers.dense import solve_dense
from zhiyin.candidates.solvers.local import solve_local
from zhiyin.candidates.solvers.solution import keep_strongest
from zhiyin.candidates.solvers.texts import nearest_texts
from zhiyin.candidates.solvers.tiles import edges
from zhiyin.errors import ModelError
from zhiyin.ports import Silent
from zhiyin.types import Floats

SOLVERS: list[Callable[..., Solution]] = [solve_dense, solve_local]
PARAMS: dict[str, Any] = {
    "text_scale": 3.0,
    "text_power": 2.0,
    "regularisation": 20.0,
    "keep": 1000,
    "progress": Silent(),
}


def catalogue(n: int, seed: int = 5) -> tuple[sparse.csr_array, Floats]:
    """Users' choices in small clusters, and vectors that know the clusters; items 3 and 4 have neither."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) % 7
    users = rng.integers(0, 7, 300)
    likes = (rng.random((300, n)) < np.where(cluster[None, :] == users[:, None], 0.3, 0.02)).astype(np.float32)
    likes[:, 3:5] = 0
    vectors = rng.standard_normal((7, 16))[cluster] + 0.5 * rng.standard_normal((n, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[3:5] = 0
    counts = sparse.csr_array(likes)
    return (counts.T @ counts).tocsr(), vectors.astype(np.float32)


def by_hand(gram: sparse.csr_array, vectors: Floats | None) -> tuple[np.ndarray, np.ndarray]:
    n = gram.shape[0]
    text = np.zeros((n, n))
    if vectors is not None:
        text = np.maximum(vectors.astype(np.float64) @ vectors.T, 0) ** PARAMS["text_power"]
        np.fill_diagonal(text, 0)
    inverse = np.linalg.inv(gram.toarray() + PARAMS["text_scale"] * text + PARAMS["regularisation"] * np.eye(n))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    return expected, np.diag(inverse)


@pytest.mark.parametrize("with_text", [True, False])
@pytest.mark.parametrize("tile", [1000, 40, 9])
def test_dense_is_the_inverse(with_text: bool, tile: int) -> None:
    gram, vectors = catalogue(91)
    given = vectors if with_text else None
    expected, precision = by_hand(gram, given)
    solution = solve_dense(gram, given, **PARAMS, tile=tile)
    assert solution.method == "dense"
    assert solution.matrix.dtype == np.float32
    np.testing.assert_allclose(solution.matrix.toarray(), expected, atol=2e-6)
    np.testing.assert_allclose(solution.precision_diagonal, precision, rtol=1e-5)


@pytest.mark.parametrize("with_text", [True, False])
def test_local_is_exact_where_every_relation_is_in_the_support(with_text: bool) -> None:
    """All pairs share a user or a direction, so the support is everything else."""
    rng = np.random.default_rng(2)
    counts = sparse.csr_array(np.ones((3, 40)) + (rng.random((3, 40)) < 0.5), dtype=np.float32)
    gram = (counts.T @ counts).tocsr()
    vectors = None
    if with_text:
        vectors = np.abs(rng.standard_normal((40, 5))).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected, precision = by_hand(gram, vectors)
    solution = solve_local(gram, vectors, **PARAMS)
    assert solution.method == "local"
    np.testing.assert_allclose(solution.matrix.toarray(), expected, atol=2e-6)
    np.testing.assert_allclose(solution.precision_diagonal, precision, rtol=1e-5)


def test_local_comes_close_with_a_small_support_and_closer_with_a_larger() -> None:
    gram, vectors = catalogue(140)
    expected, _ = by_hand(gram, vectors)
    error = [
        np.linalg.norm(solve_local(gram, vectors, **PARAMS, support=support).matrix.toarray() - expected)
        / np.linalg.norm(expected)
        for support in (5, 20, 60)
    ]
    assert error[0] > error[1] > error[2]
    assert error[2] < 0.5
    columns = solve_local(gram, vectors, **PARAMS, support=5).matrix.tocsc()
    assert np.diff(columns.indptr).max() == 5


@pytest.mark.parametrize("solver", SOLVERS)
def test_items_without_events_or_text_get_nothing(solver: Callable[..., Solution]) -> None:
    gram, vectors = catalogue(60)
    solution = solver(gram, vectors, **PARAMS)
    dense = solution.matrix.toarray()
    assert not dense[3:5].any()
    assert not dense[:, 3:5].any()
    np.testing.assert_allclose(solution.precision_diagonal[3:5], 1 / PARAMS["regularisation"], rtol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_text_alone_reaches_an_item_without_events(solver: Callable[..., Solution]) -> None:
    gram = sparse.csr_array(np.diag([5.0, 5.0, 0.0]).astype(np.float32))
    vectors = np.array([[1, 0], [0, 1], [1, 0]], dtype=np.float32)
    dense = solver(gram, vectors, **PARAMS).matrix.toarray()
    assert dense[0, 2] > 0
    assert dense[1, 2] == 0


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_catalogues(solver: Callable[..., Solution], n: int) -> None:
    gram = sparse.csr_array(np.full((n, n), 2.0, dtype=np.float32))
    solution = solver(gram, np.ones((n, 1), dtype=np.float32), **PARAMS)
    assert solution.matrix.shape == (n, n)
    assert solution.precision_diagonal.shape == (n,)
    assert solution.matrix.nnz == (2 if n == 2 else 0)
    if n == 1:
        assert solution.precision_diagonal[0] == pytest.approx(1 / 22)


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_has_no_solution_is_refused(solver: Callable[..., Solution]) -> None:
    """Four equal texts weigh more than the penalty: the matrix has a direction below zero."""
    gram = sparse.csr_array((4, 4), dtype=np.float32)
    params = PARAMS | {"text_scale": 50.0}
    with pytest.raises(ModelError, match="raise regularisation"):
        solver(gram, np.ones((4, 1), dtype=np.float32), **params)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("item", [0, 59])
def test_a_vector_that_is_not_a_number_is_refused(solver: Callable[..., Solution], item: int) -> None:
    gram, vectors = catalogue(60)
    vectors[item] = np.nan
    with pytest.raises(ModelError):
        solver(gram, vectors, **PARAMS)


def test_a_later_tile_that_has_no_solution_is_refused_too() -> None:
    gram = sparse.csr_array(np.diag([5.0] * 8 + [-50.0]).astype(np.float32))
    with pytest.raises(ModelError):
        solve_dense(gram, None, **PARAMS, tile=3)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("keep", [1, 7])
def test_rows_keep_their_strongest(solver: Callable[..., Solution], keep: int) -> None:
    gram, vectors = catalogue(60)
    whole = solver(gram, vectors, **PARAMS).matrix.toarray()
    cut = solver(gram, vectors, **PARAMS | {"keep": keep}).matrix
    assert cut.has_sorted_indices
    for row in range(60):
        kept = cut.indices[cut.indptr[row] : cut.indptr[row + 1]]
        assert len(kept) == min(keep, np.count_nonzero(whole[row]))
        assert np.abs(whole[row][kept]).min(initial=np.inf) >= np.delete(np.abs(whole[row]), kept).max()


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_twice(solver: Callable[..., Solution]) -> None:
    gram, vectors = catalogue(300)
    first, second = (solver(gram, vectors, **PARAMS | {"keep": 10}) for _ in range(2))
    np.testing.assert_array_equal(first.matrix.toarray(), second.matrix.toarray())
    np.testing.assert_array_equal(first.precision_diagonal, second.precision_diagonal)


def test_the_gram_matrix_is_left_as_it_was() -> None:
    gram, vectors = catalogue(30)
    before, texts = gram.toarray(), vectors.copy()
    for solver in SOLVERS:
        solver(gram, vectors, **PARAMS)
    np.testing.assert_array_equal(gram.toarray(), before)
    np.testing.assert_array_equal(vectors, texts)


@pytest.mark.parametrize(
    ("method", "memory_gib", "expected"),
    [("auto", 1.0, "dense"), ("auto", 1e-6, "local"), ("dense", 1e-6, "dense"), ("local", 1.0, "local")],
)
def test_the_method_follows_memory_unless_named(method: Any, memory_gib: float, expected: str) -> None:
    gram, vectors = catalogue(30)
    params = {name: value for name, value in PARAMS.items() if name != "progress"}
    assert solve(gram, vectors, **params, method=method, memory_gib=memory_gib).method == expected


def test_memory_by_eye() -> None:
    assert fits_densely(16_384, 1.0)
    assert not fits_densely(16_385, 1.0)


def test_tiles_cover_all_rows() -> None:
    assert edges(10, 4) == [0, 3, 6, 10]
    assert edges(4, 4) == [0, 4]
    assert edges(0, 4) == [0, 0]


@pytest.mark.parametrize("exact", [0, 10_000])
def test_nearest_texts_by_eye(exact: int) -> None:
    """Eight directions, three texts each; the last item has none."""
    vectors = np.zeros((25, 8), dtype=np.float32)
    vectors[np.arange(24), np.arange(24) % 8] = 1
    rows, cosines = nearest_texts(vectors, 3, exact=exact)
    assert rows[:3].tolist() == [[8, 16, -1], [9, 17, -1], [10, 18, -1]]
    assert rows[8].tolist() == [0, 16, -1]
    assert cosines[0].tolist() == [1, 1, 0]
    assert rows[24].tolist() == [-1, -1, -1]


def test_lists_miss_few_of_the_nearest_texts() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, 24))[rng.integers(0, 40, 5000)] + 0.7 * rng.standard_normal((5000, 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    exact, listed = nearest_texts(vectors, 10)[0], nearest_texts(vectors, 10, exact=0)[0]
    found = np.mean([len(np.intersect1d(a, b)) for a, b in zip(exact, listed, strict=True)]) / 10
    assert 0.9 < found < 1
    assert not (listed == np.arange(5000)[:, None]).any()


def test_keep_strongest_by_eye() -> None:
    matrix = sparse.csr_array(np.array([[0, 3, -4, 1], [2, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32))
    assert keep_strongest(matrix, 2).toarray().tolist() == [[0, 3, -4, 0], [2, 0, 0, 0], [0, 0, 0, 0]]
