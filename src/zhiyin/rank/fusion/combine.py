"""One score for each candidate from the scores of several models and the facts beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zhiyin.rank.fusion.linear import learn_weights
from zhiyin.rank.fusion.table import Labels, Table, owners, places, standardised
from zhiyin.rank.fusion.trees import TreeParams, Trees, learn_trees
from zhiyin.types import Floats, Longs

Kind = Literal["linear", "trees"]
FIRST = 10.0
"""A candidate at place p of a model has 1 / (FIRST + p): the first places differ most (reciprocal rank fusion, Cormack
et al. 2009, with a smaller constant, since the table is short)."""
BESIDE = 0.25
"""Spread of the weighted sum over a person's candidates for each one of the trees, where both decide: the trees follow
more closely what they were taught, the sum errs elsewhere. On validation of three data sets, cross-fitted NDCG@10:
+.0005, +.0008 and +.0055 over the trees alone; +.0000, +.0009 and +.0077 with a half."""


def score_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Columns made of the scores of models: standardised over a person's candidates, and by place."""
    return tuple(f"score:{name}" for name in names) + tuple(f"place:{name}" for name in names)


def score_table(scores: Floats, indptr: Longs, needed: Sequence[bool] | None = None) -> Floats:
    """``scores`` [rows, models] as the columns of ``score_columns``: float32 [rows, 2 * models], or those of them that
    are ``needed``."""
    width = scores.shape[1]
    kept = np.ones(2 * width, dtype=np.bool_) if needed is None else np.asarray(needed, dtype=np.bool_)
    placed = [1.0 / (FIRST + places(scores[:, model], indptr)) for model in np.flatnonzero(kept[width:])]
    found: Floats = np.column_stack((standardised(scores[:, kept[:width]], indptr), *placed)).astype(np.float32)
    return found


@dataclass(frozen=True)
class Combiner:
    """``weights`` float32 [columns] of the weighted sum; ``trees``, which count beside it, None where it alone
    decides."""

    columns: tuple[str, ...]
    weights: Floats
    trees: Trees | None

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that the score depends on: the others need not be made."""
        if self.trees is not None:
            return self.columns
        return tuple(name for name, weight in zip(self.columns, self.weights.tolist(), strict=True) if weight)

    def score(self, table: Table) -> Floats:
        """float32 [rows], higher is better; rows of different people are not comparable. ``table`` has the columns of
        the combiner, or those of them that are ``needed``."""
        weights = self.weights
        if len(table.columns) != len(weights):
            weights = weights[[self.columns.index(name) for name in table.columns]]
        # Row by row: a matrix product rounds a row by how many others there are, and who else asks would show.
        found = np.asarray((table.values * weights).sum(axis=1), dtype=np.float32)
        return found if self.trees is None else found + self.trees.score(table.values)

    @property
    def kind(self) -> Kind:
        return "linear" if self.trees is None else "trees"

    def share(self, model: str) -> float:
        """Part of ``model`` in the whole, in [0, 1]: of the weights by the sum, of the questions by the trees."""
        own = [self.columns.index(name) for name in score_columns([model])]
        if self.trees is None:
            size = np.abs(self.weights).astype(np.float64)
        else:
            size = self.trees.gains(len(self.columns)).astype(np.float64)
        return float(size[own].sum() / max(size.sum(), 1e-12))

    def arrays(self) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {"weights": self.weights}
        return found if self.trees is None else found | self.trees.arrays()

    @staticmethod
    def restore(columns: Sequence[str], kind: Kind, arrays: dict[str, NDArray[Any]]) -> Combiner:
        return Combiner(tuple(columns), arrays["weights"], Trees.restore(arrays) if kind == "trees" else None)


def learn(
    table: Table, labels: Labels, kind: Kind, *, models: Sequence[str], penalty: float, trees: TreeParams, seed: int
) -> Combiner:
    """The weighted sum, and trees beside it where ``kind`` asks for them. A higher score of a model never lowers the
    whole."""
    rising = set(score_columns(models))
    summed = table.only([name for name in table.columns if not name.startswith("place:")])
    weights = np.zeros(len(table.columns), dtype=np.float32)
    found = learn_weights(summed, labels, rising, penalty)
    weights[[table.columns.index(name) for name in summed.columns]] = found
    alone = Combiner(table.columns, weights, None)
    if kind == "linear":
        return alone
    grown = learn_trees(table, labels, rising, trees, seed)
    by_trees, by_sum = (within(scores, table.indptr) for scores in (grown.score(table.values), alone.score(table)))
    if not by_trees:
        return alone
    share = np.float32(BESIDE * by_trees / by_sum if by_sum else 0)
    return Combiner(table.columns, weights * share, grown)


def within(scores: Floats, indptr: Longs) -> float:
    """Spread of ``scores`` [rows] about the mean of each person's rows."""
    rows = owners(indptr)
    size = np.maximum(np.diff(indptr), 1)
    means = np.bincount(rows, weights=scores, minlength=len(size)) / size
    return float(np.sqrt(np.mean((scores - means[rows]) ** 2))) if len(scores) else 0.0
