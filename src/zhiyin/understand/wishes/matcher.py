"""Wishes held against a catalogue: how well each item answers, and which items a rule lets through.

What an item says counts first: its categories, topics, attributes and the words of its title. Likeness of texts comes
second and never reaches half of what saying so is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from zhiyin.config import EncoderSettings
from zhiyin.ports import Progress, Store
from zhiyin.types import Catalogue, Floats, Wish
from zhiyin.understand.script import choose
from zhiyin.understand.wishes.claims import Claims, Mask
from zhiyin.understand.wishes.spaces import Space, catalogue_space, multilingual_space, reads_latin_only, scaled
from zhiyin.understand.wishes.vocabulary import ANY, ITEM, TITLE, YEAR, Vocabulary
from zhiyin.understand.wishes.words import is_han
from zhiyin.understand.wishes.years import bounds_of

TEXT = 0.5
"""Highest affinity by likeness of texts alone."""
NAMED = 0.6
"""Of a phrase such as "slow science fiction": affinity of an item that is science fiction; the rest is for "slow"."""
WORDS = 0.8
"""Affinity of an item whose title has every word of a phrase that names nothing the catalogue knows."""
UNKNOWN = 0.1
"""Share of its weight that a title keeps which the catalogue does not have: its characters say little."""
BEST = 0.8
"""Share of the wish that an item answers best in what it answers altogether."""
NEAR_YEARS = 10
"""A leaning for years still counts this far outside them, less and less."""


class Matcher:
    """Wishes against the items of ``vocabulary``, rows as in ``catalogue``.

    ``own``: the catalogue's vectors with their encoder, or None. ``foreign`` gives others, for texts in a script that
    this encoder cannot read (``latin_only``); it is called once, when first needed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        vocabulary: Vocabulary,
        own: Space | None = None,
        foreign: Callable[[], Space | None] | None = None,
        *,
        latin_only: bool = False,
    ) -> None:
        self.catalogue = catalogue
        self.vocabulary = vocabulary
        self._own = own
        self._make_foreign = foreign
        self._latin_only = latin_only
        self._claims = Claims(vocabulary)
        self._known: dict[tuple[str, str], Floats] = {}

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        vocabulary: Vocabulary,
        store: Store,
        settings: EncoderSettings,
        encoder_id: str | None,
        progress: Progress | None = None,
    ) -> Matcher:
        """With the encoder ``encoder_id`` that made the catalogue's vectors, and the multilingual one where that reads
        Latin letters only. Encoders that cannot be had are done without."""
        own = catalogue_space(catalogue, settings, encoder_id, progress)
        foreign = multilingual_space(catalogue, store, settings, progress)
        return cls(catalogue, vocabulary, own, foreign, latin_only=reads_latin_only(own, catalogue))

    @property
    def n_items(self) -> int:
        return self.vocabulary.n_items

    def affinity(self, wish: Wish) -> Floats:
        """How well each item answers ``wish``, whatever its sign, float32 [n] in [0, 1]."""
        key = (wish.field, wish.text)
        if key not in self._known:
            if len(self._known) > 256:
                self._known.clear()
            made = self._affinity(wish).astype(np.float32)
            self._known[key] = np.clip(made, 0, 1)
        return self._known[key]

    def matches(self, wish: Wish) -> Mask:
        """Items that ``wish`` as a rule is about, bool [n]. Against something, the title's words count beside category,
        topic and attributes; for something, only where no category, topic or attribute says it anywhere."""
        return self._claims.against(wish) if wish.weight < 0 else self._claims.required(wish)

    def allowed(self, wishes: Sequence[Wish]) -> Mask:
        """What the rules among ``wishes`` let through, bool [n].

        Nothing that a rule against something matches. Of rules for something, at least one of each field must match:
        "only comedies or dramas, from the 90s" lets through what is either, and of those years.
        """
        allowed = np.ones(self.n_items, dtype=np.bool_)
        required: dict[str, Mask] = {}
        for wish in wishes:
            if not wish.hard:
                continue
            found = self.matches(wish)
            if wish.weight < 0:
                allowed &= ~found
            else:
                required[wish.field] = required.get(wish.field, np.zeros_like(found)) | found
        for found in required.values():
            allowed &= found
        return allowed

    def named(self, wishes: Sequence[Wish]) -> Mask:
        """Items that the person names as known, bool [n]: no answer to "like Toy Story" is Toy Story."""
        named = np.zeros(self.n_items, dtype=np.bool_)
        for wish in wishes:
            if wish.field == ITEM:
                named |= self._claims.titled(wish.text)
        return named

    def parts(self, wishes: Sequence[Wish]) -> tuple[list[Wish], Floats]:
        """The wishes that tell items apart, and what each adds to ``scores``, float32 [wishes, n].

        A rule on years or against something that items say is obeyed by ``allowed`` and tells the rest nothing more.
        """
        leaning = [wish for wish in wishes if wish.weight and not (wish.hard and self._only_filters(wish))]
        if not leaning:
            return [], np.zeros((0, self.n_items), dtype=np.float32)
        weights = np.array([wish.weight * (UNKNOWN if self._unknown(wish) else 1.0) for wish in leaning], np.float32)
        answered = np.stack([self.affinity(wish) for wish in leaning]) * weights[:, None]
        shares = np.zeros_like(answered)
        for side in (weights > 0, weights < 0):
            if side.any():
                shares[side] = _combined(answered[side], float(np.abs(weights[side]).sum()))
        return leaning, shares

    def scores(self, wishes: Sequence[Wish]) -> Floats:
        """What speaks for each item minus what speaks against it, float32 [n] in [-1, 1]; zeros without a leaning.

        Each side is ``BEST`` * its strongest |weight| * affinity + (1 - ``BEST``) * the sum of them / sum of |weight|:
        who likes comedies and westerns is served by either, and a little better by both.
        """
        scores: Floats = self.parts(wishes)[1].sum(axis=0, dtype=np.float32)
        return np.clip(scores, -1, 1)

    def _unknown(self, wish: Wish) -> bool:
        return wish.field == ITEM and not self._claims.titled(wish.text).any()

    def _only_filters(self, wish: Wish) -> bool:
        return wish.field == YEAR or (wish.weight < 0 and wish.field != ANY)

    def _affinity(self, wish: Wish) -> Floats:
        if wish.field == YEAR:
            return self._by_year(wish.text)
        if wish.field == TITLE:
            return self._claims.titled(wish.text).astype(np.float32)
        if wish.field == ITEM:
            return self._like_item(wish.text)
        if wish.field != ANY:
            said = self._claims.structured(wish)
            return _where(said, 1.0, TEXT * self.likeness(wish.text))
        names, words, years = self._claims.parse(wish.text)
        likeness = self.likeness(wish.text)
        spoken = np.float32(WORDS) * self._claims.word_share(words)
        if not len(names) and not years:
            result: Floats = np.maximum(spoken, TEXT * likeness)
            return result
        said = np.ones(self.n_items, dtype=np.bool_)
        for name in names:
            said &= self._claims.says(name)
        for span in years:
            said &= self._by_year(span) >= 1
        if not words:
            return _where(said, 1.0, TEXT * likeness)
        rest = np.maximum(self._claims.word_share(words), likeness)
        return _where(said, np.float32(NAMED) + np.float32(1 - NAMED) * rest, TEXT * likeness)

    def _by_year(self, text: str) -> Floats:
        bounds, years = bounds_of(text), self.vocabulary.years
        if bounds is None:
            return np.zeros(self.n_items, dtype=np.float32)
        outside = np.maximum(bounds[0] - years, 0) + np.maximum(years - bounds[1], 0)
        near = np.clip(TEXT * (1 - outside / NEAR_YEARS), 0, 1)
        result: Floats = np.where(years > 0, np.where(outside == 0, 1.0, near), 0.0).astype(np.float32)
        return result

    def _like_item(self, title: str) -> Floats:
        rows = np.flatnonzero(self._claims.titled(title))
        if not len(rows):
            return np.float32(TEXT) * self.likeness(title)
        row = int(rows[0])
        likeness = np.zeros(self.n_items, dtype=np.float32)
        if self.catalogue.vectors is not None:
            likeness = scaled(self.catalogue.vectors, np.asarray(self.catalogue.vectors[row]))
        kinds = self._claims.shared_kinds(row)
        result: Floats = np.float32(TEXT) * likeness + np.float32(1 - TEXT) * kinds
        result[rows] = 1.0
        return result

    def likeness(self, text: str) -> Floats:
        """Likeness of item texts to ``text``, float32 [n] in [0, 1]; zeros where no encoder can read it."""
        latin = next((name for name in self.vocabulary.lexicon.names_like(text) if not is_han(name)), None)
        if self._own is not None and self._latin_only and choose([text]) == "multilingual":
            if latin is not None:
                return self._own.likeness(latin)
            return self._foreign.likeness(text) if self._foreign is not None else np.zeros(self.n_items, np.float32)
        space = self._own or self._foreign
        return space.likeness(text) if space is not None else np.zeros(self.n_items, dtype=np.float32)

    @cached_property
    def _foreign(self) -> Space | None:
        return self._make_foreign() if self._make_foreign is not None else None


def _combined(answered: Floats, total: float) -> Floats:
    """Parts of one side's score, by wish and item, from weight * affinity of each, all of one sign."""
    shares: Floats = answered * np.float32((1 - BEST) / total)
    best = np.abs(answered).argmax(axis=0)
    columns = np.arange(answered.shape[1])
    shares[best, columns] += np.float32(BEST) * answered[best, columns]
    return shares


def _where(said: Mask, then: Floats | float, otherwise: Floats) -> Floats:
    result: Floats = np.where(said, then, otherwise).astype(np.float32)
    return result
