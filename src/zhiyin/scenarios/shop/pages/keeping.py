"""Pages kept: versions, who reviewed them, which one is published.

A page is a document of the store (``store.records``): kind ``page``, or ``person.page`` where it was made for one
person, whose pages go with them. The body of a version never changes, its state does::

    draft -> in_review -> published -> replaced (by the next one) or withdrawn
                       -> rejected
    draft, in_review   -> withdrawn

Publishing checks every sentence once more against the item and the policies as they are then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhiyin.errors import Conflict, NotThere
from zhiyin.scenarios.shop.pages.brands import brands_of
from zhiyin.scenarios.shop.pages.making import edited, make_page, recheck
from zhiyin.scenarios.shop.pages.page import Page
from zhiyin.scenarios.shop.pages.policy import load_policy
from zhiyin.store.records import PERSON, Record, about
from zhiyin.understand.items.source import ItemSource, item_source

if TYPE_CHECKING:
    from zhiyin.ports import LanguageModels
    from zhiyin.scenarios.shop.pages.asked import PageRequest
    from zhiyin.store.sql import SqlStore

KIND, REVIEWS = "page", "page.review"


class State(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


MOVES: dict[State, tuple[State, ...]] = {
    State.DRAFT: (State.IN_REVIEW, State.WITHDRAWN),
    State.IN_REVIEW: (State.PUBLISHED, State.REJECTED, State.WITHDRAWN),
    State.PUBLISHED: (State.WITHDRAWN,),
    State.REJECTED: (),
    State.WITHDRAWN: (),
    State.REPLACED: (),
}


@dataclass(frozen=True)
class PageName:
    """Which page: one item, language and segment, or one person's."""

    item_id: str
    language: str = "en"
    segment: tuple[str, ...] = ()
    user_id: str | None = None

    @property
    def text(self) -> str:
        return json.dumps([self.item_id, self.language, *self.segment], ensure_ascii=False)

    @property
    def key(self) -> str:
        return self.text if self.user_id is None else about(self.user_id, self.text)

    def kind(self, kind: str) -> str:
        return kind if self.user_id is None else PERSON + kind


@dataclass(frozen=True)
class KeptPage:
    """``time`` of the version in microseconds UTC."""

    page: Page
    version: int
    state: State
    time: int


@dataclass(frozen=True)
class Review:
    """One change of state, by whom and why, as they said."""

    version: int
    state: str
    note: str
    by: str
    time: int


class Pages:
    """Pages of one store. ``project`` is the folder whose policies hold beside those shipped."""

    def __init__(self, store: SqlStore, project: Path | None = None, models: LanguageModels | None = None) -> None:
        self._store, self._project, self._models = store, project, models

    def make(
        self, request: PageRequest, *, wanted: Mapping[str, float] | None = None, seconds: float | None = None
    ) -> Page:
        """A page that is not kept. ``wanted`` are the interests of the request's person, words to weight. Raises
        NotThere for an unknown item, Conflict for one of which nothing but its id is known, ConfigError for a policy
        file that is wrong."""
        from zhiyin.llm.prompts import render

        item = self._item(request.item_id)
        if not item.whole.strip():
            what = f"nothing but its id is known of item '{item.item_id}'"
            raise Conflict(what, where="item_id", fix="write its title, description, categories or attributes first")
        return make_page(
            item,
            request,
            load_policy(self._project),
            wanted=wanted,
            brands=brands_of(self._store),
            models=self._models,
            render=render,
            seconds=seconds,
        )

    def draft(
        self, request: PageRequest, *, wanted: Mapping[str, float] | None = None, seconds: float | None = None
    ) -> KeptPage:
        """Make a page and keep it as the next version, a draft."""
        page = self.make(request, wanted=wanted, seconds=seconds)
        return self._put(_name_of(page), page)

    def edit(self, name: PageName, changes: Mapping[str, Any], version: int | None = None) -> KeptPage:
        """A new draft out of a version and what a person wrote in place of some of its fields. What does not hold is
        left out and listed under ``removed``. Raises NotThere."""
        kept = self.get(name, version)
        page = edited(kept.page, self._item(name.item_id), load_policy(self._project), changes, brands_of(self._store))
        return self._put(name, page)

    def get(self, name: PageName, version: int | None = None, state: State | None = None) -> KeptPage:
        """A version, the newest in a state, or the newest. Raises NotThere."""
        kind = name.kind(KIND)
        if version is not None:
            record = self._store.records.get(kind, name.key, version)
        else:
            record = self._store.records.latest(kind, name.key, None if state is None else str(state))
        if record is None:
            what = (
                "" if version is None and state is None else f" version {version}" if version else f" in state {state}"
            )
            raise NotThere(f"no page{what} of item '{name.item_id}'", where="item_id", fix="draft one first")
        return _kept(record)

    def versions(self, name: PageName) -> list[KeptPage]:
        """The newest first."""
        return [_kept(one) for one in self._store.records.versions(name.kind(KIND), name.key)]

    def reviews(self, name: PageName) -> list[Review]:
        """What was decided of the page, the newest first."""
        found = self._store.records.versions(name.kind(REVIEWS), name.key)
        return [Review(one.body["version"], one.state, one.body["note"], one.body["by"], one.time) for one in found]

    def every(
        self, state: State | None = None, after: str | None = None, limit: int = 100
    ) -> tuple[list[KeptPage], str | None]:
        """The newest version of each page that is nobody's own, or the newest in ``state``; and where the next page of
        them begins."""
        rows = self._store.records.every(KIND, None if state is None else str(state), after=after, limit=limit)
        return [_kept(one) for one in rows], rows[-1].key if len(rows) == limit else None

    def move(
        self,
        name: PageName,
        state: State,
        version: int | None = None,
        *,
        note: str = "",
        by: str = "",
        accept: bool = False,
    ) -> KeptPage:
        """Change the state of a version (of the newest where none is named). Raises Conflict where that is no way a
        page goes, where the item or a policy has changed so that a sentence does not hold any more, and where a policy
        flags a text and nobody says that it is ``accept``ed."""
        kept = self.get(name, version)
        _may(kept, state)
        if state is State.PUBLISHED:
            self._sound(name, kept, accept)
        kind, reviews = name.kind(KIND), name.kind(REVIEWS)
        with self._store.writing() as writer:
            # It waits for its turn here; somebody may have decided meanwhile.
            writer.put_record(reviews, name.key, state, {"version": kept.version, "note": note, "by": by})
            _may(self.get(name, kept.version), state)
            if state is State.PUBLISHED:
                for older in self.versions(name):
                    if older.state is State.PUBLISHED:
                        writer.set_record_state(kind, name.key, State.REPLACED, older.version)
            writer.set_record_state(kind, name.key, state, kept.version)
        return self.get(name, kept.version)

    def _sound(self, name: PageName, kept: KeptPage, accept: bool) -> None:
        policy = load_policy(self._project)
        wrong = recheck(kept.page, self._item(name.item_id), policy, brands_of(self._store))
        if wrong:
            first = wrong[0]
            raise Conflict(
                f"{len(wrong)} text{'s' if len(wrong) > 1 else ''} of version {kept.version} hold no more: {first.why}",
                where=first.field,
                fix="draft a new version, or edit this one",
            )
        if kept.page.flags and not accept:
            first_flag = kept.page.flags[0]
            raise Conflict(
                f"a person must look at {len(kept.page.flags)} texts first: {first_flag.why}",
                where=first_flag.field,
                fix="publish with accept, or edit the page",
            )

    def _put(self, name: PageName, page: Page) -> KeptPage:
        version = self._store.records.put(name.kind(KIND), name.key, State.DRAFT, page.to_dict())
        return self.get(name, version)

    def _item(self, item_id: str) -> ItemSource:
        row = self._store.rows.item(item_id)
        if row is None:
            raise NotThere(f"no item '{item_id}'", where="item_id", fix="check the id, or import the item first")
        return item_source(row.item_id, row.title, row.description, row.categories, row.attributes)


def wanted_by(interests: Any) -> dict[str, float]:
    """Words to weight of the ``interests`` of a profile (``Weighed``), those muted or standing for all left out."""
    found: dict[str, float] = {}
    for one in interests:
        weight = max(one.long_term, one.now)
        if weight > 0 and not one.general and (one.evidence or one.edited):
            for words in (one.name, *one.words):
                found[words] = max(found.get(words, 0.0), weight)
    return found


def _may(kept: KeptPage, state: State) -> None:
    if state not in MOVES[kept.state]:
        ways = ", ".join(MOVES[kept.state])
        what = f"version {kept.version} is {kept.state} and cannot become {state}"
        raise Conflict(what, fix=f"it can become {ways}" if ways else "make a new version")


def _name_of(page: Page) -> PageName:
    return PageName(page.item_id, page.language, tuple(page.segment), page.user_id)


def _kept(record: Record) -> KeptPage:
    return KeptPage(Page.from_dict(record.body), record.version, State(record.state), record.time)
