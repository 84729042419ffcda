"""Solving the linear core: exactly where the n x n matrix fits, else item by item."""

from __future__ import annotations

from typing import Literal

from scipy import sparse

from zhiyin.candidates.solvers.dense import solve_dense
from zhiyin.candidates.solvers.solution import Solution
from zhiyin.ports import Progress, Silent
from zhiyin.types import Floats

__all__ = ["Solution", "solve"]


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
    return solve_dense(
        gram,
        vectors,
        text_scale=text_scale,
        text_power=text_power,
        regularisation=regularisation,
        keep=keep,
        progress=progress or Silent(),
    )
