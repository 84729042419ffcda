"""Boosted trees over the columns of a table: LambdaMART (Burges 2010) as LightGBM learns it, kept as plain arrays.

LightGBM is needed to learn, not to answer: the trees are walked here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.rank.fusion.table import Labels, Table
from zhiyin.types import Floats, Ints

THREADS = 2
"""Of LightGBM while it learns; the trees are the same with any number."""
BLOCK_CELLS = 2_000_000
"""Pairs of row and tree walked at once."""
MANY_ROWS = 50_000
"""With fewer rows, threads of a busy machine wait for each other many times longer than they work."""


class TreeParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    trees: int = Field(100, ge=1, le=5000)
    """Trees in all."""
    leaves: int = Field(15, ge=2, le=256)
    """Most leaves of a tree."""
    depth: int = Field(5, ge=1, le=16)
    """Most questions on the way to a leaf."""
    rate: float = Field(0.05, gt=0, le=1)
    """Share of each tree that counts."""
    least_rows: int = Field(100, ge=1, le=1_000_000)
    """Least rows of a leaf."""
    leaf_penalty: float = Field(10.0, ge=0, le=1e6)
    """Ridge penalty on the values of leaves."""


@dataclass(frozen=True)
class Trees:
    """``feature``, ``threshold``, ``left``, ``right`` are [trees, nodes]: at an inner node a row goes left where its
    column ``feature`` is at most ``threshold``. A leaf points at itself on both sides. ``value`` [trees, nodes] is what
    a leaf adds; ``depth`` questions lead to a leaf in every tree."""

    feature: Ints
    threshold: NDArray[np.float64]
    left: Ints
    right: Ints
    value: NDArray[np.float64]
    depth: int

    def score(self, values: Floats) -> Floats:
        """Sum over the trees for each row of ``values`` [rows, columns]: float32 [rows]."""
        trees, nodes = self.feature.shape
        found = np.zeros(len(values), dtype=np.float32)
        if not trees:
            return found
        feature, threshold, value = self.feature.ravel(), self.threshold.ravel(), self.value.ravel()
        base = (np.arange(trees, dtype=np.int32) * nodes)[None, :]
        # One array of children, so that the answer of a question is an offset into it.
        children = np.stack((self.right + base.T, self.left + base.T), axis=2).reshape(-1).astype(np.int32)
        step = max(1, BLOCK_CELLS // trees)
        columns = values.shape[1]
        for start in range(0, len(values), step):
            block = np.ascontiguousarray(values[start : start + step]).ravel()
            offset = (np.arange(len(block) // columns, dtype=np.int32) * columns)[:, None]
            at = np.broadcast_to(base, (len(offset), trees))
            for _ in range(self.depth):
                low = block[offset + feature[at]] <= threshold[at]
                at = children[2 * at + low]
            found[start : start + step] = value[at].sum(axis=1)
        return found

    def gains(self, columns: int) -> NDArray[np.int64]:
        """How many questions each column is asked in."""
        inner = self.left != np.arange(self.left.shape[1])[None, :]
        return np.bincount(self.feature[inner], minlength=columns)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
            "depth": np.array([self.depth], dtype=np.int32),
        }

    @staticmethod
    def restore(arrays: dict[str, NDArray[Any]]) -> Trees:
        feature, threshold, left, right, value = (
            arrays[name] for name in ("feature", "threshold", "left", "right", "value")
        )
        return Trees(feature, threshold, left, right, value, int(arrays["depth"][0]))


def learn_trees(table: Table, labels: Labels, rising: Collection[str], params: TreeParams, seed: int) -> Trees:
    """Trees that raise NDCG of what was chosen among each person's candidates; none where nobody chose any.

    The sum never falls where a column in ``rising`` rises. The same table, seed and version give the same trees.
    """
    import lightgbm

    owners = table.owners()
    kept = (np.bincount(owners, weights=labels, minlength=len(table)) > 0)[owners]
    if not kept.any():
        return grown([])
    asked = {
        "objective": "lambdarank",
        "learning_rate": params.rate,
        "num_leaves": params.leaves,
        "max_depth": params.depth,
        "min_data_in_leaf": min(params.least_rows, max(1, int(kept.sum()) // 20)),
        "lambda_l2": params.leaf_penalty,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambdarank_truncation_level": 30,
        "monotone_constraints": [int(name in rising) for name in table.columns],
        "zero_as_missing": False,
        "use_missing": False,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": THREADS if kept.sum() >= MANY_ROWS else 1,
        "verbose": -1,
    }
    sizes = np.bincount(owners[kept], minlength=len(table))
    data = lightgbm.Dataset(table.values[kept], labels[kept].astype(np.int32), group=sizes[sizes > 0])
    return grown(lightgbm.train(asked, data, params.trees).dump_model()["tree_info"])


def grown(told: list[dict[str, Any]]) -> Trees:
    """Arrays from what LightGBM says of its trees."""
    lists: list[list[tuple[int, float, int, int, float]]] = []
    depth = 0
    for one in told:
        nodes: list[tuple[int, float, int, int, float]] = []
        depth = max(depth, _walk(one["tree_structure"], nodes))
        lists.append(nodes)
    width = max((len(nodes) for nodes in lists), default=1)
    shape = (len(lists), width)
    feature, left, right = (np.zeros(shape, dtype=np.int32) for _ in range(3))
    threshold, value = (np.zeros(shape, dtype=np.float64) for _ in range(2))
    for row, nodes in enumerate(lists):
        for place, (asked, limit, low, high, leaf) in enumerate(nodes):
            feature[row, place], threshold[row, place], value[row, place] = asked, limit, leaf
            left[row, place], right[row, place] = low, high
    return Trees(feature, threshold, left, right, value, depth)


def _walk(node: dict[str, Any], nodes: list[tuple[int, float, int, int, float]]) -> int:
    """Append ``node`` and all below it; how many questions lead to the deepest leaf."""
    place = len(nodes)
    if "split_feature" not in node:
        nodes.append((0, 0.0, place, place, float(node["leaf_value"])))
        return 0
    nodes.append((0, 0.0, place, place, 0.0))
    left = len(nodes)
    below = _walk(node["left_child"], nodes)
    right = len(nodes)
    below = max(below, _walk(node["right_child"], nodes))
    nodes[place] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
    return below + 1
