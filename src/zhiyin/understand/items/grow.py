"""The taxonomy grows out of the catalogue: its categories first, then clusters of the texts that no topic covers.

Growth only adds. A name that is another spelling of a topic, or whose vector nearly is one, becomes a merged topic that
leads to it; ids in use stay. The same catalogue and settings give the same taxonomy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats
from zhiyin.understand.items.audience import audiences
from zhiyin.understand.items.language import HAN
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings, Topic, name_key, topic_id
from zhiyin.understand.items.terms import TermCounts

SAMPLE = 20_000
"""Texts clustered at most, spread evenly over those without a topic."""
CANDIDATES = 6
"""Terms among which a cluster's name is chosen."""
EXAMPLES = 5
"""Titles shown to a language model that names a cluster: those nearest to its centre."""
NAME_CHARACTERS = 40
COUNTED = 400
"""Characters of each item's text whose terms are counted."""
DIMENSION = 64
"""Of the vectors that stand in where there is no text encoder."""
ROUNDS = 3

Encode = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True)
class Cluster:
    """Items without a topic that are alike: ``terms`` speak of them, best first; ``titles`` are in the middle of it."""

    terms: tuple[str, ...]
    titles: tuple[str, ...]
    items: int


Name = Callable[[Sequence[Cluster]], list[str]]
"""Gives each cluster a name: one of its terms, or words grounded in its titles; "" for none."""


def first_terms(clusters: Sequence[Cluster]) -> list[str]:
    """Names without a language model: the most distinctive term."""
    return [cluster.terms[0] if cluster.terms else "" for cluster in clusters]


def grow(
    taxonomy: Taxonomy,
    sources: Sequence[ItemSource],
    settings: TaxonomySettings,
    *,
    vectors: Floats | None = None,
    encode: Encode | None = None,
    name: Name = first_terms,
    proposals: Counter[str] | None = None,
    seed: int = 0,
) -> Taxonomy:
    """``taxonomy`` with the topics that ``sources`` ask for.

    ``vectors`` float32 [len(sources), d] are the items' text vectors (rows of zeros: no text) and ``encode`` makes more
    of them; without them nothing is merged by meaning, and texts are clustered by the terms they share. ``proposals``
    counts the items for which a language model proposed each name.
    """
    counts = Counter(kind for source in sources for kind in source.categories)
    wide = settings.widest * len(sources)
    kept = {kind: count for kind, count in counts.items() if settings.support <= count <= wide}
    taxonomy = _add(taxonomy, kept, "category", sources, settings, encode)
    asked = {word: count for word, count in (proposals or {}).items() if count >= settings.support}
    taxonomy = _add(taxonomy, asked, "proposed", sources, settings, encode)
    words = TermCounts([source.text[:COUNTED] for source in sources])
    if vectors is None:
        vectors = words.vectors(DIMENSION, seed)
    for _ in range(ROUNDS):
        before = len(taxonomy.active)
        taxonomy = _from_clusters(taxonomy, sources, vectors, words, settings, encode, name, seed)
        if len(taxonomy.active) == before:
            break
    return _with_cues(taxonomy, sources, words, settings)


def _add(
    taxonomy: Taxonomy,
    counts: dict[str, int],
    kind: str,
    sources: Sequence[ItemSource],
    settings: TaxonomySettings,
    encode: Encode | None,
) -> Taxonomy:
    """Names by falling support, each new, merged, or left out for want of room."""
    fresh: dict[str, Topic] = {}
    for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        key = topic_id(word)
        if key in fresh:
            fresh[key] = replace(fresh[key], items=fresh[key].items + count)
        elif key not in taxonomy.by_id and taxonomy.find(word) is None:
            fresh[key] = Topic(key, word, kind, items=count)
    names = [*taxonomy.active, *fresh.values()]
    places = {topic.topic_id: place for place, topic in enumerate(names)}
    alike = _cosines(encode, [topic.name for topic in names])
    together = _together(sources, names) if alike is not None and kind == "category" else {}
    twins = None if alike is None else _twins(alike, [bool(HAN.search(topic.name)) for topic in names], settings)
    for topic in fresh.values():
        twin = None
        if alike is not None and twins is not None:
            row, same = alike[places[topic.topic_id]], twins[places[topic.topic_id]]
            for other in sorted(taxonomy.active, key=lambda one: (-row[places[one.topic_id]], one.topic_id)):
                if same[places[other.topic_id]] and _may_merge(topic, other, together):
                    twin = other
                    break
        if twin is not None:
            taxonomy = taxonomy.with_topics([topic]).merged(topic.topic_id, twin.topic_id)
        elif len(taxonomy.active) < settings.size:
            taxonomy = taxonomy.with_topics([topic])
    return taxonomy


def _twins(alike: Floats, chinese: Sequence[bool], settings: TaxonomySettings) -> NDArray[np.bool_]:
    """Which names may be one thing, bool [names, names]: those that are ``alike``, and across the scripts those that
    are each other's nearest, for a translation is less close than a spelling."""
    here = np.array(chinese)
    across = np.where(here[:, None] != here[None, :], alike, -np.inf)
    nearest = across.argmax(axis=1)
    mutual = np.zeros_like(alike, dtype=np.bool_)
    places = np.arange(len(here))
    paired = (nearest[nearest] == places) & (across[places, nearest] >= settings.alike_across)
    mutual[places[paired], nearest[paired]] = True
    same: NDArray[np.bool_] = mutual | (alike >= settings.alike)
    return same


def _may_merge(topic: Topic, other: Topic, together: dict[str, set[str]]) -> bool:
    """Close names may still be two things: where one item carries both, or where they speak to different people or
    hold different numbers ("Men's" and "Women's")."""
    if other.topic_id in together.get(topic.topic_id, ()):
        return False
    if audiences(topic.name) != audiences(other.name):
        return False
    numbers = ["".join(filter(str.isdigit, one.name)) for one in (topic, other)]
    return numbers[0] == numbers[1]


def _together(sources: Sequence[ItemSource], names: Sequence[Topic]) -> dict[str, set[str]]:
    """Which topics one item's categories name side by side."""
    known = {topic.topic_id for topic in names}
    found: dict[str, set[str]] = {}
    for kinds in {source.categories for source in sources}:
        ids = {key for key in map(topic_id, kinds) if key in known}
        for key in ids:
            found.setdefault(key, set()).update(ids - {key})
    return found


def _cosines(encode: Encode | None, words: Sequence[str]) -> Floats | None:
    if encode is None or not words:
        return None
    vectors = encode(words)
    return vectors @ vectors.T


def covered(taxonomy: Taxonomy, source: ItemSource, said: set[str]) -> bool:
    """Whether one of the item's categories, or of the terms it says, already leads to a topic."""
    return any(taxonomy.find(kind) for kind in source.categories) or any(taxonomy.find(term) for term in said)


def _from_clusters(
    taxonomy: Taxonomy,
    sources: Sequence[ItemSource],
    vectors: Floats,
    words: TermCounts,
    settings: TaxonomySettings,
    encode: Encode | None,
    name: Name,
    seed: int,
) -> Taxonomy:
    bare = [
        row for row, source in enumerate(sources) if vectors[row].any() and not covered(taxonomy, source, words.of[row])
    ]
    room = settings.size - len(taxonomy.active)
    if len(bare) < 2 * settings.support or room < 1:
        return taxonomy
    rows = np.array(bare[:: -(-len(bare) // SAMPLE)])
    distinct = len({vectors[row].tobytes() for row in rows})
    count = min(room, distinct, max(1, len(rows) // settings.cluster_items))
    labels, centres = _cluster(vectors[rows], count, seed)
    found = []
    for label in range(count):
        inside = rows[labels == label]
        if len(inside) < settings.support:
            continue
        near = inside[np.argsort(-np.round(vectors[inside] @ centres[label], 6), kind="stable")]
        titles = tuple(sources[row].title or sources[row].description[:80] for row in near[:EXAMPLES])
        found.append(Cluster(tuple(words.distinctive(inside, CANDIDATES)), titles, len(inside)))
    found = [cluster for cluster in found if cluster.terms]
    names = [word.strip()[:NAME_CHARACTERS] for word in name(found)]
    counts: dict[str, int] = {}
    for word, cluster in zip(names, found, strict=True):
        if word and name_key(word):
            counts[word] = max(counts.get(word, 0), cluster.items)
    return _add(taxonomy, counts, "terms", sources, settings, encode)


def _cluster(vectors: Floats, count: int, seed: int) -> tuple[NDArray[np.int32], Floats]:
    """Label of each row and the centres: k-means on one thread, for sums in several would not end in the same bits."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        model = KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(vectors)
    return model.labels_, np.asarray(model.cluster_centers_, dtype=np.float32)


def _with_cues(
    taxonomy: Taxonomy, sources: Sequence[ItemSource], words: TermCounts, settings: TaxonomySettings
) -> Taxonomy:
    """New topics get the terms that speak of their items; those that have some keep them: their vectors stay."""
    bare = [topic for topic in taxonomy.active if not topic.cues]
    if not bare or not settings.cues:
        return taxonomy
    members: dict[str, list[int]] = {topic.topic_id: [] for topic in bare}
    for row, source in enumerate(sources):
        for key in {taxonomy.find(kind) for kind in source.categories}:
            if key in members:
                members[key].append(row)
    for topic in bare:
        if topic.kind != "category":
            key = name_key(topic.name)
            said = {term for term in words.count if name_key(term) == key}
            members[topic.topic_id] = [row for row, found in enumerate(words.of) if not said.isdisjoint(found)]
    return taxonomy.with_topics(
        replace(topic, cues=tuple(words.distinctive(members[topic.topic_id][:SAMPLE], settings.cues))) for topic in bare
    )
