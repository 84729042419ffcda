"""The exact solution by Cholesky, in one n x n buffer."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.linalg import lapack

from zhiyin.candidates.solvers.solution import Solution
from zhiyin.errors import ModelError
from zhiyin.ports import Progress
from zhiyin.types import Floats

BLOCK = 1024


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
    n = gram.shape[0]
    buffer = np.zeros((n, n), dtype=np.float32, order="F")
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        part = buffer[:, start:stop]
        if vectors is not None and text_scale > 0:
            close = np.maximum(vectors @ vectors[start:stop].T, 0)
            part += np.float32(text_scale) * close**text_power
            part[np.arange(start, stop), np.arange(stop - start)] = 0
        rows = gram[start:stop].tocoo()
        part[rows.col, rows.row] += rows.data
        part[np.arange(start, stop), np.arange(stop - start)] += np.float32(regularisation)
    factor, info = lapack.spotrf(buffer, lower=1, overwrite_a=1, clean=0)
    if info:
        raise ModelError("the linear core has no solution", fix="raise regularisation or lower text_scale")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    diagonal = inverse.diagonal().copy()
    width = min(keep, max(n - 1, 1))
    indptr = np.arange(n + 1, dtype=np.int64) * width
    indices = np.empty(n * width, dtype=np.int32)
    data = np.empty(n * width, dtype=np.float32)
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        block = np.empty((stop - start, n), dtype=np.float32)
        block[:, :start] = inverse[start:stop, :start]
        block[:, stop:] = inverse[stop:, start:stop].T
        square = np.tril(inverse[start:stop, start:stop])
        block[:, start:stop] = square + np.tril(square, -1).T
        block /= -diagonal[None, :]
        block[np.arange(stop - start), np.arange(start, stop)] = 0
        strong = np.sort(np.argpartition(-np.abs(block), width - 1, axis=1)[:, :width], axis=1)
        indices[start * width : stop * width] = strong.ravel()
        data[start * width : stop * width] = np.take_along_axis(block, strong, axis=1).ravel()
    matrix = sparse.csr_array((data, indices, indptr), shape=(n, n))
    matrix.eliminate_zeros()
    return Solution(matrix, diagonal, "dense")
