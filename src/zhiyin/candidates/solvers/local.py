"""An approximate solution for large catalogues: each item is solved for within its nearest relations."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from zhiyin.candidates.solvers.solution import NO_SOLUTION, Solution, keep_strongest
from zhiyin.candidates.solvers.texts import nearest_texts
from zhiyin.candidates.topn import threads
from zhiyin.errors import ModelError
from zhiyin.ports import Progress
from zhiyin.types import Floats, Ints

SUPPORT = 100
"""Relations an item is solved within; docs/large-catalogues.md has what others cost and give."""
TEXTS = 50
"""Nearest texts that may be among them."""
BATCH = 256


def solve_local(
    gram: sparse.csr_array,
    vectors: Floats | None,
    *,
    text_scale: float,
    text_power: float,
    regularisation: float,
    keep: int,
    progress: Progress,
    support: int = SUPPORT,
) -> Solution:
    """For each item c, the regression of c on the ``support`` items S most related to it: A_SS b = A_Sc, B_Sc = b.

    A and the arguments are those of ``solve_dense``; with S every other item the solutions are the same. Related means
    a high A_jc / A_jj among the items that share users with c or are among its nearest texts: b at first order.
    ``precision_diagonal`` is 1 / (A_cc - A_cS b). Memory is that of ``gram``, ``vectors`` and 12 bytes times
    n * support, time is about linear in n. Raises ModelError where an item has no solution.
    """
    n: int = gram.shape[0]
    gram = gram if gram.has_sorted_indices else gram.sorted_indices()
    texts = None
    if vectors is not None and text_scale > 0 and n > 1:
        with progress.task("linear core: nearest texts"):
            texts = nearest_texts(vectors, min(TEXTS, n - 1))
    width = min(support, max(n - 1, 1))
    diagonal = (gram.diagonal() + regularisation).astype(np.float32)
    system = _System(gram, diagonal, vectors, texts, np.float32(text_scale), np.float32(text_power), width)
    members = np.empty((n, width), dtype=np.int32)
    weights = np.empty((n, width), dtype=np.float32)
    left = np.empty(n, dtype=np.float32)

    def run(start: int) -> int:
        stop: int = min(n, start + BATCH)
        members[start:stop], weights[start:stop], left[start:stop] = system.solve(start, stop)
        return stop - start

    # Batches are many and small, so they are spread over the processors, not the work inside each.
    with (
        progress.task("linear core: item by item", n) as done,
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(threads()) as pool,
    ):
        for solved in pool.map(run, range(0, n, BATCH)):
            done(solved)
    if not (left > 0).all():
        raise ModelError(**NO_SOLUTION)
    indptr = np.arange(n + 1, dtype=np.int64 if n * width > np.iinfo(np.int32).max else np.int32) * width
    columns = sparse.csc_array((weights.ravel(), members.ravel(), indptr), shape=(n, n))
    columns.eliminate_zeros()
    return Solution(keep_strongest(columns.tocsr(), keep), np.float32(1) / left, "local")


@dataclass(frozen=True)
class _System:
    """A, cell by cell."""

    gram: sparse.csr_array
    diagonal: Floats
    vectors: Floats | None
    texts: tuple[Ints, Floats] | None
    scale: np.float32
    power: np.float32
    width: int

    def solve(self, start: int, stop: int) -> tuple[Ints, Floats, Floats]:
        """Supports [batch, width], their weights (0 where a support is shorter), and A_cc - A_cS b [batch]."""
        members, known = self.supports(start, stop)
        count, width = members.shape
        inside, targets = np.arange(width), np.arange(start, stop, dtype=np.int32)
        block = np.zeros((count, width, width), dtype=np.float32)
        if width > 1:
            one, other = np.triu_indices(width, 1)
            shared = self.gram[members[:, one].ravel(), members[:, other].ravel()].reshape(count, -1)
            block[:, one, other] = shared
            block[:, other, one] = shared
        right = self.gram[members.ravel(), np.repeat(targets, width)].reshape(count, width).astype(np.float32)
        if self.texts is not None and self.vectors is not None:
            near = self.vectors[members]
            block += self.text(near @ near.transpose(0, 2, 1))
            right += self.text((near @ self.vectors[start:stop, :, None])[:, :, 0])
        # Places left over have an equation of their own, answered by 0.
        block *= known[:, :, None] & known[:, None, :]
        right *= known
        block[:, inside, inside] = self.diagonal[members]
        try:
            weights = np.linalg.solve(block, right[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            weights = np.full_like(right, np.nan)
        return members, weights, self.diagonal[start:stop] - (right * weights).sum(axis=1)

    def supports(self, start: int, stop: int) -> tuple[Ints, NDArray[np.bool_]]:
        """The most related items of ``start`` to ``stop`` [batch, width], and which places hold one."""
        count = stop - start
        related = self.gram[start:stop]
        if self.texts is not None:
            rows, cosines = self.texts[0][start:stop], self.texts[1][start:stop]
            taken = rows >= 0
            indptr = np.concatenate(([0], np.cumsum(taken.sum(axis=1))))
            values = self.text(cosines[taken])
            related = (related + sparse.csr_array((values, rows[taken], indptr), shape=related.shape)).tocsr()
        lengths = np.diff(related.indptr)
        owners, columns = np.repeat(np.arange(count), lengths), related.indices
        strength = related.data / self.diagonal[columns]
        strength[columns == owners + start] = 0
        order = np.lexsort((columns, -strength, owners))
        place = np.arange(len(order)) - np.repeat(related.indptr[:-1], lengths)
        kept = (place < self.width) & (strength[order] > 0)
        members = np.zeros((count, self.width), dtype=np.int32)
        known = np.zeros((count, self.width), dtype=np.bool_)
        members[owners[kept], place[kept]] = columns[order[kept]]
        known[owners[kept], place[kept]] = True
        return members, known

    def text(self, cosines: Floats) -> Floats:
        """text_scale * max(cos, 0)^text_power, in place."""
        np.maximum(cosines, 0, out=cosines)
        np.power(cosines, self.power, out=cosines)
        cosines *= self.scale
        return cosines
