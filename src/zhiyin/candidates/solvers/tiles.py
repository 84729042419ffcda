"""The inverse of a large symmetric matrix, in place, in half the memory of the whole.

Only tiles of the lower triangle are held: ``tiles[i][j]``, j <= i, float32 in Fortran order, in place of A's block
(i, j). One LAPACK call on the whole would be simpler, but it needs twice the memory and the one that comes with scipy
counts cells in 32 bits: it crashes above 46,340 rows. The steps are LAPACK's own blocked ones (spotrf, strtri, slauum).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

from zhiyin.types import Floats

Tiles = list[list[Floats]]
TILE = 2048


def edges(n: int, tile: int = TILE) -> list[int]:
    """Where the fewest tiles of at most ``tile`` rows, about equally large, begin and end."""
    count = max(1, -(-n // tile))
    return [n * place // count for place in range(count + 1)]


def invert(tiles: Tiles) -> bool:
    """Turn the lower tiles of A into those of its inverse. False where A is not positive definite: tiles are lost.

    The upper triangles of the tiles on the diagonal are neither read nor meaningful afterwards.
    """
    if not _factor(tiles):
        return False
    _invert_triangle(tiles)
    _multiply(tiles)
    return True


def _factor(tiles: Tiles) -> bool:
    """A to its Cholesky factor L, A = L L'."""
    count = len(tiles)
    for k in range(count):
        tiles[k][k], failed = lapack.spotrf(tiles[k][k], lower=1, clean=1, overwrite_a=1)
        # A NaN goes through spotrf unnoticed.
        if failed or not np.isfinite(tiles[k][k].diagonal()).all():
            return False
        for i in range(k + 1, count):
            tiles[i][k] = blas.strsm(1, tiles[k][k], tiles[i][k], side=1, lower=1, trans_a=1, overwrite_b=1)
        for i in range(k + 1, count):
            for j in range(k + 1, i):
                tiles[i][j] = _add(tiles[i][j], tiles[i][k], tiles[j][k], alpha=-1, trans_b=1)
            tiles[i][i] = blas.ssyrk(-1, tiles[i][k], beta=1, c=tiles[i][i], lower=1, overwrite_c=1)
    return True


def _invert_triangle(tiles: Tiles) -> None:
    """L to W = L^-1, from the last column of tiles to the first: W[below, j] = -W[below, below] L[below, j] W[j, j]."""
    count = len(tiles)
    for j in reversed(range(count)):
        tiles[j][j], _ = lapack.strtri(tiles[j][j], lower=1, overwrite_c=1)
        for i in reversed(range(j + 1, count)):
            tiles[i][j] = blas.strmm(-1, tiles[i][i], tiles[i][j], lower=1, overwrite_b=1)
            for k in range(j + 1, i):
                tiles[i][j] = _add(tiles[i][j], tiles[i][k], tiles[k][j], alpha=-1)
            tiles[i][j] = blas.strmm(1, tiles[j][j], tiles[i][j], side=1, lower=1, overwrite_b=1)


def _multiply(tiles: Tiles) -> None:
    """W to W'W, row by row: a row needs only itself and those below, which still hold W."""
    count = len(tiles)
    for i in range(count):
        for j in range(i):
            tiles[i][j] = blas.strmm(1, tiles[i][i], tiles[i][j], lower=1, trans_a=1, overwrite_b=1)
            for k in range(i + 1, count):
                tiles[i][j] = _add(tiles[i][j], tiles[k][i], tiles[k][j], trans_a=1)
        tiles[i][i], _ = lapack.slauum(tiles[i][i], lower=1, overwrite_c=1)
        for k in range(i + 1, count):
            tiles[i][i] = blas.ssyrk(1, tiles[k][i], beta=1, c=tiles[i][i], trans=1, lower=1, overwrite_c=1)


def _add(c: Floats, a: Floats, b: Floats, *, alpha: float = 1, trans_a: int = 0, trans_b: int = 0) -> Floats:
    """c + alpha * op(a) op(b), in place."""
    result: Floats = blas.sgemm(alpha, a, b, beta=1, c=c, trans_a=trans_a, trans_b=trans_b, overwrite_c=1)
    return result


def rows_of(tiles: Tiles, number: int) -> Floats:
    """The whole rows [size, n] of the symmetric matrix that the ``number``-th row of tiles begins."""
    corner = np.tril(tiles[number][number])
    whole = corner + np.tril(corner, -1).T
    return np.concatenate([*tiles[number][:number], whole, *(row[number].T for row in tiles[number + 1 :])], axis=1)
