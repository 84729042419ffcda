"""``/v1/writing``: help for an author, and headlines tried on readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Query
from pydantic import Field, StringConstraints

from zhiyin.errors import NotThere, UsageError
from zhiyin.ports import LanguageModels
from zhiyin.scenarios.content.groups import Group
from zhiyin.scenarios.content.writing import (
    Audience,
    Draft,
    Trial,
    audience_of,
    delete_draft,
    drafts,
    edit_draft,
    headlines_for,
    impressions_of,
    publish_draft,
    read_draft,
    read_trial,
    settle,
    start_trial,
    stop_trial,
    trial_report,
    versions,
    write_draft,
)
from zhiyin.scripts import Language
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.texts import TEXT
from zhiyin.serve.v1.conditions import Where, fitting
from zhiyin.serve.v1.fields import Cursor, Flag, Id, In, LongText, Number, Out, Title
from zhiyin.serve.v1.speaking import enough, with_models
from zhiyin.store.sql import SqlStore

T = TypeVar("T")

router = APIRouter(prefix="/writing", tags=["content"])

KNOWN_SECONDS = 300.0
"""What is known of a group of readers counts for so long."""
KNOWN_MOST = 100

DraftId = Annotated[Id, Query(description="Id of a draft")]
ItemOf = Annotated[Id, Query(description="The item whose title is tried")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT)]
Lines = Annotated[list[Line], Field(min_length=1, max_length=20)]
AuthorsText = Annotated[str, StringConstraints(min_length=20, max_length=100_000, pattern=TEXT)]


class DraftAsked(In):
    text: AuthorsText
    """What the author has: notes, or a text."""
    title: Title = ""
    language: Language | None = None
    """en or zh; null goes by the text."""
    where: Where | None = None
    """The readers: a condition on what is stored of people."""
    circle: Id | None = None
    """Or the people of a circle, where there is no condition."""
    headlines: Annotated[int, Field(ge=1, le=20), Number] = 5
    keep: Flag = True
    """Keep a record of it."""


class DraftEdit(In):
    """What is left out stays as it is."""

    draft_id: Id
    title: Title | None = None
    summary: LongText | None = None
    draft: LongText | None = None
    headlines: Lines | None = None
    tags: Lines | None = None


class Published(In):
    draft_id: Id
    version: Annotated[int, Field(ge=1, le=2**31), Number] | None = None
    """Null takes the newest."""


class Drafts(Out):
    drafts: list[Draft]
    cursor: str | None
    """For the next page; null after the last."""


class Gone(Out):
    versions: int


class TrialAsked(In):
    item_id: Id
    headlines: Annotated[list[Line], Field(min_length=2, max_length=10)]
    """The first is what the others are held against."""
    traffic: Annotated[float, Field(gt=0, le=1), Number] = 1.0
    """Share of the people who take part."""
    window_days: Annotated[float, Field(gt=0, le=365), Number] = 1.0
    """How long a person's outcomes count."""
    people: Annotated[int, Field(ge=100, le=10**9), Number] = 2000
    """How many people it is planned for."""


class HeadlinesAsked(In):
    user_id: Id
    item_ids: Annotated[list[Id], Field(min_length=1, max_length=100)]


class ShownHeadline(Out):
    item_id: str
    headline: str | None
    """What this person sees as its title; null where the item has none."""
    variant: str | None
    experiment: str | None
    impression_id: str | None
    """Names the show, which is noted; null where nothing is tried on them."""


class Headlines(Out):
    headlines: list[ShownHeadline]


class SettleAsked(In):
    item_id: Id
    variant: Annotated[str, StringConstraints(pattern="^[A-J]$")] | None = None
    """Null takes what the report calls better."""


class TrialNamed(In):
    item_id: Id


class TrialReport(Out):
    trial: Trial
    report: dict[str, Any]
    """What can be said now, whenever it is looked at; as of other experiments."""


EDIT = {"draft_id": "draft-1a2b3c4d5e6f", "summary": "龙井早采五天。"}
TWO = {"item_id": "文/1", "headlines": ["龙井早采五天", "今年的龙井为什么早了？"]}
LOOKING = {"user_id": "张伟", "item_ids": ["文/1"]}
MARKET = (
    "The city council voted 7 to 2 on Tuesday to close Market Street to private cars from March. "
    "The plan adds protected bike lanes along the two-mile street."
)
TEA = "今年的龙井比去年早采了五天。茶农说，三月的气温偏高，芽叶长得快。首批茶青每斤收购价为 320 元。"


@router.post("/drafts", response_model=Draft, responses=MISSING | CONFLICT)
async def make_draft(
    tenant: CanWrite,
    asked: Annotated[
        DraftAsked,
        Body(
            openapi_examples={
                "for everybody": {"value": {"text": MARKET, "title": "Market Street to close to cars"}},
                "for some": {"value": {"text": TEA, "where": {"city": "杭州"}, "headlines": 3}},
            }
        ),
    ],
) -> Draft:
    """Outline, draft, headlines, summary and tags of a text, fitted to what its readers take. Every sentence is the
    author's own, or a language model's that the text bears out."""

    def job(store: SqlStore, models: LanguageModels) -> Draft:
        group = Group.of(asked.where, asked.circle)
        return write_draft(
            store,
            tenant.settings,
            tenant.project,
            asked.text,
            title=asked.title,
            group=group,
            language=asked.language,
            headlines=asked.headlines,
            models=models,
            seconds=tenant.settings.llm.batch_seconds,
            audience=_readers.of(tenant, store, group),
            keep=asked.keep,
        )

    with enough():
        return await with_models(tenant, job)


@router.get("/drafts", response_model=Drafts, responses=MISSING)
async def get_drafts(
    tenant: CanRead,
    draft_id: Annotated[Id | None, Query(description="Every version of this one, the newest first")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Drafts of a page, at most")] = 50,
) -> Drafts:
    """The newest version of each draft, or every version of one."""
    if draft_id is not None:
        return Drafts(drafts=await _there(tenant, lambda store: versions(store, draft_id)), cursor=None)
    found = await tenant.read(lambda store: drafts(store, after=cursor, limit=limit))
    return Drafts(drafts=found, cursor=found[-1].draft_id if len(found) == limit else None)


@router.put("/drafts", response_model=Draft, responses=MISSING | CONFLICT)
async def put_draft(
    tenant: CanWrite,
    edit: Annotated[
        DraftEdit,
        Body(openapi_examples={"a summary": {"value": EDIT}}),
    ],
) -> Draft:
    """Change parts of a draft by hand: a new version; the old ones stay."""
    await _there(tenant, lambda store: read_draft(store, edit.draft_id))
    told = edit.model_dump(include=edit.model_fields_set - {"draft_id"})
    changes = {name: value for name, value in told.items() if value is not None}
    with fitting():
        return await tenant.read(lambda store: edit_draft(store, edit.draft_id, changes))


@router.post("/drafts/publish", response_model=Draft, responses=MISSING)
async def publish(
    tenant: CanWrite,
    audits: Audits,
    given: Annotated[Published, Body(openapi_examples={"the newest": {"value": {"draft_id": "draft-1a2b3c4d5e6f"}}})],
) -> Draft:
    """Mark a version as published. Whoever may write items' texts may do this, as with product pages."""
    await audits.write("writing.publish", given.draft_id)
    return await _there(tenant, lambda store: publish_draft(store, given.draft_id, given.version))


@router.delete("/drafts", response_model=Gone, responses=MISSING)
async def remove_draft(tenant: CanWrite, draft_id: DraftId) -> Gone:
    """Delete a draft with all its versions."""
    return Gone(versions=await _there(tenant, lambda store: delete_draft(store, draft_id)))


@router.put("/headlines", response_model=Trial, responses=MISSING | CONFLICT)
async def try_headlines(
    tenant: CanAdmin,
    audits: Audits,
    asked: Annotated[
        TrialAsked,
        Body(
            openapi_examples={
                "two": {"value": {"item_id": "文/1", "headlines": ["龙井早采五天", "今年的龙井为什么早了？"]}}
            }
        ),
    ],
) -> Trial:
    """Try headlines as titles of an item. Each person always sees the same one."""
    await audits.write("writing.try", asked.item_id)
    how = asked.model_dump(exclude={"item_id", "headlines"})
    with fitting():
        return await tenant.read(
            lambda store: start_trial(store, tenant.project, asked.item_id, asked.headlines, **how)
        )


@router.post("/headlines", response_model=Headlines)
async def show_headlines(
    tenant: CanWrite,
    asked: Annotated[HeadlinesAsked, Body(openapi_examples={"a page": {"value": LOOKING}})],
) -> Headlines:
    """What a person sees as titles of some items. What is tried on them is noted as shown."""
    found = await tenant.read(lambda store: headlines_for(store, asked.item_ids, asked.user_id))
    noted = impressions_of(found, asked.user_id)
    if noted:
        await tenant.write(lambda writer: writer.put_impressions(noted))
    return Headlines(headlines=[ShownHeadline(**vars(one)) for one in found])


@router.get("/headlines", response_model=TrialReport, responses=MISSING | CONFLICT)
async def report_headlines(tenant: CanRead, item_id: ItemOf) -> TrialReport:
    """What the trial of an item's headlines says by now."""
    await _there(tenant, lambda store: read_trial(store, item_id))
    with fitting():
        trial, _, told = await tenant.slow(lambda store: trial_report(store, tenant.settings, item_id))
    return TrialReport(trial=trial, report=told.to_dict())


@router.post("/headlines/settle", response_model=Trial, responses=MISSING | CONFLICT)
async def settle_headlines(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[SettleAsked, Body(openapi_examples={"by hand": {"value": {"item_id": "文/1", "variant": "B"}}})],
) -> Trial:
    """End the trial: the better headline, or the one named, becomes the item's title."""
    await _there(tenant, lambda store: read_trial(store, given.item_id))
    await audits.write("writing.settle", given.item_id)
    with fitting():
        return await tenant.slow(lambda store: settle(store, tenant.settings, given.item_id, given.variant))


@router.post("/headlines/stop", response_model=Trial, responses=MISSING | CONFLICT)
async def stop_headlines(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[TrialNamed, Body(openapi_examples={"stop": {"value": {"item_id": "文/1"}}})],
) -> Trial:
    """End the trial; the item keeps its title."""
    await _there(tenant, lambda store: read_trial(store, given.item_id))
    await audits.write("writing.stop", given.item_id)
    with fitting():
        return await tenant.read(lambda store: stop_trial(store, given.item_id))


async def _there(tenant: Tenant, job: Callable[[SqlStore], T]) -> T:
    """What ``job`` reads. Raises NotThere where that is not there."""
    try:
        return await tenant.read(job)
    except UsageError as unknown:
        raise NotThere(unknown.what, fix=unknown.fix) from unknown


class _Readers:
    """What is known of groups of readers, for a short while: it takes longer to gather than a draft to make."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Group], tuple[float, Audience]] = {}
        self._lock = threading.Lock()

    def of(self, tenant: Tenant, store: SqlStore, group: Group) -> Audience:
        key, now = (str(tenant.project), group), time.monotonic()
        kept = self._known.get(key)
        if kept is not None and now - kept[0] < KNOWN_SECONDS:
            return kept[1]
        found = audience_of(store, tenant.settings, tenant.project, group)
        with self._lock:
            if len(self._known) >= KNOWN_MOST:
                self._known.clear()
            self._known[key] = (now, found)
        return found


_readers = _Readers()
