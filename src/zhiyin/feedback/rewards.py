"""What an action would bring, learned from other rows than those it is asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.feedback.logged import Logged, Values
from zhiyin.types import Longs

if TYPE_CHECKING:
    from scipy import sparse

Kind = Literal["ridge", "logistic", "lightgbm"]
KINDS: tuple[Kind, ...] = ("ridge", "logistic", "lightgbm")
PENALTY = 10.0
"""Rows that an action, a position or a standard deviation of context must be worth to count half."""
STEPS = 25
CELLS = 4_000_000


def cross_fitted(log: Logged, actions: int, kind: Kind = "ridge", folds: int = 5, seed: int = 0) -> Values:
    """The expected reward of every action in every row, float64 [n, actions].

    Rows are dealt into ``folds`` parts (rows of a cluster into the same), and each part is told what the others teach.
    ``ridge`` is linear in action, position and context; ``logistic`` likewise, for rewards of 0 and 1; ``lightgbm`` are
    trees over the same. With fewer clusters than folds there are as many folds as clusters; with one there is nothing
    to learn from and every answer is 0.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown reward model '{kind}'", fix=f"use one of {', '.join(KINDS)}")
    if kind == "logistic" and len(log) and not np.isin(log.reward, (0.0, 1.0)).all():
        raise UsageError("'logistic' needs rewards of 0 and 1", fix="use 'ridge'")
    part = _parts(log, folds, seed)
    found = np.zeros((len(log), actions))
    for fold in range(int(part.max(initial=-1)) + 1):
        inside, outside = np.flatnonzero(part == fold), np.flatnonzero(part != fold)
        if len(outside):
            found[inside] = _told(log, actions, kind, outside, inside, seed)
    return found


def _parts(log: Logged, folds: int, seed: int) -> Longs:
    """The fold of each row."""
    cluster = np.arange(len(log)) if log.cluster is None else np.unique(log.cluster, return_inverse=True)[1]
    groups = int(cluster.max(initial=-1)) + 1
    order = np.random.default_rng([seed, 11]).permutation(groups)
    found: Longs = (order % max(2, min(folds, groups)))[cluster].astype(np.int64)
    return found


def _told(log: Logged, actions: int, kind: Kind, train: Longs, ask: Longs, seed: int) -> Values:
    others = _others(log, train)
    if kind == "lightgbm":
        return _trees(log, others, actions, train, ask, seed)
    design = _design(log, others, actions)
    known, reward = design[train], log.reward[train]
    told = _ridge(known, reward) if kind == "ridge" else _logistic(known, reward)
    # An action's part is the same for every row, so no table of rows x actions is made to multiply.
    fixed, by_action = told[0] + others[ask] @ told[1][actions:], told[1][:actions]
    sums = fixed[:, None] + by_action[None, :]
    return sums if kind == "ridge" else 1 / (1 + np.exp(-sums))


def _others(log: Logged, train: Longs) -> Values:
    """Position as one column each, and context in standard deviations of the training rows: [n, p + d]."""
    parts = []
    if log.position is not None:
        parts.append(np.eye(int(log.position.max(initial=0)) + 1)[log.position])
    if log.context is not None:
        mean, spread = log.context[train].mean(axis=0), log.context[train].std(axis=0)
        parts.append((log.context - mean) / np.where(spread > 0, spread, 1.0))
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(log), 0))


def _design(log: Logged, others: Values, actions: int) -> sparse.csr_array:
    from scipy import sparse

    rows = np.arange(len(log))
    taken = sparse.csr_array((np.ones(len(log)), (rows, log.action)), shape=(len(log), actions))
    return sparse.csr_array(sparse.hstack([taken, sparse.csr_array(others)]))


def _ridge(design: sparse.csr_array, reward: Values) -> tuple[float, Values]:
    """Intercept and slopes; the intercept is the mean and is not shrunk."""
    mean = float(reward.mean())
    gram = (design.T @ design).toarray() + PENALTY * np.eye(design.shape[1])
    return mean, np.linalg.solve(gram, design.T @ (reward - mean))


def _logistic(design: sparse.csr_array, reward: Values) -> tuple[float, Values]:
    """The same in log-odds, by Newton's method. Slopes are shrunk as if by ``PENALTY`` rows at the base rate."""
    from scipy import sparse

    base = (float(reward.sum()) + 0.5) / (len(reward) + 1)
    penalty = PENALTY * base * (1 - base)
    whole = sparse.csr_array(sparse.hstack([sparse.csr_array(np.ones((design.shape[0], 1))), design]))
    shrink = np.full(whole.shape[1], penalty)
    shrink[0] = 1e-9
    told = np.zeros(whole.shape[1])
    told[0] = np.log(base / (1 - base))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-(whole @ told)))
        slope = whole.T @ (reward - chance) - shrink * told
        bend = (whole.T @ (whole * (chance * (1 - chance))[:, None])).toarray() + np.diag(shrink)
        step = np.linalg.solve(bend, slope)
        told = told + step
        if np.abs(step).max() < 1e-8:
            break
    return float(told[0]), told[1:]


def _trees(log: Logged, others: Values, actions: int, train: Longs, ask: Longs, seed: int) -> Values:
    import lightgbm

    binary = bool(np.isin(log.reward, (0.0, 1.0)).all())
    settings: dict[str, Any] = {
        "objective": "binary" if binary else "regression",
        "num_leaves": 8,
        "learning_rate": 0.05,
        "min_data_in_leaf": 50,
        "min_data_per_group": 50,
        "cat_smooth": 20.0,
        "lambda_l2": PENALTY,
        "num_threads": 1,
        "deterministic": True,
        "seed": seed,
        "verbosity": -1,
    }
    table = np.column_stack((log.action, others))
    data = lightgbm.Dataset(table[train], log.reward[train], categorical_feature=[0], params={"verbosity": -1})
    model = lightgbm.train(settings, data, num_boost_round=60)
    found = np.zeros((len(ask), actions))
    step = max(1, CELLS // (actions * table.shape[1]))
    for start in range(0, len(ask), step):
        some = others[ask[start : start + step]]
        every = np.column_stack((np.tile(np.arange(actions), len(some)), np.repeat(some, actions, axis=0)))
        found[start : start + step] = np.asarray(model.predict(every)).reshape(len(some), actions)
    return found
