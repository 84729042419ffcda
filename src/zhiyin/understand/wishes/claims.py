"""What items say of themselves: exact, by their categories, topics, attributes, titles and years."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats, Wish
from zhiyin.understand.wishes.lexing import Kind, lex
from zhiyin.understand.wishes.reading import holds_words
from zhiyin.understand.wishes.vocabulary import ANY, CATEGORY, ITEM, TITLE, TOPIC, YEAR, Vocabulary, ways_to_write
from zhiyin.understand.wishes.words import Key, is_han
from zhiyin.understand.wishes.years import bounds_of

Mask = NDArray[np.bool_]
NOBODY = np.zeros(0, dtype=np.int32)


class Claims:
    """Exact matches in one vocabulary; bool [n] throughout."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._v = vocabulary

    def against(self, wish: Wish) -> Mask:
        """Items that a rule against ``wish`` removes.

        Year: a known year within the bounds. Title or item: that title. Else an item goes if a category, topic or
        attribute says it (in any name of the same concept) or its title holds the words: as asked, as the catalogue
        names them, or as the other script does; a phrase of several parts needs all of them.
        """
        if wish.field in (YEAR, TITLE, ITEM):
            return self.required(wish)
        if wish.field == ANY:
            names, words, years = self.parse(wish.text)
            found = self._all(names, words, years, title=True)
            return found | (self.in_titles([self._v.lexicon.key(wish.text)]) if names or words else self._none())
        key = self._v.lexicon.key(wish.text)
        return self.structured(wish) | self.says(key) | self.in_titles(self._written(key))

    def required(self, wish: Wish) -> Mask:
        """Items that a rule for ``wish`` lets through. Items whose year is not known are of no year."""
        if wish.field == YEAR:
            bounds = bounds_of(wish.text)
            if bounds is None:
                return self._none()
            known = self._v.years
            result: Mask = (known > 0) & (known >= bounds[0]) & (known <= bounds[1])
            return result
        if wish.field in (TITLE, ITEM):
            return self.titled(wish.text)
        if wish.field == ANY:
            names, words, years = self.parse(wish.text)
            found = self._all(names, words, years, title=False)
            return found if found.any() else self._all(names, words, years, title=True)
        found = self.structured(wish)
        return found if found.any() else self.in_titles([self._v.lexicon.key(wish.text)])

    def structured(self, wish: Wish) -> Mask:
        """Items whose ``wish.field`` says ``wish.text``. A category or topic counts under any name of its concept; an
        attribute where its value holds the words asked for."""
        key = self._v.lexicon.key(wish.text)
        if wish.field in (CATEGORY, TOPIC):
            return self._rows([(t.field, t.name) for t in self._v.named(key) if t.field in (CATEGORY, TOPIC)])
        said = [one for one, name in self._v.keys.items() if one[0] == wish.field and holds_words(name, key)]
        return self._rows(said)

    def says(self, key: Key) -> Mask:
        """Items with a category, topic or attribute called ``key``, or anything of the same concept."""
        return self._rows([(term.field, term.name) for term in self._v.named(key)])

    def titled(self, title: str) -> Mask:
        """Items of that title: as written where one is, else folded."""
        rows = self._v.title_rows.get(self._v.lexicon.key(title), [])
        asked = title.casefold()
        same = [row for row in rows if asked in {way.casefold() for way in ways_to_write(self._v.titles[row])}]
        return self._v.holds(np.array(same or rows, dtype=np.int32))

    def in_titles(self, names: Sequence[Key]) -> Mask:
        """Items whose title holds one of ``names`` as whole words side by side."""
        found = self._none()
        for name in names:
            rows: set[int] | None = None
            for word in name:
                said = set(self._v.title_index.get(word, NOBODY).tolist())
                rows = said if rows is None else rows & said
            for row in rows or ():
                found[row] |= holds_words(self._v.title_words[row], name)
        return found

    def word_share(self, words: Sequence[str]) -> Floats:
        """Share of ``words`` that stand in each title, float32 [n] in [0, 1]; how often does not matter."""
        asked = set(words)
        if not asked:
            return np.zeros(self._v.n_items, dtype=np.float32)
        share = np.zeros(self._v.n_items, dtype=np.float32)
        for word in asked:
            share[self._v.title_index.get(word, NOBODY)] += 1 / len(asked)
        return share

    def shared_kinds(self, row: int) -> Floats:
        """Jaccard overlap of each item's categories and topics with those of ``row``, float32 [n] in [0, 1]."""
        common = np.zeros(self._v.n_items, dtype=np.float32)
        sizes = np.zeros(self._v.n_items, dtype=np.float32)
        own = 0
        for (attribute, _), rows in self._v.rows.items():
            if attribute in (CATEGORY, TOPIC):
                sizes[rows] += 1
                if row in rows:
                    common[rows] += 1
                    own += 1
        joined = sizes + own - common
        result: Floats = np.divide(common, joined, out=np.zeros_like(common), where=joined > 0)
        return result

    def parse(self, text: str) -> tuple[list[Key], list[str], list[str]]:
        """Names, single words and years in a phrase."""
        lexemes = lex(text, self._v).lexemes
        names = [one.key for one in lexemes if one.kind is Kind.TERM]
        words = [word for one in lexemes if one.kind in (Kind.WORD, Kind.TITLE) for word in one.key]
        return names, words, [one.text for one in lexemes if one.kind is Kind.YEAR]

    def _all(self, names: Sequence[Key], words: Sequence[str], years: Sequence[str], *, title: bool) -> Mask:
        """Items that say every part; with ``title`` a name may stand in the title too. No part: none."""
        if not names and not words and not years:
            return self._none()
        found = np.ones(self._v.n_items, dtype=np.bool_)
        for name in names:
            said = self.says(name)
            if title:
                said = said | self.in_titles([self._v.lexicon.key(one) for one in self._all_names(name)])
            found &= said
        for span in years:
            found &= self.required(Wish(span, 1.0, True, YEAR))
        if words:
            spoken = {word: self._spoken(word) for word in words}
            for mask in spoken.values():
                found &= mask
        return found

    def _spoken(self, word: str) -> Mask:
        """Items that have ``word`` in their title or in a category, topic or attribute."""
        said = [one for one, name in self._v.keys.items() if word in name]
        return self.in_titles([(word,)]) | self._rows(said)

    def _all_names(self, key: Key) -> list[str]:
        names = self._v.lexicon.names[self._v.lexicon.concepts[key]] if key in self._v.lexicon.concepts else []
        joined = "".join(key) if all(is_han(word) for word in key) else " ".join(key)
        # A single Chinese character is part of too many words to speak for a concept, unless it is what was asked.
        return [joined, *(name for name in names if len(name) > 1)]

    def _written(self, key: Key) -> list[Key]:
        """``key``, how the catalogue calls the same concept, and its names in the other script."""
        lexicon = self._v.lexicon
        names = lexicon.names[lexicon.concepts[key]] if key in lexicon.concepts else []
        other = [lexicon.key(name) for name in names if len(name) > 1 and is_han(name) != is_han(key[0])]
        called = [term.name for term in self._v.named(key) if term.field in (CATEGORY, TOPIC)]
        return [key, *other, *(lexicon.key(name) for name in called)]

    def _rows(self, keys: Sequence[tuple[str, str]]) -> Mask:
        found = self._none()
        for key in keys:
            found[self._v.rows[key]] = True
        return found

    def _none(self) -> Mask:
        return np.zeros(self._v.n_items, dtype=np.bool_)
