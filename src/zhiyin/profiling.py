"""Profiles wired: the store's events and edits, the bundle's interest model, and what reads a person's words."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from zhiyin.bundle import Bundle
from zhiyin.config import PreprocessSettings
from zhiyin.errors import BundleError, StoreError, UsageError
from zhiyin.newcomers import Shelf
from zhiyin.ports import LanguageModels, NoLanguageModels, Render
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.rank.interests import NAME, InterestModel, InterestParams, NamedInterest, read_interests
from zhiyin.store.profiles import KeptState
from zhiyin.store.sql import SqlStore
from zhiyin.types import WEIGHT, Ints, Wish
from zhiyin.understand.profiles import Profile, ProfileParams, build, follow, meaning, wishes_of
from zhiyin.understand.profiles.edits import Affinity
from zhiyin.understand.profiles.follow import Followed
from zhiyin.understand.profiles.view import Weighed

if TYPE_CHECKING:
    import polars as pl

Parse = Callable[[str], Sequence[Wish]]
"""From plain words to wishes."""


class Profiler:
    """Profiles of one store under one bundle.

    ``unit`` and ``now`` are those of the bundle: an ordinary event weighs 1, and time is counted up to the latest event
    that training saw, so a profile does not fade because nobody trains. ``affinity`` says how well each item answers a
    wish. A model of the bundle that cannot be had raises BundleError when it is first needed.
    """

    def __init__(
        self,
        store: SqlStore,
        bundle: Bundle,
        shelf: Shelf,
        preprocess: PreprocessSettings,
        unit: float,
        now: int,
        *,
        parse: Parse,
        affinity: Affinity | None = None,
        models: LanguageModels | None = None,
        render: Render | None = None,
        seconds: float | None = None,
        params: ProfileParams | None = None,
    ) -> None:
        self._store = store
        self._bundle = bundle
        self._shelf = shelf
        self._preprocess = preprocess
        self._unit = unit
        self._now = now
        self._parse = parse
        self._affinity = affinity
        self._models = models or NoLanguageModels()
        self._render = render
        self._seconds = seconds
        self._params = params or ProfileParams()

    @cached_property
    def model(self) -> InterestModel:
        """The interest model, newcomers behind the items of training where it can place them."""
        manifest = self._bundle.manifest
        if NAME not in manifest.models:
            raise BundleError("no interests in it", where=manifest.name, fix="run 'zhiyin train'")
        try:
            params = InterestParams(**manifest.models[NAME])
        except (TypeError, ValueError) as other:
            raise BundleError(
                "its interests are not known here", where=manifest.name, fix="run 'zhiyin train'"
            ) from other
        model = InterestModel(params).restore(self._bundle.arrays(NAME))
        vectors, known = self._shelf.catalogue.vectors, len(self._bundle.items)
        fresh = vectors is not None and len(vectors) > known
        return model.with_newcomers(vectors[known:]) if fresh and vectors is not None else model

    @cached_property
    def interests(self) -> list[NamedInterest]:
        return read_interests(self._bundle.manifest.interests)

    def profile(self, user_id: str, language: str | None = None) -> Profile:
        """The profile of ``user_id``, who may be unknown. ``language`` is "en" or "zh"; None asks the person's
        attributes and titles."""
        return build(
            user_id,
            self._bundle.manifest.name,
            self.follow(user_id).state,
            self.model,
            self.interests,
            self._title,
            self._rows,
            now=self._now,
            edits=self._store.profiles.edits(user_id),
            affinity=self._affinity,
            attributes=self._attributes(user_id),
            language=language,
            models=self._models,
            render=self._render,
            seconds=self._seconds,
            params=self._params,
        )

    def shared(self, user_id: str, item: int) -> list[tuple[str, str, float]]:
        """Interests that the item in row ``item`` stands for and ``user_id`` has, with id, name and weight in their
        profile, the strongest first; empty where the bundle has no interests, or nothing is known of one of the two."""
        if NAME not in self._bundle.manifest.models or item >= self.model.n_items:
            return []
        weights = {one.id: one.long_term for one in self.profile(user_id).interests if one.evidence and not one.general}
        even = 1.0 / self.model.items.shape[1]
        loads = [(one, self.model.items[item, one.row]) for one in self.interests if weights.get(one.id, 0) > even]
        known = sorted(((one, q) for one, q in loads if q > even), key=lambda pair: -weights[pair[0].id] * pair[1])
        return [(one.id, one.name, weights[one.id]) for one, _ in known]

    def follow(self, user_id: str) -> Followed:
        """The state of ``user_id``, brought up to date and kept."""
        profiles, name = self._store.profiles, self._bundle.manifest.name
        kept = profiles.state(user_id)
        found = follow(user_id, name, kept, profiles, self._signs, self._rows, self.model, self._params)
        if found.kept is not None:
            with suppress(StoreError):  # kept for speed alone: a reader does not wait for whoever writes
                profiles.put_state(user_id, KeptState(name, found.seq, found.kept))
        return found

    def wishes(self, user_id: str) -> list[Wish]:
        """What the person said that still stands, oldest first: what the ranking obeys."""
        return wishes_of(self._store.profiles.edits(user_id))

    def edit(self, user_id: str, said: str = "", *, statement: str | None = None, remove: bool = False) -> int:
        """Keep what is said of the profile of ``user_id``; the edit's number.

        With ``statement`` (its id) that one is rewritten, or removed where ``remove``. Raises UsageError for an edit
        that says nothing and for a statement that is not there.
        """
        about: Weighed | None = None
        if statement is not None:
            shown = self.profile(user_id)
            if all(one.id != statement for one in shown.statements):
                known = ", ".join(one.id for one in shown.statements) or "it has none yet"
                raise UsageError(f"the profile has no statement '{statement}'", fix=f"use one of: {known}")
            about = next((one for one in shown.interests if one.id == statement), None)
        elif remove:
            raise UsageError("nothing is named to be removed", fix="name a statement by its id")
        wishes = () if remove else self._parse(said)
        told = meaning(said, wishes, about=about, statement=statement, remove=remove)
        return self._store.profiles.add_edit(user_id, said, told.to_dict(), time.time_ns() // 1000)

    def undo(self, user_id: str, edit: int) -> None:
        """Take an edit back. Raises UsageError where there is none of that number."""
        if not self._store.profiles.undo_edit(user_id, edit):
            raise UsageError(f"no edit {edit} that stands", fix="see the numbers in 'zhiyin profile USER'")

    def _signs(self, events: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        weight = weight_of_event(self._preprocess) / self._unit
        return events.with_columns(weight.alias(WEIGHT)).filter(pl.col(WEIGHT) > 0)

    def _rows(self, item_ids: Sequence[str]) -> Ints:
        rows = self._shelf.items.rows(item_ids)
        rows[rows >= self.model.n_items] = -1
        return rows

    def _title(self, item_id: str) -> str | None:
        row = self._shelf.items.row(item_id)
        return self._shelf.catalogue.titles[row] or None if row >= 0 else None

    def _attributes(self, user_id: str) -> str:
        return self._store.profiles.attributes(user_id)
