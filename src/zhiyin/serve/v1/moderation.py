"""``/v1/moderation``: what may not be shown, by which rule, and who may say otherwise."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Query
from pydantic import Field, model_validator

from zhiyin.ports import LanguageModels
from zhiyin.scenarios.community.moderation import (
    Action,
    Appeal,
    AppealState,
    Decision,
    Kept,
    appeals,
    every,
    load_policies,
    put_appeal,
    resolve_appeal,
    review_items,
    trail,
)
from zhiyin.scenarios.community.moderation.keeping import DAY, now_, put_override
from zhiyin.scenarios.community.moderation.reviewing import Reviewed
from zhiyin.scenarios.community.moderation.view import LONGEST
from zhiyin.serve.auditing import Audits, pseudonym
from zhiyin.serve.auth import CanAdmin, CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.moderating import moderator_of
from zhiyin.serve.v1.fields import Cursor, Flag, Id, In, Limit, LongText, Number, Out, Words
from zhiyin.serve.v1.speaking import with_models
from zhiyin.store.sql import SqlStore
from zhiyin.store.writer import Writer

router = APIRouter(prefix="/moderation", tags=["community"])

TEXTS = 1_000
"""Texts of one request."""
PAGE, PAGE_MOST = 500, 5_000
"""Items that are come to in one request, unless it says so; and at most."""
SIGNS = 100_000
"""Characters of them that are read, together: about half a minute's work."""


class CheckTexts(In):
    texts: Annotated[list[LongText], Field(min_length=1, max_length=TEXTS)]
    """Of each the first 20,000 characters are read; together at most 100,000."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if sum(min(len(one), LONGEST) for one in self.texts) > SIGNS:
            raise ValueError(f"more than {SIGNS:,} characters to read: send fewer texts at a time")
        return self


class Decisions(Out):
    decisions: list[Decision]
    """One for each text, in order."""


class ReviewItems(In):
    item_ids: Annotated[list[Id], Field(max_length=TEXTS)] | None = None
    """These alone; left out, all of which something changed or whose decision has expired."""
    after: Id | None = None
    """Of all, those behind this one: what the answer before gave as ``following``."""
    most: Annotated[int, Field(ge=1, le=PAGE_MOST)] = PAGE
    """Of all, so many in one request."""
    again: Flag = False
    """Also items of which nothing changed. What a person decided stands."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.item_ids is not None and self.after is not None:
            raise ValueError("'after' goes on with all items: leave it out beside 'item_ids'")
        return self


class ReviewedOut(Out):
    looked: int
    decided: int
    expired: int
    """Decisions that ended: the item is shown again."""
    stood: int
    actions: dict[str, int]
    """New decisions by action."""
    changed: list[str]
    """Items whose action is another now."""
    fallbacks: dict[str, int]
    """Why a part of the cascade was left out, and how often."""
    following: str | None
    """Ask again with this as ``after``: there are more items. Null where none is left."""


class KeptOut(Out):
    item_id: str
    version: int
    action: Action
    by: str
    """policies, person, or expiry."""
    time: int
    """Microseconds since 1970, UTC."""
    expires: int | None
    why: str | None
    who: str | None
    decision: dict[str, Any] | None
    """Where policies decided: category, rule, confidence, places of the evidence as [start, end], ..."""


class KeptDecisions(Out):
    decisions: list[KeptOut]
    cursor: str | None
    """For the next page; null after the last."""


class Override(In):
    item_id: Id
    action: Action
    why: Words | None = None
    days: Annotated[float, Field(gt=0, le=36_500), Number] | None = None
    """It counts for so long; null for good."""


class MakeAppeal(In):
    item_id: Id
    user_id: Id
    said: Words


class AnswerAppeal(In):
    item_id: Id
    user_id: Id
    granted: Flag
    """Granted, the item is allowed whatever the policies say."""
    answer: Words | None = None


class Appeals(Out):
    appeals: list[Appeal]
    """Oldest first."""
    cursor: int | None
    """For the next page; null after the last."""


class PolicyOut(Out):
    category: str
    severity: int
    name: dict[str, str]
    about: dict[str, str]
    actions: dict[str, Any]
    """From which confidence on an action is taken."""
    expires_days: float | None
    rules: list[str]


class Policies(Out):
    policies: list[PolicyOut]
    fingerprint: str
    """Of all they say; each decision names it."""


CHECK = {"texts": ["今天天气真好", "你就是个傻\u200b逼", "thank you, that helped"]}
SOME = {"item_ids": ["帖/1", "帖/2"]}
HIDE = {"item_id": "帖/1", "action": "hide", "why": "人身攻击", "days": 30}
SAID = {"item_id": "帖/1", "user_id": "u/7", "said": "我是在引用别人的话"}
GRANT = {"item_id": "帖/1", "user_id": "u/7", "granted": True, "answer": "确实是引用"}


@router.post("/check", response_model=Decisions)
async def check_texts(
    tenant: CanRead, given: Annotated[CheckTexts, Body(openapi_examples={"three texts": {"value": CHECK}})]
) -> Decisions:
    """Hold texts against the policies: what should be done with each, by which rule, where in the text, and how
    surely. Nothing is kept."""
    seconds = tenant.settings.llm.answer_seconds
    found = await with_models(
        tenant, lambda store, models: moderator_of(tenant, models).decide_many(given.texts, seconds)
    )
    return Decisions(decisions=found)


@router.post("/review", response_model=ReviewedOut, responses=MISSING | CONFLICT)
async def review(
    tenant: CanWrite,
    given: Annotated[ReviewItems, Body(openapi_examples={"two items": {"value": SOME}, "all": {"value": {}}})],
) -> ReviewedOut:
    """Decide about items of the store, and end decisions that have expired. What is hidden leaves every list at
    once. All items are come to in their order, a page in each request and one request at a time; some by their ids,
    whenever."""

    def job(store: SqlStore, models: LanguageModels) -> Reviewed:
        moderator = moderator_of(tenant, models)
        return review_items(store, moderator, given.item_ids, again=given.again, after=given.after, most=given.most)

    found = await with_models(
        tenant,
        job,
        alone="a review of all items" if given.item_ids is None else None,
    )
    return ReviewedOut(**found.to_dict(), following=found.following)


@router.get("", response_model=KeptDecisions)
async def get_decisions(
    tenant: CanRead,
    item_id: Annotated[Id | None, Query(description="All that was ever decided about this item, newest first")] = None,
    action: Annotated[Action | None, Query(description="Items of which this is decided now")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> KeptDecisions:
    """What is decided now, in order of the items' ids; with an item, its audit trail."""
    if item_id is not None:
        found = await tenant.read(lambda store: trail(store, item_id))
        return KeptDecisions(decisions=list(map(_out, found)), cursor=None)
    found = await tenant.read(lambda store: every(store, action, after=cursor, limit=limit))
    return KeptDecisions(decisions=list(map(_out, found)), cursor=found[-1].item_id if len(found) == limit else None)


@router.put("/override", response_model=KeptOut, responses=MISSING)
async def override(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Override, Body(openapi_examples={"hide": {"value": HIDE}})],
) -> KeptOut:
    """Decide about an item, over the policies, until that expires."""
    await audits.write("moderation.override", given.item_id, decided=given.action)
    at = now_()
    expires = None if given.days is None else at + int(given.days * DAY)

    def job(writer: Writer) -> Kept:
        return put_override(
            writer, given.item_id, given.action, at, why=given.why, who=audits.caller.prefix, expires=expires
        )

    return _out(await tenant.write(job))


@router.post("/appeals", response_model=Appeal, responses=MISSING)
async def appeal(
    tenant: CanWrite, given: Annotated[MakeAppeal, Body(openapi_examples={"a quotation": {"value": SAID}})]
) -> Appeal:
    """Note that a person asks for another decision. It goes with the person when they are erased."""
    return await tenant.read(lambda store: put_appeal(store, given.item_id, given.user_id, given.said))


@router.get("/appeals", response_model=Appeals)
async def get_appeals(
    tenant: CanAdmin,
    state: Annotated[AppealState | None, Query(description="These alone")] = None,
    item_id: Annotated[Id | None, Query(description="About this item alone")] = None,
    cursor: Annotated[int, Query(ge=0, le=2**62, description="Where to go on: the cursor of the page before")] = 0,
    limit: Limit = 100,
) -> Appeals:
    """Appeals: what people said, and what was answered. One that is answered moves to the end."""
    found, after = await tenant.read(lambda store: appeals(store, state, item_id, after=cursor, limit=limit))
    return Appeals(appeals=found, cursor=after)


@router.post("/appeals/answer", response_model=Appeal, responses=MISSING)
async def answer_appeal(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[AnswerAppeal, Body(openapi_examples={"granted": {"value": GRANT}})],
) -> Appeal:
    """Grant an open appeal, or reject it."""
    who = pseudonym(tenant, given.user_id)
    await audits.write("moderation.answer", given.item_id, granted=given.granted, person=who)
    return await tenant.read(
        lambda store: resolve_appeal(
            store, given.item_id, given.user_id, given.granted, answer=given.answer, who=audits.caller.prefix
        )
    )


@router.get("/policies", response_model=Policies)
async def get_policies(tenant: CanRead) -> Policies:
    """The policies in force."""
    found = await tenant.read(lambda store: load_policies(tenant.project))
    told = [
        PolicyOut(
            category=one.category,
            severity=one.severity,
            name=one.name.model_dump(),
            about=one.about.model_dump(),
            actions=one.actions.model_dump(exclude_none=True),
            expires_days=one.expires_days,
            rules=[rule.id for rule in one.rules],
        )
        for one in found.policies
    ]
    return Policies(policies=told, fingerprint=found.fingerprint)


def _out(one: Kept) -> KeptOut:
    return KeptOut(
        item_id=one.item_id,
        version=one.version,
        action=one.action,
        by=one.by,
        time=one.time,
        expires=one.expires,
        why=one.why,
        who=one.who,
        decision=dict(one.told) or None,
    )
