"""What a person wants beyond what their history says: what they said of their profile, and a request in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from zhiyin.bundle import Bundle
from zhiyin.config import Settings
from zhiyin.newcomers import Shelf
from zhiyin.ports import LanguageModels
from zhiyin.types import Ints, Tier, Wish
from zhiyin.understand.profiles.edits import wishes_of

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore
    from zhiyin.understand.wishes.asked import Asked
    from zhiyin.understand.wishes.matcher import Matcher
    from zhiyin.understand.wishes.rank import Part
    from zhiyin.understand.wishes.vocabulary import Vocabulary


@dataclass(frozen=True)
class Wanted:
    """``kept`` are the wishes of a profile, ``asked`` what was read in a request (None without one)."""

    kept: list[Wish] = field(default_factory=list)
    asked: Asked | None = None

    @property
    def requested(self) -> list[Wish]:
        return self.asked.wishes if self.asked else []

    @property
    def wishes(self) -> list[Wish]:
        return [*self.kept, *self.requested]

    def at_most(self, k: int) -> int:
        """``k``, or fewer where the request asks for fewer."""
        return min(k, self.asked.k or k) if self.asked else k

    @property
    def tier(self) -> Tier:
        return self.asked.tier if self.asked else Tier.NONE


class Listener:
    """Reads requests and edits by the words of this catalogue, and holds them against its items.

    What that takes is made when somebody first says something, so those who say nothing wait for nothing.
    """

    def __init__(
        self, store: SqlStore, bundle: Bundle, shelf: Shelf, settings: Settings, models: LanguageModels
    ) -> None:
        self._store, self._bundle, self._shelf = store, bundle, shelf
        self._settings, self._models = settings, models

    def hear(self, user_id: str | None, query: str | None) -> Wanted:
        """What is in force for ``user_id``, and the request ``query``."""
        kept = [] if user_id is None else wishes_of(self._store.profiles.edits(user_id))
        return Wanted(kept, None if query is None else self.read(query))

    def read(self, words: str) -> Asked:
        """What ``words`` ask for, by the language model where one is there and answers in time."""
        from zhiyin.llm.prompts import render
        from zhiyin.understand.wishes.parse import parse

        return parse(words, self.vocabulary, self._models, render=render, seconds=self._settings.llm.answer_seconds)

    def parts(self, wanted: Wanted, rows: Ints) -> list[list[Part]]:
        """What each wish adds to each of ``rows``, the strongest first; empty lists where nothing was said."""
        if not wanted.wishes:
            return [[] for _ in rows]
        from zhiyin.understand.wishes.rank import parts_of

        return parts_of(wanted.wishes, self.matcher, rows)

    def answered(self, wanted: Wanted, rows: Ints) -> list[list[tuple[str, bool]]]:
        """The wishes that each of ``rows`` answers by what it says of itself, in the person's words, and whether they
        are kept in the profile: likeness of texts alone is no reason that could be given."""
        if not wanted.wishes:
            return [[] for _ in rows]
        from zhiyin.understand.wishes.matcher import TEXT

        parts = self.parts(wanted, rows)
        told = [[part.wish for part in own if part.share > 0 and part.affinity > TEXT] for own in parts]
        return [[(wish.text, wish not in wanted.requested) for wish in wishes] for wishes in told]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        from zhiyin.readings import decoded
        from zhiyin.understand.wishes.vocabulary import Vocabulary

        items, shelf = self._store.items(), self._shelf
        told = dict(zip(items["item_id"].to_list(), items["attributes"].to_list(), strict=True))
        read = decoded(self._bundle.features)
        read += [None] * (len(shelf.items) - len(read))
        return Vocabulary.of(shelf.catalogue, [told.get(key, "{}") for key in shelf.items], read)

    @cached_property
    def matcher(self) -> Matcher:
        from zhiyin.understand.wishes.matcher import Matcher

        encoder = self._bundle.manifest.encoder
        return Matcher.of(self._shelf.catalogue, self.vocabulary, self._store, self._settings.encoder, encoder)


def barring(wishes: Sequence[Wish], matcher: Matcher, row: int) -> int | None:
    """Place of the first rule among ``wishes`` that keeps the item ``row`` out; None where none does."""
    for place, wish in enumerate(wishes):
        if wish.hard and not matcher.allowed([wish])[row]:
            return place
    return None
