"""What a solver gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from zhiyin.types import Floats

NO_SOLUTION = {
    "what": "the linear core has no solution: counts, text and penalty together are not positive definite",
    "fix": "raise regularisation or lower text_scale",
}


@dataclass(frozen=True)
class Solution:
    """``matrix``: float32 CSR [n, n], row = item in the history, column = item scored, the strongest entries of each
    row with sorted indices. ``precision_diagonal``: float32 [n], diagonal of the inverse. ``method`` says how."""

    matrix: sparse.csr_array
    precision_diagonal: Floats
    method: str


def keep_strongest(matrix: sparse.csr_array, keep: int) -> sparse.csr_array:
    """``matrix`` with the ``keep`` entries of largest magnitude of each row, indices sorted."""
    matrix.sort_indices()
    kept = np.ones(matrix.nnz, dtype=np.bool_)
    counts = np.diff(matrix.indptr)
    for row in np.flatnonzero(counts > keep):
        low, high = matrix.indptr[row], matrix.indptr[row + 1]
        kept[low + np.argpartition(-np.abs(matrix.data[low:high]), keep - 1)[keep:]] = False
    indptr = np.concatenate(([0], np.cumsum(np.minimum(counts, keep)))).astype(matrix.indptr.dtype)
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)
