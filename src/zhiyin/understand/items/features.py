"""What was read in items, as words for a text encoder and as vectors for the linear core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from zhiyin.types import Floats, ItemFeatures
from zhiyin.understand.items.audience import GROUPS
from zhiyin.understand.items.source import folded
from zhiyin.understand.items.taxonomy import Taxonomy

TOLD = ("brand", "author", "director", "artist", "actors", "publisher", "maker", "color", "material", "format")
"""Attributes that make two items alike; sizes, counts and years only look alike."""
TOPIC, AUDIENCE, ATTRIBUTE = 1.0, 0.5, 1.0
"""Weight of each kind of feature, before rarity."""
NEIGHBOURS = 100
BLOCK = 512

_CHINESE = {group.name: group.chinese for group in GROUPS}


def features_text(features: ItemFeatures, taxonomy: Taxonomy) -> str:
    """One line in the item's language: topics, for whom, and attributes; "" where nothing was read."""
    chinese = features.language == "zh"
    topics = [name for key in features.topics if (name := taxonomy.name(key))]
    people = [_CHINESE.get(name, name) if chinese else name for name in features.audience]
    said = [features.attributes[name] for name in TOLD if name in features.attributes]
    parts = [", ".join(topics), ("适合" if chinese else "for ") + ", ".join(people) if people else "", ", ".join(said)]
    return ("。" if chinese else ". ").join(part for part in parts if part)


def enriched_text(text: str, features: ItemFeatures, taxonomy: Taxonomy) -> str:
    """``text``, an item's own, with what was read in it and it does not say already."""
    known = folded(text)
    told = [part for part in _parts(features, taxonomy) if folded(part) not in known]
    return ". ".join(part for part in (text, ", ".join(told)) if part)


def feature_matrix(features: Sequence[ItemFeatures]) -> sparse.csr_array:
    """Float32 CSR [n, features that several items have], rows of unit length or empty.

    A column is a topic, an audience, or one value of an attribute in ``TOLD``; it weighs by kind and by rarity, the
    logarithm of n over the number of items that have it.
    """
    rows = [dict(_weights(one)) for one in features]
    counts = Counter(name for row in rows for name in row)
    shared = sorted(name for name, count in counts.items() if count > 1)
    places = {name: place for place, name in enumerate(shared)}
    rarity = {name: float(np.log(len(rows) / counts[name])) + 0.05 for name in shared}
    indptr, indices, data = [0], [], []
    for row in rows:
        found = sorted((places[name], weight * rarity[name]) for name, weight in row.items() if name in places)
        indices += [place for place, _ in found]
        data += [value for _, value in found]
        indptr.append(len(indices))
    matrix = sparse.csr_array(
        (np.array(data, dtype=np.float32), np.array(indices, dtype=np.int32), np.array(indptr, dtype=np.int32)),
        shape=(len(rows), len(shared)),
    )
    lengths = np.sqrt(matrix.power(2).sum(axis=1))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sparse.csr_array(sparse.diags_array(scale.astype(np.float32)) @ matrix)


def feature_vectors(features: Sequence[ItemFeatures], dimension: int = 128, seed: int = 0) -> Floats:
    """Float32 [n, dimension], rows of unit length or zeros: ``feature_matrix`` by a random projection that keeps
    cosines up to about 1 / sqrt(dimension) (Achlioptas 2003). Equal features give equal rows."""
    matrix = feature_matrix(features)
    signs = np.random.default_rng(seed).integers(0, 2, (matrix.shape[1], dimension), dtype=np.int8)
    projected = np.asarray(matrix @ (2.0 * signs - 1).astype(np.float32), dtype=np.float32)
    return unit(projected)


def feature_similarity(features: Sequence[ItemFeatures], neighbours: int = NEIGHBOURS) -> sparse.csr_array:
    """Cosines of ``feature_matrix``, symmetric float32 CSR [n, n] with zero diagonal.

    Each item names its ``neighbours`` most alike; a pair is kept where either names the other.
    """
    matrix = feature_matrix(features)
    n = matrix.shape[0]
    width = min(neighbours, n)
    parts = []
    for start in range(0, n, BLOCK):
        block = np.asarray((matrix[start : start + BLOCK] @ matrix.T).toarray(), dtype=np.float32)
        block[np.arange(len(block)), start + np.arange(len(block))] = 0
        best = np.argpartition(-block, width - 1, axis=1)[:, :width] if width else np.zeros((len(block), 0), dtype=int)
        values = np.take_along_axis(block, best, axis=1)
        inside = np.repeat(np.arange(len(block)), width)
        kept = values.ravel() > 0
        parts.append(
            sparse.csr_array((values.ravel()[kept], (inside[kept], best.ravel()[kept])), shape=(len(block), n))
        )
    near = sparse.vstack(parts, format="csr") if parts else sparse.csr_array((n, n), dtype=np.float32)
    return sparse.csr_array(near.maximum(near.T))


def joined_vectors(texts: Floats, features: Floats, share: float) -> Floats:
    """Vectors whose cosine is (1 - ``share``) of the texts' and ``share`` of the features', float32 [n, d + e]; where
    an item lacks one of the two, the other stands alone."""
    both = np.concatenate((np.sqrt(1 - share) * texts, np.sqrt(share) * features), axis=1)
    return unit(np.asarray(both, dtype=np.float32))


def unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > 1e-9, rows / np.maximum(lengths, 1e-12), 0), dtype=np.float32)


def _parts(features: ItemFeatures, taxonomy: Taxonomy) -> list[str]:
    topics = [name for key in features.topics if (name := taxonomy.name(key))]
    said = [features.attributes[name] for name in TOLD if name in features.attributes]
    people = [_CHINESE[name] if features.language == "zh" else f"for {name}" for name in features.audience]
    return [*topics, *people, *said]


def _weights(features: ItemFeatures) -> list[tuple[str, float]]:
    found = [(f"topic {key}", TOPIC * weight) for key, weight in features.topics.items()]
    found += [(f"audience {name}", AUDIENCE) for name in features.audience]
    for name in TOLD:
        if name in features.attributes:
            # A brand said "by X" is the same as a brand.
            kind = "brand" if name == "maker" else name
            found.append((f"{kind} {folded(features.attributes[name])}", ATTRIBUTE))
    return found
