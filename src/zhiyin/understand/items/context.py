"""What the catalogue as a whole says about reading one item: its taxonomy, its brands, its usual language."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.types import Floats
from zhiyin.understand.items.attributes import leading_brand, leading_names
from zhiyin.understand.items.language import common_latin
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings, Topic
from zhiyin.understand.items.terms import terms

Encode = Callable[[Sequence[str]], Floats]
_ABSENT = re.compile(r"[\w'’]+[ -]free\b|无[㐀-鿿]{2}", re.IGNORECASE)
"""What an item says it has not: "fragrance free", 无香精."""

SAID = 0.7
"""Weight of a topic that the item's words name, and of the nearest one where there is no category, beside 1 for the
finest of its categories."""
NEAR = 0.5
"""Weight of a further topic that the words of an item without categories name."""
NAMED = 0.1
"""Cosine that being named is worth, chosen on titles whose categories were withheld."""
FAR = 2.0
"""Standard deviations above the mean of all topics' cosines that a topic must be to count as near."""
READ = 400
"""Characters in which topics are looked for by name."""


@dataclass(frozen=True)
class Hints:
    """The part of the catalogue that matters for one item. ``matched`` are topics with weights in (0, 1] that rules
    give it; ``certain`` says that its categories or words named them. ``choices`` are the ids among which a language
    model may choose, best guess first."""

    brand: str | None
    latin: str
    matched: dict[str, float]
    certain: bool
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """``vectors`` float32 [active topics, d] in the order of ``taxonomy.active``; None without an encoder."""

    taxonomy: Taxonomy
    settings: TaxonomySettings
    brands: frozenset[str]
    latin: str
    vectors: Floats | None

    @classmethod
    def of(
        cls,
        taxonomy: Taxonomy,
        sources: Sequence[ItemSource],
        settings: TaxonomySettings | None = None,
        encode: Encode | None = None,
    ) -> Context:
        """What ``sources``, the whole catalogue, tell about each of them."""
        topics = taxonomy.active
        return cls(
            taxonomy,
            settings or TaxonomySettings(),
            leading_names([source.title for source in sources]),
            common_latin([source.text for source in sources]),
            _topic_vectors(encode, topics) if encode is not None and topics else None,
        )

    def hints(self, sources: Sequence[ItemSource], vectors: Floats | None = None) -> list[Hints]:
        """One for each source. ``vectors`` float32 [len(sources), d] are the items' own, of the same encoder."""
        said = [self._by_name(source) for source in sources]
        near = self._near(vectors, said) if vectors is not None and self.vectors is not None else None
        return [
            self._hint(source, names, None if near is None else near[row])
            for row, (source, names) in enumerate(zip(sources, said, strict=True))
        ]

    def key(self, source: ItemSource, hints: Hints) -> str:
        """Hexadecimal sha256 of all that decides how ``source`` is read, but for the reader."""
        choices = [[key, self.taxonomy.name(key)] for key in sorted(hints.choices)]
        told = [source.content, hints.brand, hints.latin, sorted(hints.matched.items()), hints.certain, choices]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8")).hexdigest()

    def _hint(self, source: ItemSource, said: list[str], near: list[tuple[str, bool]] | None) -> Hints:
        matched = self._by_category(source)
        certain = bool(matched) or (bool(said) and not near)
        closest = near or []
        if certain:
            matched |= {key: SAID for key in said if key not in matched}
        else:
            # Of what the words name, the nearest is meant; the others are said in passing.
            for place, (key, stands_out) in enumerate(closest):
                if key in said or (stands_out and place == 0):
                    matched[key] = NEAR if place else SAID
        ranked = sorted(matched, key=lambda key: (-matched[key], key))
        choices = dict.fromkeys([*ranked, *(key for key, _ in closest)])
        brand = leading_brand(source.title, self.brands)
        return Hints(brand, self.latin, matched, certain, tuple(choices)[: self.settings.choices])

    def _by_category(self, source: ItemSource) -> dict[str, float]:
        """Topics of the item's categories: 1 for the one with the fewest items, less for wider ones."""
        found = [key for kind in source.categories if (key := self.taxonomy.find(kind))]
        if not found:
            return {}
        widest = max((topic.items for topic in self.taxonomy.active), default=1)
        rarity = {key: float(np.log1p(widest / max(1, self.taxonomy.by_id[key].items))) for key in found}
        most = max(rarity.values())
        return {key: max(0.01, round(value / most, 2)) for key, value in rarity.items()}

    def _by_name(self, source: ItemSource) -> list[str]:
        found = {key for term in terms(_ABSENT.sub(" ", source.text[:READ])) if (key := self.taxonomy.find(term))}
        return sorted(found)

    def _near(self, vectors: Floats, said: Sequence[Sequence[str]]) -> list[list[tuple[str, bool]]]:
        """The topics nearest to each vector, best first, and whether they stand out; none for a vector of zeros. Those
        that the item's words name are ``NAMED`` nearer."""
        assert self.vectors is not None
        ids = [topic.topic_id for topic in self.taxonomy.active]
        places = {key: place for place, key in enumerate(ids)}
        width = min(self.settings.choices, len(ids))
        found: list[list[tuple[str, bool]]] = []
        for start in range(0, len(vectors), 4096):
            block = vectors[start : start + 4096]
            # Rounded, so that the last bits of a product do not decide what an item is asked.
            scores = np.round(block @ self.vectors.T, 4)
            line = scores.mean(axis=1) + FAR * scores.std(axis=1)
            for row, names in enumerate(said[start : start + 4096]):
                scores[row, [places[key] for key in names]] += NAMED
            best = np.argsort(-scores, axis=1, kind="stable")[:, :width]
            for row, nearest in enumerate(best):
                known = block[row].any()
                found.append([(ids[place], bool(scores[row, place] > line[row])) for place in nearest] if known else [])
        return found


def _topic_vectors(encode: Encode, topics: Sequence[Topic]) -> Floats:
    """The mean of two vectors for each topic: of its name, and of its name with its cues."""
    names, told = encode([topic.name for topic in topics]), encode([topic.encoded for topic in topics])
    vectors: Floats = (names + told) / np.float32(2)
    return vectors
