"""The exact solution by Cholesky, in one n x n buffer."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from zhiyin.candidates.solvers.solution import NO_SOLUTION, Solution
from zhiyin.errors import ModelError
from zhiyin.ports import Progress
from zhiyin.types import Floats

BLOCK = 512
"""Rows built or read at a time: the temporary blocks stay below 0.6 GiB at 50,000 items."""


def solve_dense(
    gram: sparse.csr_array,
    vectors: Floats | None,
    *,
    text_scale: float,
    text_power: float,
    regularisation: float,
    keep: int,
    progress: Progress,
) -> Solution:
    """B = I - P / diag(P) with P the inverse of A = gram + text_scale * max(cos, 0)^text_power + regularisation * I.

    ``gram`` is a symmetric CSR [n, n]; ``vectors`` are float32 [n, d] of length 1, or of zeros where an item has no
    text, or None; an item's text is not compared with itself. Rows of B keep their ``keep`` entries of largest
    magnitude. Memory is 4 n^2 bytes and a little, time grows with n^3 (EASE, Steck 2019, arXiv:1905.03375).
    Raises ModelError where A is not positive definite.
    """
    n = gram.shape[0]
    if not n:
        return Solution(sparse.csr_array((0, 0), dtype=np.float32), np.zeros(0, dtype=np.float32), "dense")
    # Only the upper triangle is ever filled. LAPACK works on it in place, and sees it as the lower one of a matrix in
    # Fortran order. ``clean`` stays off: it is a slow loop whose 32-bit index ends at 46,340 items.
    upper = np.zeros((n, n), dtype=np.float32)
    texts = vectors if text_scale > 0 else None
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        part, inside = upper[start:stop, start:], np.arange(stop - start)
        if texts is not None:
            np.matmul(texts[start:stop], texts[start:].T, out=part)
            np.maximum(part, 0, out=part)
            np.power(part, np.float32(text_power), out=part)
            part *= np.float32(text_scale)
            part[inside, inside] = 0
        cells = gram[start:stop].tocoo()
        right = cells.col >= start
        part[cells.row[right], cells.col[right] - start] += cells.data[right]
        part[inside, inside] += np.float32(regularisation)
    with progress.task("linear core: inverting", 2) as done:
        _, failed = lapack.spotrf(upper.T, lower=1, overwrite_a=1, clean=0)
        if failed:
            raise ModelError(**NO_SOLUTION)
        done(1)
        lapack.spotri(upper.T, lower=1, overwrite_c=1)
        done(1)
    return _normalised(upper, keep)


def _normalised(upper: Floats, keep: int) -> Solution:
    """B from the upper triangle of the inverse."""
    n = len(upper)
    diagonal = upper.diagonal().copy()
    width = min(keep, n)
    indices = np.empty((n, width), dtype=np.int32)
    values = np.empty((n, width), dtype=np.float32)
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        block = np.empty((stop - start, n), dtype=np.float32)
        block[:, :start] = upper[:start, start:stop].T
        block[:, stop:] = upper[start:stop, stop:]
        square = np.triu(upper[start:stop, start:stop])
        block[:, start:stop] = square + np.triu(square, 1).T
        block /= -diagonal
        block[np.arange(stop - start), np.arange(start, stop)] = 0
        weak = np.abs(block)
        np.negative(weak, out=weak)
        strong = np.argpartition(weak, width - 1, axis=1)[:, :width]
        strong.sort(axis=1)
        indices[start:stop] = strong
        values[start:stop] = np.take_along_axis(block, strong, axis=1)
    index = np.int64 if n * width > np.iinfo(np.int32).max else np.int32
    indptr = np.arange(n + 1, dtype=index) * index(width)
    matrix = sparse.csr_array((values.ravel(), indices.ravel(), indptr), shape=(n, n))
    matrix.eliminate_zeros()
    return Solution(matrix, diagonal, "dense")
