"""``/v1/pages``: product pages made of an item's attributes, their versions and their review."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import Field

from zhiyin.errors import Conflict, NotTrained
from zhiyin.ports import LanguageModels
from zhiyin.recommend import Engine
from zhiyin.scenarios.shop.pages import (
    KeptPage,
    Length,
    Page,
    PageName,
    PageRequest,
    Pages,
    Review,
    State,
    Tone,
    wanted_by,
)
from zhiyin.scenarios.shop.pages.asked import INTERESTS
from zhiyin.scenarios.shop.pages.changes import Changes
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.v1.fields import Cursor, Flag, Id, In, ItemId, Limit, Out, Words
from zhiyin.store.sql import SqlStore

router = APIRouter(prefix="/pages", tags=["pages"])

Language = Literal["en", "zh"]
Readers = Annotated[
    list[Words],
    Query(default_factory=list, max_length=INTERESTS, description="What its readers look for; given more than once"),
]
Segment = Annotated[list[Words], Field(max_length=INTERESTS)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Note = Annotated[str, Field(max_length=2_000)]


class PageKey(In):
    """Which page."""

    item_id: Id
    language: Language = "en"
    segment: Segment = Field(default_factory=list)
    """What its readers look for, the most important first. Excludes user_id."""
    user_id: Id | None = None
    """The page of one person."""

    def name(self) -> PageName:
        """Raises Conflict where two readers are named."""
        return _name(self.item_id, self.language, self.segment, self.user_id)


class PageIn(PageKey):
    tone: Tone = Tone.PLAIN
    length: Length = Length.MEDIUM
    keep: Flag = True
    """Keep it as a draft; false only shows it."""


class Moved(PageKey):
    state: Literal["in_review", "published", "rejected", "withdrawn"]
    version: Version | None = None
    """Null for the newest."""
    note: Note = ""
    """Why, for whoever looks later."""
    by: Note = ""
    """Who decides."""
    accept: Flag = False
    """What policies flag was looked at and is fine."""


class Edited(PageKey):
    version: Version | None = None
    """What is changed; null for the newest."""
    changes: Changes


class PageOut(Out):
    version: int | None
    """Null where it is not kept."""
    state: State | None
    time: int | None
    """Of the version, in microseconds since 1970, UTC."""
    page: Page


class Listed(Out):
    pages: list[PageOut]
    cursor: str | None
    """For the next page; null after the last."""


class Versions(Out):
    versions: list[PageOut]
    """Newest first."""
    reviews: list[Review]
    """What was decided, newest first."""


TEA = {"item_id": "茶/龙井 50g", "language": "zh", "tone": "warm", "length": "short"}
READER = {"item_id": "isbn/978-0140449136", "segment": ["Epic poem", "Books"]}
ALLOWED: dict[int | str, dict[str, Any]] = MISSING | CONFLICT


@router.post("", response_model=PageOut, responses=ALLOWED)
async def make_page(
    tenant: CanWrite,
    asked: Annotated[PageIn, Body(openapi_examples={"in Chinese": {"value": TEA}, "for a segment": {"value": READER}})],
) -> PageOut:
    """Make a page of an item; with keep it is the next version, a draft. Every claim is traced to an attribute of the
    item, and what no attribute bears out is under removed."""
    name = asked.name()
    request = PageRequest(
        item_id=name.item_id,
        language=asked.language,
        tone=asked.tone,
        length=asked.length,
        segment=name.segment,
        user_id=name.user_id,
    )

    def known(engine: Engine) -> tuple[LanguageModels | None, dict[str, float] | None]:
        return engine.models, None if name.user_id is None else wanted_by(engine.profile(name.user_id).interests)

    try:
        models, wanted = await tenant.live.ask(known)
    except NotTrained as untrained:
        if name.user_id is not None:
            raise Conflict("nothing is known of anybody yet", where="user_id", fix="train first") from untrained
        models, wanted = None, None

    def made(store: SqlStore) -> PageOut:
        # Not at the engine's desk nor where everybody reads: a language model takes its time.
        pages = Pages(store, tenant.project, models)
        if asked.keep:
            return _out(pages.draft(request, wanted=wanted))
        return PageOut(version=None, state=None, time=None, page=pages.make(request, wanted=wanted))

    return await tenant.slow(made)


@router.get("", response_model=PageOut, responses=ALLOWED)
async def get_page(
    tenant: CanRead,
    item_id: ItemId,
    segment: Readers,
    language: Annotated[Language, Query(description="Of the page")] = "en",
    user_id: Annotated[Id | None, Query(description="Whose page")] = None,
    version: Annotated[Version | None, Query(description="This version")] = None,
    state: Annotated[State | None, Query(description="The newest in this state")] = None,
) -> PageOut:
    """A page: a version, the newest in a state, or the newest. A shop's front end asks for state=published."""
    name = _name(item_id, language, segment, user_id)
    return _out(await tenant.read(lambda store: Pages(store, tenant.project).get(name, version, state)))


@router.get("/list", response_model=Listed)
async def list_pages(
    tenant: CanRead,
    state: Annotated[State | None, Query(description="The newest in this state alone")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Listed:
    """The newest version of each page that is nobody's own."""
    found, after = await tenant.read(lambda store: Pages(store, tenant.project).every(state, cursor, limit))
    return Listed(pages=list(map(_out, found)), cursor=after)


@router.get("/versions", response_model=Versions, responses=CONFLICT)
async def page_versions(
    tenant: CanRead,
    item_id: ItemId,
    segment: Readers,
    language: Annotated[Language, Query(description="Of the page")] = "en",
    user_id: Annotated[Id | None, Query(description="Whose page")] = None,
) -> Versions:
    """Every version of a page, and what was decided of them."""
    name = _name(item_id, language, segment, user_id)

    def job(store: SqlStore) -> Versions:
        pages = Pages(store, tenant.project)
        return Versions(versions=list(map(_out, pages.versions(name))), reviews=pages.reviews(name))

    return await tenant.read(job)


@router.post("/state", response_model=PageOut, responses=ALLOWED)
async def move_page(
    tenant: CanWrite,
    audits: Audits,
    move: Annotated[
        Moved,
        Body(
            openapi_examples={
                "hand in": {"value": {"item_id": "茶/龙井 50g", "language": "zh", "state": "in_review"}},
                "publish": {"value": {"item_id": "茶/龙井 50g", "language": "zh", "state": "published", "by": "李"}},
            }
        ),
    ],
) -> PageOut:
    """Hand in, publish, reject or withdraw a version. Publishing checks every sentence once more."""
    name = move.name()
    await audits.write(f"pages.{move.state}", move.item_id)
    pages = Pages(tenant.store, tenant.project)
    kept = await tenant.read(
        lambda store: pages.move(name, State(move.state), move.version, note=move.note, by=move.by, accept=move.accept)
    )
    return _out(kept)


@router.patch("", response_model=PageOut, responses=ALLOWED)
async def edit_page(
    tenant: CanWrite,
    edit: Annotated[
        Edited,
        Body(
            openapi_examples={
                "own bullets": {
                    "value": {
                        "item_id": "茶/龙井 50g",
                        "language": "zh",
                        "changes": {"bullets": ["产地：杭州"]},
                    }
                }
            }
        ),
    ],
) -> PageOut:
    """A new draft out of a version and what a person wrote in place of some fields, checked like everything else."""
    name = edit.name()
    told = edit.changes.told()
    return _out(await tenant.read(lambda store: Pages(store, tenant.project).edit(name, told, edit.version)))


def _name(item_id: str, language: str, segment: list[str], user_id: str | None) -> PageName:
    if segment and user_id is not None:
        raise Conflict("segment and user_id exclude each other", where="user_id", fix="send one of them")
    return PageName(item_id, language, tuple(segment), user_id)


def _out(kept: KeptPage) -> PageOut:
    return PageOut(version=kept.version, state=kept.state, time=kept.time, page=kept.page)
