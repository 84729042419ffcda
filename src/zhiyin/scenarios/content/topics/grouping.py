"""Items in groups that speak of the same: communities of the graph that joins each to its nearest others.

Louvain (Blondel, Guillaume, Lambiotte and Lefebvre 2008) on nearest neighbours: groups have the sizes that they have,
where k-means makes them alike. Against k-means on the same vectors: docs/content.md.
"""

from __future__ import annotations

import numpy as np

from zhiyin.scenarios.content.topics.settings import TopicsSettings
from zhiyin.types import Floats, Ints
from zhiyin.understand.text_graph import TextGraph

NONE = -1
FULL = 600
"""Among fewer items topics are coarser, in proportion: there would be hardly more than ``support`` in each."""


def groups_of(vectors: Floats, settings: TopicsSettings) -> Ints:
    """The group of each row of ``vectors`` (unit rows float32 [n, d], zeros: no text), int32 [n], largest group 0; -1
    for rows in none. The same vectors and settings give the same groups."""
    found = np.full(len(vectors), NONE, dtype=np.int32)
    rows = np.flatnonzero(vectors.any(axis=1))
    if len(rows) < settings.support:
        return found
    from sknetwork.clustering import Louvain  # type: ignore[import-untyped]  # it ships no types

    joins = TextGraph(vectors[rows], settings.neighbours, settings.power).joins
    resolution = settings.resolution * min(1.0, len(rows) / FULL)
    labels = Louvain(resolution=resolution, random_state=settings.seed).fit_predict(joins)
    sizes = np.bincount(labels)
    order = [label for label in np.argsort(-sizes, kind="stable") if sizes[label] >= settings.support]
    places = np.full(len(sizes), NONE, dtype=np.int32)
    places[order] = np.arange(len(order))
    found[rows] = places[labels]
    return found


def centres_of(vectors: Floats, groups: Ints) -> Floats:
    """Mean of each group's rows, unit length, float32 [groups, d]."""
    found = np.zeros((int(groups.max(initial=NONE)) + 1, vectors.shape[1]), dtype=np.float64)
    inside = groups > NONE
    np.add.at(found, groups[inside], vectors[inside])
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-12), dtype=np.float32)


def placed(vectors: Floats, centres: Floats, near: float) -> Ints:
    """The group whose centre is nearest to each row, int32 [n]; -1 where none is as near as ``near``."""
    if not len(centres) or not len(vectors):
        return np.full(len(vectors), NONE, dtype=np.int32)
    cosines = np.round(vectors @ centres.T, 6)
    best = cosines.argmax(axis=1)
    told: Ints = np.where(cosines[np.arange(len(vectors)), best] >= near, best, NONE).astype(np.int32)
    return told
