"""A graph of people parted into groups, and how good a parting is."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.errors import ConfigError
from zhiyin.scenarios.community.circles.params import CirclesParams
from zhiyin.types import Ints

Values = NDArray[np.float64]
FINE = 1e-5
"""Gain in modularity below which a pass is the last."""


def parted(graph: sparse.csr_array, params: CirclesParams, resolution: float) -> Ints:
    """The group of each of n people, int32 [n], groups numbered by size from 0; -1 for people without an edge.

    Leiden (Traag, Waltman and van Eck, Scientific Reports 9, 2019) or Louvain (Blondel et al., J. Stat. Mech. 2008),
    the best of ``tries`` by modularity at ``resolution``. Raises ConfigError where the library is not installed.
    """
    alone = np.diff(graph.indptr) == 0
    labels = np.full(graph.shape[0], -1, dtype=np.int32)
    linked = np.flatnonzero(~alone)
    if not len(linked):
        return labels
    part = sparse.csr_array(graph[linked][:, linked])
    best, most = None, -np.inf
    for number in range(params.tries):
        found = _once(part, params, resolution, params.seed + number)
        value = modularity(part, found, resolution)
        if value > most + 1e-12:
            best, most = found, value
    assert best is not None
    labels[linked] = by_size(best)
    return labels


def _once(graph: sparse.csr_array, params: CirclesParams, resolution: float, seed: int) -> Ints:
    try:
        from sknetwork.clustering import Leiden, Louvain  # type: ignore[import-untyped]  # it ships no types
    except ImportError as missing:
        raise ConfigError(
            "circles need the package scikit-network", fix="pip install scikit-network, or run 'make install'"
        ) from missing
    _seed_of_c(seed)
    kind = Leiden if params.method == "leiden" else Louvain
    method = kind(
        resolution=resolution,
        modularity="newman",
        tol_optimization=FINE,
        tol_aggregation=FINE,
        shuffle_nodes=True,
        random_state=seed % 2**32,
        return_probs=False,
        return_aggregate=False,
    )
    found: Ints = np.asarray(method.fit_predict(sparse.csr_matrix(graph)), dtype=np.int32)
    return found


def _seed_of_c(seed: int) -> None:
    """The library's Leiden draws its refinements by the C library's generator, which it does not seed: the same graph
    would be parted otherwise each time. Where that library cannot be had by this way, so it is."""
    try:
        ctypes.CDLL(None).srand(seed % 2**32)
    except (OSError, AttributeError, TypeError):
        return


def by_size(labels: Ints) -> Ints:
    """The same groups, the largest called 0; of equal ones, that which holds the first person."""
    names, first, place, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    new = np.empty(len(names), dtype=np.int32)
    new[order] = np.arange(len(names), dtype=np.int32)
    return new[place]


def belonging(labels: Ints) -> sparse.csr_array:
    """Float64 CSR [n, groups], 1 where a person is of a group; empty rows for -1."""
    known = np.flatnonzero(labels >= 0)
    cells = (np.ones(len(known)), (known, labels[known]))
    return sparse.csr_array(cells, shape=(len(labels), int(labels.max(initial=-1)) + 1))


def modularity(graph: sparse.csr_array, labels: Ints, resolution: float = 1.0) -> float:
    """sum over groups of (weight inside / total) - resolution (weight of its people / total)^2 (Newman and Girvan,
    2004), each edge counted from both ends; people of -1 are in no group. 0 for a graph without edges."""
    groups = belonging(labels)
    total = float(graph.sum())
    if total <= 0 or not groups.shape[1]:
        return 0.0
    strength = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    inside = (groups.T @ (graph @ groups)).diagonal()
    of_group = groups.T @ strength
    return float((inside / total - resolution * (of_group / total) ** 2).sum())


def conductances(graph: sparse.csr_array, groups: sparse.csr_array) -> Values:
    """Of each group, the weight of edges that leave it over that of all edges of its people, or of all others' where
    that is less: 0 for one that nothing leaves, float64 [groups]; NaN for a group without edges. ``groups`` [n, groups]
    holds 1 for members, who may be of several."""
    strength = np.asarray(graph.sum(axis=1), dtype=np.float64).ravel()
    inside = (groups.T @ (graph @ groups)).diagonal()
    volume = groups.T @ strength
    least = np.minimum(volume, strength.sum() - volume)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A group that nothing leaves may come out a hair below 0.
        return np.where(least > 0, np.maximum(volume - inside, 0.0) / least, np.where(volume > 0, 0.0, np.nan))


def densities(graph: sparse.csr_array, groups: sparse.csr_array) -> Values:
    """Of each group, the share of pairs of its people that have an edge, float64 [groups]; NaN for fewer than two."""
    plain = graph.copy()
    plain.data = np.ones_like(plain.data)
    inside = (groups.T @ (plain @ groups)).diagonal()
    size = np.asarray(groups.sum(axis=0), dtype=np.float64).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 1, inside / (size * (size - 1)), np.nan)
