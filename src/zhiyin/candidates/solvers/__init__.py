"""Solving the linear core: exactly where the n x n matrix fits, else item by item."""

from __future__ import annotations

from typing import Literal

from scipy import sparse

from zhiyin.candidates.solvers.dense import solve_dense
from zhiyin.candidates.solvers.local import solve_local
from zhiyin.candidates.solvers.solution import Solution
from zhiyin.ports import Progress, Silent
from zhiyin.types import Floats

__all__ = ["Solution", "fits_densely", "solve"]


def fits_densely(n: int, memory_gib: float) -> bool:
    """Whether the float32 [n, n] matrix stays within ``memory_gib``."""
    return 4 * n * n <= memory_gib * 2**30


def solve(
    gram: sparse.csr_array,
    vectors: Floats | None,
    *,
    text_scale: float,
    text_power: float,
    regularisation: float,
    keep: int,
    method: Literal["auto", "dense", "local"],
    memory_gib: float,
    progress: Progress | None = None,
) -> Solution:
    """The item-item matrix of the linear core, by ``solve_dense`` or ``solve_local``, which say what the arguments are.

    ``method`` "auto" is dense where the matrix fits in ``memory_gib``. Raises ModelError where there is no solution.
    """
    dense = method == "dense" or (method == "auto" and fits_densely(gram.shape[0], memory_gib))
    solver = solve_dense if dense else solve_local
    return solver(
        gram,
        vectors,
        text_scale=text_scale,
        text_power=text_power,
        regularisation=regularisation,
        keep=keep,
        progress=progress or Silent(),
    )
