"""h(c): what stands for an item. Its text, reduced and whitened, beside its place among the people who took it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from zhiyin.types import Catalogue, Floats, Histories, Longs

RIDGE = 10.0
"""Penalty of the regression of the second part on the first; its rows have length 1."""
FLOOR = 1e-6
"""Directions with less than this share of the largest variance say nothing and are left out."""
ROUNDS = 4
SPARE = 10
"""Rounds of the subspace iteration, and directions carried beside those wanted."""


@dataclass(frozen=True)
class Representation:
    """``items`` float32 [n, d_t + d_c]: both parts of each item, each of length 1, or zeros where nothing is known.

    The rest places items that come later: ``mean`` [e] and ``directions`` [e, d_t] reduce a text vector, ``imputed``
    [d_t, d_c] is the regression of the second part on the first. Without text vectors e = d_t = 0.
    """

    items: Floats
    mean: Floats
    directions: Floats
    imputed: Floats

    def place(self, vectors: Floats) -> Floats:
        """Rows for items known by text vectors [m, e] alone; a vector of zeros gives a row of zeros."""
        text = text_part(vectors, self.mean, self.directions)
        return np.concatenate((text, unit(text @ self.imputed)), axis=1).astype(np.float32)


def represent(
    histories: Histories, catalogue: Catalogue, text: int, together: int, trust: float, seed: int
) -> Representation:
    """Learn h(c) of every item: at most ``text`` numbers of its text, at most ``together`` of who took it.

    An item taken n times keeps n / (n + trust) of its own second part and gets the rest from its text, so an item
    nobody has taken is placed by its text alone.
    """
    n = len(catalogue.titles)
    counts = np.bincount(histories.items, minlength=n)
    own = unit(collaborative_part(histories, n, together, seed))
    if catalogue.vectors is None or not np.any(catalogue.vectors):
        none = np.zeros(0, dtype=np.float32)
        return Representation(own, none, none.reshape(0, 0), np.zeros((0, own.shape[1]), dtype=np.float32))
    vectors = np.asarray(catalogue.vectors, dtype=np.float32)
    mean, directions = whitening(vectors, text)
    texts = text_part(vectors, mean, directions)
    imputed = regression(texts, own, counts)
    guessed = unit(texts @ imputed)
    # A trust of 0 believes the first event.
    kept = (counts / np.maximum(counts + trust, FLOOR)).astype(np.float32)[:, None]
    known = np.any(texts, axis=1, keepdims=True)
    mixed = np.where(known, kept * own + (1 - kept) * guessed, own)
    items = np.concatenate((texts, unit(mixed)), axis=1).astype(np.float32)
    return Representation(items, mean, directions, imputed)


def unit(rows: Floats) -> Floats:
    """Rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > FLOOR)
    return scaled


def whitening(vectors: Floats, most: int) -> tuple[Floats, Floats]:
    """Mean [e] and directions [e, <= most] of the largest variance, each divided by the root of its spread, which
    brings the loud first ones nearer to the rest without raising noise to their height."""
    said = vectors[vectors.any(axis=1)].astype(np.float64)
    mean = said.mean(axis=0)
    spread = (said - mean).T @ (said - mean) / max(1, len(said))
    values, axes = np.linalg.eigh(spread)
    order = np.argsort(-values, kind="stable")[:most]
    order = order[values[order] > FLOOR * max(float(values[order[0]]), FLOOR)]
    directions = _turned(axes[:, order]) / values[order] ** 0.25
    return mean.astype(np.float32), directions.astype(np.float32)


def text_part(vectors: Floats, mean: Floats, directions: Floats) -> Floats:
    """Float32 [m, d_t], rows of length 1; zeros where there is no text."""
    if not directions.size:
        return np.zeros((len(vectors), directions.shape[1]), dtype=np.float32)
    said = np.any(vectors, axis=1, keepdims=True)
    return unit(np.where(said, (vectors - mean) @ directions, 0).astype(np.float32))


def collaborative_part(histories: Histories, n: int, most: int, seed: int) -> Floats:
    """Right singular vectors of D_u^-1/2 X D_i^-1/2 (X users x items), times singular values: float32 [n, <= most].

    The first, which is known (the roots of the degrees, value 1) and only says how often an item was taken, is left
    out. The others are found by subspace iteration from a seeded start (Halko, Martinsson, Tropp 2011), so nothing of
    size n x n is ever made.
    """
    index = histories.items.astype(np.int32)
    taken = sparse.csr_array((histories.weights.astype(np.float32), index, histories.indptr), shape=(len(histories), n))
    users = np.sqrt(np.maximum(taken.sum(axis=1), FLOOR))
    degrees = np.sqrt(taken.sum(axis=0))
    items = np.maximum(degrees, FLOOR)
    scaled = sparse.csr_array(sparse.diags_array(1 / users) @ taken @ sparse.diags_array(1 / items), dtype=np.float32)
    back = sparse.csr_array(scaled.T)
    known = (degrees / max(float(np.linalg.norm(degrees)), FLOOR)).astype(np.float32)[:, None]
    width = min(most + SPARE, n, len(histories))
    basis = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)
    for _ in range(ROUNDS + 1):
        basis = np.linalg.qr(basis - known @ (known.T @ basis))[0]
        basis = back @ (scaled @ basis)
    basis = np.linalg.qr(basis - known @ (known.T @ basis))[0]
    _, values, axes = np.linalg.svd(scaled @ basis, full_matrices=False)
    found = _turned(basis @ axes.T) * values
    kept = np.flatnonzero(values > np.sqrt(FLOOR) * max(float(values.max(initial=0)), FLOOR))[:most]
    return np.ascontiguousarray(found[:, kept], dtype=np.float32)


def regression(texts: Floats, own: Floats, counts: Longs) -> Floats:
    """Ridge regression [d_t, d_c] of ``own`` on ``texts`` over the items somebody took, frequent ones counting more."""
    weights = np.log1p(counts)[:, None]
    left = texts.astype(np.float64)
    gram = left.T @ (weights * left) + RIDGE * np.eye(texts.shape[1])
    return np.linalg.solve(gram, left.T @ (weights * own)).astype(np.float32)


def _turned(axes: Floats) -> Floats:
    """Columns with their largest entry above 0: a direction has no sign of its own."""
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] if axes.size else np.ones(axes.shape[1])
    turned: Floats = axes * np.where(largest < 0, -1, 1)
    return turned
