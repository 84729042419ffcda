"""``/v1/ads``: campaigns, lists with their advertisements, clicks, reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self
from weakref import WeakKeyDictionary

import orjson
from fastapi import APIRouter, Body, Query
from pydantic import ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from zhiyin.errors import Conflict, NotThere, NotTrained, ZhiyinError
from zhiyin.listing import ListRequest
from zhiyin.scenarios.shop.ads import keeping, reporting
from zhiyin.scenarios.shop.ads.campaign import MILLION, Campaign
from zhiyin.scenarios.shop.ads.desk import Placed
from zhiyin.scenarios.shop.ads.keeping import PAUSED, RUNNING, Kept
from zhiyin.scenarios.shop.ads.mixing import mix
from zhiyin.scenarios.shop.ads.placing import AdServer
from zhiyin.scenarios.shop.ads.policy import Policy
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.conditions import fitting
from zhiyin.serve.v1.fields import Category, Count, Id, In, Out, Surface, one_of, person
from zhiyin.store.ads import AdLedger
from zhiyin.types import DEFAULT_SURFACE

router = APIRouter(prefix="/ads", tags=["ads"])

_SERVERS: WeakKeyDictionary[Tenant, AdServer] = WeakKeyDictionary()

NamedIn = Annotated[Id, Query(description="Name of the campaign")]


def _server(tenant: Tenant) -> AdServer:
    if tenant not in _SERVERS:
        _SERVERS[tenant] = AdServer(tenant.store, tenant.project, learns=True)
    return _SERVERS[tenant]


def _sound(told: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """What is in form and yet makes no sense (it ends before it starts) is a conflict."""
    try:
        return check(told)
    except ValidationError as invalid:
        senseless = [one for one in invalid.errors() if one["type"] == "value_error"]
        if senseless:
            what = senseless[0]["msg"].removeprefix("Value error, ")
            where = ".".join(map(str, ("campaign", *senseless[0]["loc"])))
            raise Conflict(what, where=where, fix="see docs/ads.md") from invalid
        raise


class CampaignIn(In):
    name: Id
    campaign: Annotated[Campaign, WrapValidator(_sound)]


class Named(In):
    name: Id


class CampaignOut(Out):
    name: str
    state: Literal["running", "paused"]
    source: Literal["file", "store"]
    campaign: dict[str, Any]
    """As it was given; what has its default is left out."""


class Campaigns(Out):
    campaigns: list[CampaignOut]
    """In order of name."""
    wrong: list[str]
    """What cannot be read, and why: files are checked when they are read."""


class AdListIn(In):
    """Give ``user_id`` or ``session_id``: how often somebody has seen what is told by person."""

    model_config = ConfigDict(json_schema_extra=one_of("user_id", "session_id"))

    user_id: Id | None = None
    session_id: Id | None = None
    k: Count = 10
    """Recommended items, where ``items`` are not given."""
    surface: Surface = DEFAULT_SURFACE
    items: Annotated[list[Id], Field(max_length=1_000)] | None = None
    """A list of the caller's own, in its order; left out, it is made here."""
    page: Annotated[tuple[Category, ...], Field(max_length=20)] = ()
    """Categories of what is looked at."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.user_id is None) == (self.session_id is None):
            raise ValueError("give either user_id or session_id")
        return self


class AdList(Out):
    impression_id: str | None
    """Of the recommended items; null for a list of the caller's own."""
    ads: int
    """How many advertisements are among ``items``."""
    items: list[dict[str, Any]]
    """``kind`` "item": as lists have them; ``kind`` "ad": its label, what is shown, and the ``show_id`` that a click
    names."""
    fallback: dict[str, str] | None = None
    """Why there are no advertisements although campaigns run; null otherwise."""


class ClickIn(In):
    show_id: Id


class ClickOut(Out):
    counted: bool
    """False for an unknown show, a second click, or one that comes too late."""
    campaign: str | None
    charged: float
    """In the policy's currency."""


class Learned(Out):
    weights: dict[str, float]
    """How much each feature moves the log odds of a click."""
    shows: int
    clicks: int


EXAMPLE = {
    "name": "春茶",
    "campaign": {
        "bid": 1.5,
        "starts": "2026-03-01",
        "ends": "2026-03-31",
        "budget": {"total": 3000, "daily": 200},
        "creative": [{"id": "a", "item": "茶/龙井 50g"}, {"id": "b", "title": "明前新茶", "link": "https://shop.example/t"}],
        "target": {"categories": ["茶"], "segment": {"city": ["杭州", "上海"], "age_above": 18}},
        "cap": [{"shows": 3, "hours": 24}],
        "holdout": 0.1,
    },
}  # fmt: skip


@router.get("/campaigns", response_model=Campaigns, responses=MISSING)
async def get_campaigns(
    tenant: CanRead, name: Annotated[Id | None, Query(description="This one alone")] = None
) -> Campaigns:
    """All campaigns, or one."""
    wrong: list[ZhiyinError] = []
    kept = await tenant.read(lambda store: keeping.campaigns_of(store, tenant.project, wrong))
    found = [one for one in kept if name is None or one.name == name]
    if name is not None and not found:
        raise _unknown(name)
    return Campaigns(campaigns=list(map(_out, found)), wrong=[one.what for one in wrong])


@router.put("/campaigns", response_model=CampaignOut, responses=CONFLICT)
async def put_campaign(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[CampaignIn, Body(openapi_examples={"spring tea": {"value": EXAMPLE}})],
) -> CampaignOut:
    """Keep a campaign, or another version of it. What was spent stays spent."""
    await audits.write("ads.campaigns.put", given.name)
    with fitting():
        kept = await tenant.read(lambda store: keeping.put(store, tenant.project, given.name, given.campaign))
    _server(tenant).forget()
    return _out(kept)


@router.delete("/campaigns", response_model=Campaigns, responses=MISSING | CONFLICT)
async def delete_campaign(tenant: CanAdmin, audits: Audits, name: NamedIn) -> Campaigns:
    """Take a campaign of the store away, and tell of those that are left. Its shows and what was spent stay."""
    await _kept(tenant, name)
    await audits.write("ads.campaigns.delete", name)
    with fitting():
        await tenant.read(lambda store: keeping.remove(store, tenant.project, name))
    _server(tenant).forget()
    return await get_campaigns(tenant)


@router.post("/campaigns/pause", response_model=CampaignOut, responses=MISSING)
async def pause_campaign(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Named, Body(openapi_examples={"pause": {"value": {"name": "春茶"}}})],
) -> CampaignOut:
    """Show it no more, until it is let run again."""
    return await _turned(tenant, audits, given.name, PAUSED)


@router.post("/campaigns/run", response_model=CampaignOut, responses=MISSING)
async def run_campaign(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Named, Body(openapi_examples={"run": {"value": {"name": "春茶"}}})],
) -> CampaignOut:
    """Let a campaign run that was paused."""
    return await _turned(tenant, audits, given.name, RUNNING)


@router.post("/lists", response_model=AdList, responses=CONFLICT)
async def list_with_ads(
    tenant: CanWrite,
    given: Annotated[
        AdListIn,
        Body(openapi_examples={"home": {"value": {"user_id": "张伟", "k": 10, "surface": "home", "page": ["茶"]}}}),
    ],
) -> AdList:
    """A person's list with its advertisements, which count as shown. Without any that fit, or where something is wrong
    with them, it is the list alone."""
    who = person(given.user_id, given.session_id)
    assert who is not None, "checked"
    impression: str | None = None
    if given.items is None:
        with fitting():
            listed = await tenant.lists.listed(ListRequest(who, given.k, surface=given.surface))
        organic: list[dict[str, Any]] = orjson.loads(listed.body)["items"]
        impression = listed.impression_id
    else:
        organic = [{"item_id": one} for one in given.items]
    ids = [one["item_id"] for one in organic]
    try:
        placed, at, policy = await _placed(tenant, who, given.surface, ids, given.page)
        fallback = None
    except (ZhiyinError, TimeoutError) as failed:
        why = failed.what if isinstance(failed, ZhiyinError) else "advertisements took longer than their deadline"
        placed, at, policy, fallback = [], [], Policy(), {"reason": why}
    mixed = mix(organic, placed, at, policy)
    return AdList(impression_id=impression, ads=mixed.ads, items=mixed.items, fallback=fallback)


@router.post("/clicks", response_model=ClickOut)
async def click(
    tenant: CanWrite,
    given: Annotated[ClickIn, Body(openapi_examples={"a click": {"value": {"show_id": "9f2c41d07ab3"}}})],
) -> ClickOut:
    """Count a click on an advertisement: once for each show, however often it is sent."""
    server, now = _server(tenant), _now()
    await tenant.read(lambda _: server.office(now))
    found = await tenant.write(lambda writer: server.click(AdLedger(writer.connection), given.show_id, now))
    if found is None:
        return ClickOut(counted=False, campaign=None, charged=0.0)
    return ClickOut(counted=True, campaign=found.campaign, charged=found.charged / MILLION)


@router.get("/report", responses=MISSING | CONFLICT)
async def report_campaign(tenant: CanRead, name: NamedIn) -> dict[str, Any]:
    """Spend against plan, clicks by creative and day, and the lift over people it is withheld from, with intervals."""
    await _kept(tenant, name)
    with fitting():
        told = await tenant.slow(lambda store: reporting.report(store, tenant.project, name, _now()))
    return told.to_dict()


@router.post("/learn", response_model=Learned)
async def learn_ads(tenant: CanAdmin, audits: Audits) -> Learned:
    """Learn from shows and clicks how much interests and ranking say about a click; done every few hours anyway."""
    await audits.write("ads.learn")
    from zhiyin.scenarios.shop.ads.clicks import FEATURES

    found = await tenant.slow(lambda _: _server(tenant).learn())
    return Learned(weights=dict(zip(FEATURES, found.weights, strict=True)), shows=found.shows, clicks=found.clicks)


async def _placed(
    tenant: Tenant, who: str, surface: str, ids: list[str], page: Sequence[str]
) -> tuple[list[Placed], list[int], Policy]:
    server = _server(tenant)
    seconds = tenant.settings.serve.deadline_seconds
    try:
        prepared = await tenant.live.ask(lambda engine: server.prepare(engine, who, surface, ids, page=page), seconds)
    except NotTrained:
        prepared = await tenant.read(lambda _: server.prepare(None, who, surface, ids, page=page))
    if not prepared.at:
        return [], [], prepared.office.policy
    placed = await tenant.write(lambda writer: server.claim(AdLedger(writer.connection), prepared))
    return placed, prepared.at[: len(placed)], prepared.office.policy


async def _turned(tenant: Tenant, audits: Audits, name: str, state: str) -> CampaignOut:
    await _kept(tenant, name)
    await audits.write(f"ads.campaigns.{state}", name)
    kept = await tenant.read(lambda store: keeping.set_state(store, tenant.project, name, state))
    _server(tenant).forget()
    return _out(kept)


async def _kept(tenant: Tenant, name: str) -> None:
    """Raises NotThere."""
    wrong: list[ZhiyinError] = []
    kept = await tenant.read(lambda store: keeping.campaigns_of(store, tenant.project, wrong))
    if all(one.name != name for one in kept):
        raise _unknown(name)


def _unknown(name: str) -> NotThere:
    return NotThere(f"no campaign '{name}'", where="name", fix="see GET /v1/ads/campaigns")


def _out(kept: Kept) -> CampaignOut:
    state: Literal["running", "paused"] = "paused" if kept.state == PAUSED else "running"
    source: Literal["file", "store"] = "file" if kept.source == "file" else "store"
    return CampaignOut(name=kept.name, state=state, source=source, campaign=kept.campaign.to_dict())


def _now() -> int:
    return time.time_ns() // 1000
