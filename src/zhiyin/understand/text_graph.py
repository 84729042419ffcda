"""Texts joined to their nearest others, and labels that flow along the joins.

Zhou et al. 2004, "Learning with Local and Global Consistency".
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

BLOCK = 1024
"""Rows of similarities held at once."""
SMALL = 1e-12


class TextGraph:
    """``nodes`` are unit rows [n, d]; each is joined to its ``neighbours`` nearest others, by its cosine with them to
    the ``power``. A cosine below 0 joins nothing. Time grows with the square of n, memory with n."""

    def __init__(self, nodes: Floats, neighbours: int, power: float) -> None:
        self.nodes = nodes
        self._neighbours = neighbours
        self._power = np.float32(power)

    def spread(self, seeds: Floats, share: float, steps: int) -> Floats:
        """What reached each node of the labels ``seeds`` [n, topics]: in each of ``steps`` steps a node takes ``share``
        from its neighbours, the rest from its own seed."""
        labels = seeds
        for _ in range(steps):
            labels = share * (self._flow @ labels) + (1 - share) * seeds
        return np.asarray(labels, dtype=np.float32)

    def gather(self, texts: Floats, labels: Floats) -> Floats:
        """Labels that texts from outside take from their nearest nodes: [m, topics], given those of the nodes."""
        found = np.zeros((len(texts), labels.shape[1]), dtype=np.float32)
        for start in range(0, len(texts), BLOCK):
            near, joins = self._nearest(texts[start : start + BLOCK])
            found[start : start + BLOCK] = (joins[:, :, None] * labels[near]).sum(axis=1)
        return found

    @cached_property
    def joins(self) -> Any:
        """Symmetric sparse matrix of joins, CSR float32 [n, n]: two nodes are joined where either names the other."""
        from scipy.sparse import csr_matrix

        count = len(self.nodes)
        found = [
            self._nearest(self.nodes[start : start + BLOCK], np.arange(start, min(start + BLOCK, count)))
            for start in range(0, count, BLOCK)
        ]
        columns, joins = (np.concatenate([block[part].ravel() for block in found]) for part in (0, 1))
        owners = np.repeat(np.arange(count), len(columns) // count)
        graph = csr_matrix((joins, (owners, columns)), shape=(count, count))
        return graph.maximum(graph.T)

    @cached_property
    def _flow(self) -> Any:
        """``joins``, each divided by the root of both ends' sums."""
        from scipy.sparse import diags

        scale = diags(1 / np.sqrt(np.asarray(self.joins.sum(axis=1)).ravel() + SMALL))
        return (scale @ self.joins @ scale).tocsr().astype(np.float32)

    def _nearest(self, texts: Floats, own: NDArray[Any] | None = None) -> tuple[NDArray[Any], Floats]:
        """Nodes nearest to each text and the weight of the join: [m, k] both. ``own`` is each text's own node."""
        cosines = texts @ self.nodes.T
        if own is not None:
            cosines[np.arange(len(texts)), own] = -1
        count = min(self._neighbours, len(self.nodes) - (own is not None))
        near = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        joins: Floats = np.take_along_axis(cosines, near, axis=1).clip(0) ** self._power
        return near, joins
