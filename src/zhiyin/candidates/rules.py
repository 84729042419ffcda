"""What people take after what: counting rules over the order of events."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed
from zhiyin.types import Floats, Histories, TrainingData

PENDING_CELLS = 8_000_000
"""Pairs collected before they are merged into the matrix."""


class SequentialRulesParams(Params):
    window: int = Field(50, ge=1, le=10_000)
    """A rule reaches this many events ahead."""
    shrink: float = Field(5.0, ge=0, le=10_000)
    """Added to the support of each row, so that rules seen rarely weigh less."""
    decay: float = Field(0.5, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


DEFAULTS = SequentialRulesParams()


class SequentialRules(ItemMatrixModel):
    """M[i, j] = sum over histories of w_q / (q - p), for i at position p and j at q, p < q <= p + window, divided by
    (support of i + shrink). The support is the summed weight of those events of i that another event follows. Rules
    from an item to itself are left out. After Ludewig and Jannach 2018 (sequential rules)."""

    name: ClassVar[str] = "rules"
    params_type: ClassVar[type[Params]] = SequentialRulesParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.5, 0.3, 0.7, 0.85),
        "shrink": (5.0, 1.0, 20.0, 80.0),
        "window": (50, 5, 10),
    }
    params: SequentialRulesParams

    def fit(self, data: TrainingData) -> Self:
        n = data.interactions.n_items
        self.matrix = rule_matrix(data.interactions.histories, n, window=self.params.window, shrink=self.params.shrink)
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)


def rule_matrix(
    histories: Histories,
    n: int,
    *,
    window: int = DEFAULTS.window,
    shrink: float = DEFAULTS.shrink,
    backward: bool = False,
) -> sparse.csr_array:
    """The matrix M of ``SequentialRules``: float32 CSR [n, n] with sorted indices.

    With ``backward`` the rules are read the other way: from an item to those that people took before it, the support
    of an item being the summed weight of those of its events that follow another."""
    rules = _pair_weights(histories, n, window, backward=backward)
    paired = np.ones(len(histories.items), dtype=np.bool_)
    starts, ends = histories.indptr[:-1], histories.indptr[1:] - 1
    paired[(starts if backward else ends)[histories.lengths > 0]] = False
    support = np.bincount(histories.items[paired], weights=histories.weights[paired], minlength=n)
    scale = 1.0 / np.maximum(support + shrink, np.finfo(np.float64).tiny)
    rules.data = (rules.data * np.repeat(scale, np.diff(rules.indptr))).astype(np.float32)
    return rules


def _pair_weights(histories: Histories, n: int, window: int, *, backward: bool = False) -> sparse.csr_array:
    """CSR float32 [n, n], indices sorted: weight of the event a rule leads to / distance, over ordered pairs within
    ``window``; rules lead from the earlier event to the later one, with ``backward`` from the later to the earlier."""
    items, owners = histories.items, histories.owners()
    total = sparse.csr_array((n, n), dtype=np.float32)
    pending: list[tuple[Any, Any, Any]] = []
    held = 0
    reach = min(window, int(histories.lengths.max(initial=1)) - 1)
    for distance in range(1, reach + 1):
        pairs = np.flatnonzero((owners[distance:] == owners[:-distance]) & (items[distance:] != items[:-distance]))
        later = pairs + distance
        start, goal = (later, pairs) if backward else (pairs, later)
        pending.append((items[start], items[goal], histories.weights[goal] / np.float32(distance)))
        held += len(pairs)
        if held > PENDING_CELLS or distance == reach:
            rows, columns, weights = (np.concatenate(part) for part in zip(*pending, strict=True))
            total = total + sparse.coo_array((weights, (rows, columns)), shape=(n, n)).tocsr()
            pending, held = [], 0
    total.sort_indices()
    return total
