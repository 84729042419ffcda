"""What a catalogue speaks of, and which items say it: the same index for reading a request and for obeying it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Catalogue, Ints, ItemFeatures
from zhiyin.understand.wishes.lexicon import Lexicon, read_lexicon
from zhiyin.understand.wishes.words import Key, clean, is_han, tokens

CATEGORY, TOPIC, YEAR, ITEM, TITLE, ANY = "category", "topic", "year", "item", "title", "any"
FIELDS = (ANY, TITLE, CATEGORY, ITEM, YEAR)
"""Fields that every catalogue has; attribute names and "topic" come on top."""
YEAR_NAMES = frozenset(
    "year release_year released release_date publish_year publication_year publication_date published pub_date "
    "date 年份 上映年份 出版年份 出版日期 上映日期".split()
)
MAKERS = frozenset(
    "author authors writer director directors artist artists brand maker manufacturer publisher actor actors cast "
    "starring creator singer band studio by 作者 导演 歌手 品牌 厂商 出版社 演员 主演 译者 编剧".split()
)
"""Attributes that name who made an item: what "by ..." asks for."""
LONGEST_VALUE = 6
"""Longer attribute values (in tokens) are texts and no names."""
MOST_VALUES = 50_000
"""Values kept of one attribute, the most frequent first."""

_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_TITLE_YEAR = re.compile(r"\((1[89]\d\d|20\d\d)\)")
_BY_LINE = re.compile(r"\bby ((?:[A-Z][\w.'-]*)(?: [A-Z][\w.'-]*){0,3})")
_BY_LINE_ZH = re.compile(r"([一-鿿·]{2,8})\s*(?:编著|著|作品|导演)")
_ARTICLE = re.compile(r"^(.*), (The|A|An|Le|La|Les|L'|Il|El|Das|Der|Die)$", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*\(([^()]*)\)")


@dataclass(frozen=True)
class Term:
    """A category, topic or attribute value, by the ``name`` the catalogue writes, with the ``count`` of its items."""

    field: str
    name: str
    count: int


class Vocabulary:
    """Made by ``Vocabulary.of``. Item rows are those of the catalogue."""

    def __init__(
        self,
        lexicon: Lexicon,
        titles: Sequence[str],
        said: Mapping[tuple[str, str], Sequence[int]],
        years: Ints,
    ) -> None:
        """``said``: rows that say (field, value); ``years`` int32 [n], 0 where unknown."""
        self.lexicon = lexicon
        self.titles = list(titles)
        self.years = years
        self.rows: dict[tuple[str, str], Ints] = {
            key: np.unique(np.array(rows, dtype=np.int32)) for key, rows in said.items()
        }
        self.terms: dict[Key, list[Term]] = {}
        self.by_concept: dict[int, list[Term]] = {}
        for (field, name), rows in self.rows.items():
            key, term = lexicon.key(name), Term(field, name, len(rows))
            if not key or (field != CATEGORY and len(key) > LONGEST_VALUE):
                continue
            self.terms.setdefault(key, []).append(term)
            if field in (CATEGORY, TOPIC) and key in lexicon.concepts:
                self.by_concept.setdefault(lexicon.concepts[key], []).append(term)

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        attributes: Sequence[str] | None = None,
        features: Sequence[ItemFeatures | None] | None = None,
        topics: Mapping[str, str] | None = None,
        lexicon: Lexicon | None = None,
    ) -> Vocabulary:
        """From a catalogue; ``attributes`` (JSON objects as ``Store.items`` gives them) and ``features`` are aligned
        with it, ``topics`` names topic ids. What is no JSON object counts as no attributes."""
        said: dict[tuple[str, str], list[int]] = {}
        years = np.zeros(len(catalogue.titles), dtype=np.int32)
        for row, kinds in enumerate(catalogue.categories):
            for kind in kinds:
                if name := clean(kind):
                    said.setdefault((CATEGORY, name), []).append(row)
        for row in range(len(catalogue.titles)):
            given = dict(_pairs(attributes[row])) if attributes is not None else {}
            read = features[row] if features is not None else None
            for name, values in given.items():
                if name in YEAR_NAMES and (match := _YEAR.search(values[0] if values else "")):
                    years[row] = int(match.group(1))
                    continue
                for value in values:
                    said.setdefault((_safe(name), value), []).append(row)
            if read is not None:
                # What was guessed beside the catalogue's own categories is no fact that a rule could go by.
                sure = [topic for topic, weight in read.topics.items() if weight >= 1 or not catalogue.categories[row]]
                for topic in sure:
                    said.setdefault((TOPIC, clean((topics or {}).get(topic, topic))), []).append(row)
                for name, value in read.attributes.items():
                    if clean(value):
                        said.setdefault((_safe(name.casefold()), clean(value)), []).append(row)
            if not years[row] and (match := _TITLE_YEAR.search(catalogue.titles[row])):
                years[row] = int(match.group(1))
            for maker in by_line(catalogue.titles[row]):
                said.setdefault(("by", maker), []).append(row)
        return cls(lexicon or read_lexicon(), catalogue.titles, _frequent(said), years)

    @property
    def n_items(self) -> int:
        return len(self.titles)

    @property
    def categories(self) -> dict[str, int]:
        """Categories with the number of their items, most frequent first."""
        counts = {name: len(rows) for (field, name), rows in self.rows.items() if field == CATEGORY}
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    @cached_property
    def fields(self) -> frozenset[str]:
        """What ``Wish.field`` may be."""
        return frozenset(FIELDS) | {field for field, _ in self.rows}

    @property
    def year_range(self) -> tuple[int, int] | None:
        known = self.years[self.years > 0]
        return (int(known.min()), int(known.max())) if len(known) else None

    def named(self, key: Key) -> list[Term]:
        """Terms called so, by their own name or by another name of the same concept."""
        found = list(self.terms.get(key, []))
        concept = self.lexicon.concepts.get(key)
        if concept is not None:
            found += [term for term in self.by_concept.get(concept, []) if term not in found]
        return found

    def knows(self, key: Key) -> bool:
        return key in self.terms or key in self.lexicon.concepts

    @cached_property
    def title_rows(self) -> dict[Key, list[int]]:
        """Rows by every way to write their title."""
        rows: dict[Key, list[int]] = {}
        for row, title in enumerate(self.titles):
            for key in {self.lexicon.key(written) for written in ways_to_write(title)}:
                if key:
                    rows.setdefault(key, []).append(row)
        return rows

    @cached_property
    def title_words(self) -> list[tuple[str, ...]]:
        """Folded tokens of each title, in order."""
        return [self.lexicon.key(title) for title in self.titles]

    @cached_property
    def title_index(self) -> dict[str, Ints]:
        """Rows whose title has a word, by word."""
        found: dict[str, list[int]] = {}
        for row, words in enumerate(self.title_words):
            for word in set(words):
                found.setdefault(word, []).append(row)
        return {word: np.array(rows, dtype=np.int32) for word, rows in found.items()}

    @cached_property
    def keys(self) -> dict[tuple[str, str], Key]:
        """Folded tokens of every (field, value)."""
        return {said: self.lexicon.key(said[1]) for said in self.rows}

    @cached_property
    def known_words(self) -> frozenset[str]:
        """Words of titles and terms, which are never taken for a misspelling."""
        words = {word for title in self.title_words for word in title}
        return frozenset(words | {word for key in self.terms for word in key})

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Latin words that a misspelt one may have meant, as written, with their folded form."""
        lexicon = self.lexicon
        names = [*(name for line in lexicon.names for name in line), *lexicon.phrases]
        names += [name for field, name in self.rows if field in (CATEGORY, TOPIC)]
        found = {}
        for name in names:
            for token in tokens(clean(name).casefold()):
                if len(token.word) > 2 and token.word.isalpha() and not is_han(token.word):
                    found[token.text] = token.word
        return dict(sorted(found.items()))

    @cached_property
    def named_words(self) -> frozenset[str]:
        """Folded words of concepts, categories and topics."""
        keys = [key for key, terms in self.terms.items() if any(term.field in (CATEGORY, TOPIC) for term in terms)]
        return frozenset(word for key in [*self.lexicon.concepts, *keys] for word in key)

    def holds(self, rows: Ints) -> NDArray[np.bool_]:
        mask = np.zeros(self.n_items, dtype=np.bool_)
        mask[rows] = True
        return mask


def by_line(title: str) -> list[str]:
    """Who a title says made it: "Poems by Emily Dickinson", 《三体》刘慈欣 著."""
    return [clean(match.group(1)) for pattern in (_BY_LINE, _BY_LINE_ZH) for match in pattern.finditer(title)]


def ways_to_write(title: str) -> list[str]:
    """A title as listed and as said: "Usual Suspects, The" is "The Usual Suspects", "Seven (Se7en)" is either."""
    bare = _BRACKETS.sub("", title).strip() or title
    found = [title, bare, *(inside for inside in _BRACKETS.findall(title) if not inside.isdigit())]
    for written in list(found):
        if turned := _ARTICLE.match(written):
            found += [f"{turned.group(2)} {turned.group(1)}", turned.group(1)]
        elif written.casefold().startswith("the "):
            found.append(written[4:])
    return [written for written in dict.fromkeys(found) if len(tokens(written)) > 0]


def _safe(name: str) -> str:
    """An attribute called like one of our own fields is told apart by a mark."""
    return f"{name}*" if name in (*FIELDS, TOPIC) else name


def _pairs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Names and values of a JSON object of attributes; numbers and lists become texts."""
    try:
        values: Any = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return
    if isinstance(values, dict):
        for name, value in values.items():
            several = value if isinstance(value, list) else [value]
            texts = [clean(str(one)) for one in several if isinstance(one, str | int | float)]
            yield clean(str(name)).casefold(), [one for one in texts if one]


def _frequent(said: dict[tuple[str, str], list[int]]) -> dict[tuple[str, str], list[int]]:
    """At most ``MOST_VALUES`` values of each attribute."""
    by_field: dict[str, list[tuple[str, str]]] = {}
    for key in said:
        by_field.setdefault(key[0], []).append(key)
    kept = []
    for keys in by_field.values():
        kept += sorted(keys, key=lambda key: (-len(said[key]), key))[:MOST_VALUES]
    return {key: said[key] for key in kept}
