"""Drafts: what was made of an author's text, kept with every version that came of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhiyin.config import Settings
from zhiyin.errors import UsageError
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, NoLanguageModels
from zhiyin.scenarios.content.groups import EVERYBODY, Group
from zhiyin.scenarios.content.topics.kept import read_topics
from zhiyin.scenarios.content.writing.article import Article
from zhiyin.scenarios.content.writing.audience import Audience, audience_of
from zhiyin.scenarios.content.writing.headlines import Headline
from zhiyin.scenarios.content.writing.making import Tag, make
from zhiyin.scenarios.content.writing.outline import Section
from zhiyin.scenarios.content.writing.wording import Removed, word
from zhiyin.scripts import Language
from zhiyin.types import Tier
from zhiyin.understand.items.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from zhiyin.store.records import Record
    from zhiyin.store.sql import SqlStore

KIND = "content.draft"
DRAFT, PUBLISHED = "draft", "published"
EDITABLE = ("title", "headlines", "summary", "draft", "tags")
LEAST = 20
"""Characters that a text has at least."""


@dataclass(frozen=True)
class Draft:
    """``source`` is what the author gave. ``tier`` is the language model that worded it, none for the author's own
    sentences; ``fallback`` says why a configured model did not. ``removed`` are sentences of a model that the source
    does not bear out. ``edited`` are the parts that somebody changed by hand since. ``readers`` is what was known of
    whoever it is for. ``time`` in microseconds UTC."""

    draft_id: str
    version: int
    state: str
    time: int
    language: Language
    title: str
    source: str
    headlines: list[Headline]
    summary: str
    outline: list[Section]
    draft: str
    tags: list[Tag]
    tier: Tier
    fallback: dict[str, str] | None
    said: int
    removed: list[Removed]
    edited: list[str]
    readers: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def write_draft(
    store: SqlStore,
    settings: Settings,
    project: Path,
    text: str,
    *,
    title: str = "",
    group: Group = EVERYBODY,
    language: Language | None = None,
    headlines: int = 5,
    models: LanguageModels | None = None,
    seconds: float | None = None,
    audience: Audience | None = None,
    keep: bool = True,
) -> Draft:
    """Outline, draft, headlines, summary and tags of ``text`` for ``group``. ``audience`` is what is known of it, where
    that is at hand; ``keep`` False makes no record of it. Raises UsageError for a text that is too short."""
    if len(text.strip()) < LEAST:
        raise UsageError(f"a text of {len(text.strip())} characters", fix=f"give at least {LEAST}")
    article = Article.of(text, title, language)
    known = audience or audience_of(store, settings, project, group)
    made = make(
        article,
        known,
        headlines=headlines,
        taxonomy=load_taxonomy(store.features),
        discussed=read_topics(store),
        rarity=known.rarity,
    )
    told = word(article, made, known, models or NoLanguageModels(), render, seconds=seconds)
    draft = Draft(
        draft_id=f"draft-{uuid.uuid4().hex[:12]}",
        version=1,
        state=DRAFT,
        time=_now(),
        language=article.language,
        title=article.title,
        source=article.text,
        headlines=list(told.made.headlines),
        summary=told.made.summary,
        outline=list(told.made.outline),
        draft=told.made.draft,
        tags=list(told.made.tags),
        tier=told.tier,
        fallback=None if told.fallback is None else {"reason": told.fallback},
        said=told.said,
        removed=list(told.removed),
        edited=[],
        readers=known.to_dict(),
    )
    if keep:
        store.records.put(KIND, draft.draft_id, draft.state, _body(draft), now=draft.time)
    return draft


def read_draft(store: SqlStore, draft_id: str, version: int | None = None) -> Draft:
    """The newest version, or ``version``. Raises UsageError where there is none."""
    kept = store.records.latest(KIND, draft_id) if version is None else store.records.get(KIND, draft_id, version)
    if kept is None:
        which = f"no draft '{draft_id}'" if version is None else f"draft '{draft_id}' has no version {version}"
        raise UsageError(which, fix="see 'zhiyin write list'")
    return _draft(kept)


def drafts(store: SqlStore, *, after: str | None = None, limit: int = 100) -> list[Draft]:
    """The newest version of each, a page in order of id."""
    return [_draft(one) for one in store.records.every(KIND, after=after, limit=limit)]


def edit_draft(store: SqlStore, draft_id: str, changes: Mapping[str, Any]) -> Draft:
    """A new version with ``changes``, words of whoever edits: ``title``, ``summary`` and ``draft`` are texts,
    ``headlines`` and ``tags`` lists of texts. Raises UsageError for another part, or no such draft."""
    if wrong := sorted(set(changes) - set(EDITABLE)):
        raise UsageError(f"a draft has no part '{wrong[0]}' to edit", fix=f"use one of {', '.join(EDITABLE)}")
    if not changes:
        raise UsageError("nothing is changed", fix=f"give one of {', '.join(EDITABLE)}")
    before = read_draft(store, draft_id)
    told: dict[str, Any] = dict(changes)
    if "headlines" in told:
        known = {one.text: one for one in before.headlines}
        told["headlines"] = [known.get(text, Headline(text, "edited", ())) for text in told["headlines"]]
    if "tags" in told:
        named = {one.name.casefold(): one for one in before.tags}
        told["tags"] = [named.get(name.casefold(), Tag(name, "phrase", None)) for name in told["tags"]]
    edited = sorted({*before.edited, *changes})
    after = replace(before, **told, edited=edited, state=DRAFT, time=_now())
    version = store.records.put(KIND, draft_id, DRAFT, _body(after), now=after.time)
    return replace(after, version=version)


def publish_draft(store: SqlStore, draft_id: str, version: int | None = None) -> Draft:
    """Mark a version as published. Raises UsageError where there is none."""
    found = read_draft(store, draft_id, version)
    store.records.set_state(KIND, draft_id, PUBLISHED, found.version)
    return replace(found, state=PUBLISHED)


def delete_draft(store: SqlStore, draft_id: str) -> int:
    """Every version; how many are gone. Raises UsageError where there is none."""
    gone = store.records.delete(KIND, draft_id)
    if not gone:
        raise UsageError(f"no draft '{draft_id}'", fix="see 'zhiyin write list'")
    return gone


def versions(store: SqlStore, draft_id: str) -> list[Draft]:
    """The newest first. Raises UsageError where there is none."""
    found: Sequence[Record] = store.records.versions(KIND, draft_id)
    if not found:
        raise UsageError(f"no draft '{draft_id}'", fix="see 'zhiyin write list'")
    return [_draft(one) for one in found]


def _body(draft: Draft) -> dict[str, Any]:
    outside = ("draft_id", "version", "state", "time")
    return {name: value for name, value in draft.to_dict().items() if name not in outside}


def _draft(kept: Record) -> Draft:
    body = dict(kept.body)
    lists: dict[str, Any] = {
        "headlines": [
            Headline(**one | {"sentences": tuple(one["sentences"]), "reasons": tuple(one["reasons"])})
            for one in body["headlines"]
        ],
        "outline": [Section(one["heading"], tuple(one["points"]), tuple(one["sentences"])) for one in body["outline"]],
        "tags": [Tag(**one) for one in body["tags"]],
        "removed": [Removed(**one) for one in body["removed"]],
        "tier": Tier(body["tier"]),
    }
    return Draft(kept.key, kept.version, kept.state, kept.time, **body | lists)


def _now() -> int:
    return time.time_ns() // 1000
