"""What an item gives a page to say, each with the attribute it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from zhiyin.scenarios.grounding import Source
from zhiyin.scenarios.grounding.folding import plain, sentences
from zhiyin.scenarios.grounding.lexicon import same_in_chinese, same_in_english
from zhiyin.scripts import Language, language_of
from zhiyin.understand.items.attributes import SYNONYMS, attribute_name, attributes
from zhiyin.understand.items.source import ItemSource

READ = ("volume", "weight", "size", "count", "year")
"""Attributes that are read in a title where the metadata lack them: measures, which look like nothing else. A colour in
a title may be a brand's name, so it is taken from metadata alone."""
WORKING = re.compile(
    r"price|cost|stock|sku|\bid\b|_id$|image|img|photo|url|link|rating|score|sales|rank|margin|barcode|ean|upc|isbn|asin|"
    r"价格|售价|库存|编号|图片|链接|评分|销量|条码"
)
"""Fields that change by the hour, or that are no copy: they stay off a page."""
LONGEST_VALUE = 80
_PACK = re.compile(r"(?:pack|set|box|case) of \d", re.IGNORECASE)
MEASURES = frozenset({"volume", "weight", "size"})
ADVISED = ("brand", "size", "material", "description")
"""What a page is better for; those an item lacks are named to whoever keeps the catalogue."""


@dataclass(frozen=True)
class Told:
    """One attribute that a page may tell. ``role`` is its usual name ("brand", "size"), "category", or its own key;
    ``value`` as the source has it, ``shown`` in the page's language where the glossary knows it."""

    role: str
    key: str
    value: str
    shown: str


class PageFacts:
    """``brands`` are folded names that open many titles of the catalogue, see ``leading_names``."""

    def __init__(self, item: ItemSource, language: Language, brands: frozenset[str] = frozenset()) -> None:
        self.item, self.language = item, language
        metadata = {attribute_name(key): (key, value) for key, value in reversed(item.fields)}
        read = attributes(ItemSource(item.item_id, item.title), brands)
        self._read = {
            name: value
            for name, value in read.items()
            if name not in metadata and (name in READ or (name == "brand" and plain(value) in brands))
        }
        self._metadata = metadata

    @cached_property
    def source(self) -> Source:
        """What may be said."""
        return Source.of_item(self.item, self._read)

    @property
    def title(self) -> str:
        return self.item.title or self.item.item_id

    @cached_property
    def categories(self) -> list[Told]:
        return [Told("category", "category", name, shown(name, self.language)) for name in self.item.categories]

    @cached_property
    def told(self) -> list[Told]:
        """Attributes without title, description and categories: the usual ones first."""
        found: dict[str, Told] = {}
        named = {**{key: (key, value) for key, value in self._read.items()}, **self._metadata}
        ordered = sorted(named, key=lambda name: list(SYNONYMS).index(name) if name in SYNONYMS else 99)
        for name in ordered:
            key, value = named[name]
            role = "size" if name in MEASURES and name not in self._metadata else name
            if role == "count" and _PACK.match(value):
                role, value = "pack", value.lower()
            wanted = len(value) <= LONGEST_VALUE and "://" not in value and not WORKING.search(plain(key))
            if wanted and role not in found and any(map(str.isalnum, value)):
                found[role] = Told(role, key, value, shown(value, self.language))
        return list(found.values())

    @cached_property
    def own(self) -> list[str]:
        """The sentences of the item's own description, where it is in the page's language."""
        text = self.item.description
        if not text or language_of([text]) != self.language:
            return []
        return [text[start:end] for start, end in sentences(text)]

    @cached_property
    def missing(self) -> list[str]:
        have = {one.role for one in self.told} | ({"description"} if self.item.description else set())
        return [name for name in ADVISED if name not in have]


def shown(value: str, language: Language) -> str:
    """``value`` in ``language`` where it is known to mean just that, else as it is."""
    if language == "zh":
        names = same_in_chinese(value)
        return names[0] if names else value
    return same_in_english(value) or value


def emphasis(told: Sequence[Told], wanted: Mapping[str, float]) -> list[float]:
    """How much each of ``told`` is what somebody looks for, whose interests are ``wanted`` (words to weight): 0 for
    what shares nothing with any of them."""
    return [max((weight * _shared(one, words) for words, weight in wanted.items()), default=0.0) for one in told]


def _shared(one: Told, words: str) -> float:
    have = _parts(one.value) | _parts(one.shown)
    asked = _parts(words)
    return len(have & asked) / len(asked) if asked else 0.0


def _parts(text: str) -> set[str]:
    """Stems and pairs of Chinese characters."""
    from zhiyin.understand.items.terms import grams
    from zhiyin.understand.wishes.words import stem

    return {stem(one) if one.isascii() else one for one in grams(text)}
