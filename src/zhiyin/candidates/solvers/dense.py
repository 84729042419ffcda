"""The exact solution, by the inverse of the whole matrix."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import sparse

from zhiyin.candidates.solvers.solution import NO_SOLUTION, Solution
from zhiyin.candidates.solvers.tiles import TILE, Tiles, edges, invert, rows_of
from zhiyin.errors import ModelError
from zhiyin.ports import Progress
from zhiyin.types import Floats

ROWS = 256
"""Rows ranked at a time."""


def solve_dense(
    gram: sparse.csr_array,
    vectors: Floats | None,
    *,
    text_scale: float,
    text_power: float,
    regularisation: float,
    keep: int,
    progress: Progress,
    tile: int = TILE,
) -> Solution:
    """B = I - P / diag(P) with P the inverse of A = gram + text_scale * max(cos, 0)^text_power + regularisation * I.

    ``gram`` is a symmetric CSR [n, n]; ``vectors`` are float32 [n, d] of length 1, or of zeros where an item has no
    text, or None; an item's text is not compared with itself. Rows of B keep their ``keep`` entries of largest
    magnitude. Memory is 2 n^2 bytes and a little, time grows with n^3 (EASE, Steck 2019, arXiv:1905.03375).
    Raises ModelError where A is not positive definite.
    """
    n = gram.shape[0]
    ends = edges(n, tile)
    tiles: Tiles = []
    with progress.task("linear core: matrix", n) as done:
        for row, (top, bottom) in enumerate(pairwise(ends)):
            slab = gram[top:bottom].tocsc()
            tiles.append([])
            for left, right in pairwise(ends[: row + 2]):
                part = np.asarray(slab[:, left:right].toarray(), dtype=np.float32, order="F")
                if vectors is not None and text_scale > 0:
                    close = np.maximum(vectors[top:bottom] @ vectors[left:right].T, 0)
                    np.power(close, np.float32(text_power), out=close)
                    close *= np.float32(text_scale)
                    if left == top:
                        np.fill_diagonal(close, 0)
                    part += close
                if left == top:
                    np.einsum("ii->i", part)[:] += np.float32(regularisation)
                tiles[-1].append(part)
            done(bottom - top)
    with progress.task("linear core: inverse"):
        if n and not invert(tiles):
            raise ModelError(**NO_SOLUTION)
    return _normalised(tiles, ends, keep)


def _normalised(tiles: Tiles, ends: list[int], keep: int) -> Solution:
    """B from the lower tiles of P."""
    n = ends[-1]
    diagonal = np.concatenate([row[-1].diagonal() for row in tiles])
    width = min(keep, n)
    indices = np.empty((n, width), dtype=np.int32)
    values = np.empty((n, width), dtype=np.float32)
    for number, top in enumerate(ends[:-1]):
        whole = rows_of(tiles, number)
        for start in range(0, len(whole), ROWS):
            block = whole[start : start + ROWS]
            block /= -diagonal
            inside = np.arange(len(block))
            block[inside, top + start + inside] = 0
            strong = np.argpartition(-np.abs(block), width - 1, axis=1)[:, :width] if n else block.astype(np.int64)
            strong.sort(axis=1)
            indices[top + start : top + start + len(block)] = strong
            values[top + start : top + start + len(block)] = np.take_along_axis(block, strong, axis=1)
    indptr = np.arange(n + 1, dtype=np.int64 if n * width > np.iinfo(np.int32).max else np.int32) * width
    matrix = sparse.csr_array((values.ravel(), indices.ravel(), indptr), shape=(n, n))
    matrix.eliminate_zeros()
    return Solution(matrix, diagonal, "dense")
