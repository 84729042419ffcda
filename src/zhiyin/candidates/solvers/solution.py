"""What a solver gives."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import sparse

from zhiyin.types import Floats


@dataclass(frozen=True)
class Solution:
    """``matrix``: float32 CSR [n, n], row = item in the history, column = item scored, the strongest entries of each
    row with sorted indices. ``precision_diagonal``: float32 [n], diagonal of the inverse. ``method`` says how."""

    matrix: sparse.csr_array
    precision_diagonal: Floats
    method: str
