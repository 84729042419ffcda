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
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings
from zhiyin.understand.items.terms import terms

Encode = Callable[[Sequence[str]], Floats]
_ABSENT = re.compile(r"[\w'’]+[ -]free\b|无[㐀-鿿]{2}", re.IGNORECASE)
"""What an item says it has not: "fragrance free", 无香精."""

SAID = 0.7
"""Weight of a topic that the item's words name, beside 1 for the finest of its categories."""
NEAR = 0.5
"""Weight of the topic whose vector is nearest, where neither categories nor words name one."""
FAR = 2.0
"""Standard deviations above the mean of all topics' cosines that a topic must be to count as near."""
NEAR_TOPICS = 2
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
            encode([topic.encoded for topic in topics]) if encode is not None and topics else None,
        )

    def hints(self, sources: Sequence[ItemSource], vectors: Floats | None = None) -> list[Hints]:
        """One for each source. ``vectors`` float32 [len(sources), d] are the items' own, of the same encoder."""
        near = self._near(vectors) if vectors is not None and self.vectors is not None else None
        return [self._hint(source, None if near is None else near[row]) for row, source in enumerate(sources)]

    def key(self, source: ItemSource, hints: Hints) -> str:
        """Hexadecimal sha256 of all that decides how ``source`` is read, but for the reader."""
        choices = [[key, self.taxonomy.name(key)] for key in sorted(hints.choices)]
        told = [source.content, hints.brand, hints.latin, sorted(hints.matched.items()), hints.certain, choices]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8")).hexdigest()

    def _hint(self, source: ItemSource, near: list[tuple[str, float, bool]] | None) -> Hints:
        matched = self._by_category(source)
        for key in self._by_name(source):
            matched.setdefault(key, SAID)
        certain = bool(matched)
        closest = near or []
        if not certain and closest:
            best = max(closest[0][1], 1e-6)
            far = [(key, cosine) for key, cosine, is_near in closest[:NEAR_TOPICS] if is_near and cosine > 0]
            matched = {key: round(NEAR * cosine / best, 2) for key, cosine in far}
        ranked = sorted(matched, key=lambda key: (-matched[key], key)) if certain else []
        choices = dict.fromkeys([*ranked, *(key for key, _, _ in closest)])
        return Hints(
            leading_brand(source.title, self.brands),
            self.latin,
            {key: weight for key, weight in matched.items() if weight > 0},
            certain,
            tuple(choices)[: self.settings.choices],
        )

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

    def _near(self, vectors: Floats) -> list[list[tuple[str, float, bool]]]:
        """Id, cosine and whether it stands out, of the topics nearest to each vector, best first; none for zeros."""
        assert self.vectors is not None
        ids = np.array([topic.topic_id for topic in self.taxonomy.active])
        width = min(self.settings.choices, len(ids))
        found: list[list[tuple[str, float, bool]]] = []
        for start in range(0, len(vectors), 4096):
            block = vectors[start : start + 4096]
            # Rounded, so that the last bits of a product do not decide what an item is asked.
            cosines = np.round(block @ self.vectors.T, 4)
            best = np.argsort(-cosines, axis=1, kind="stable")[:, :width]
            line = cosines.mean(axis=1) + FAR * cosines.std(axis=1)
            for row, places in enumerate(best):
                if not block[row].any():
                    found.append([])
                    continue
                values = cosines[row, places]
                found.append(
                    [(str(ids[p]), float(v), bool(v > line[row])) for p, v in zip(places, values, strict=True)]
                )
        return found
