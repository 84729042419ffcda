"""``/v1/circles``: who belongs together."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from zhiyin.ports import LanguageModels
from zhiyin.scenarios.community.circles import build_circles, circle, circles, circles_of, circles_params, last_run
from zhiyin.scenarios.community.circles.kept import Circle
from zhiyin.scripts import Language
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.v1.fields import Id, Limit, Out, UserId
from zhiyin.serve.v1.speaking import enough, with_models
from zhiyin.store.sql import SqlStore

router = APIRouter(prefix="/circles", tags=["community"])

CircleId = Annotated[Id, Query(description="Id of a circle")]
InLanguage = Annotated[Language, Query(description="Of the names in the picture")]
SVG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "The picture"}
}


class TypicalItem(Out):
    item_id: str
    title: str | None
    share: float
    """Share of the circle's people who took it."""
    lift: float
    """Times the share of everybody."""


class TypicalInterest(Out):
    id: str
    name: str
    share: float
    """Mean weight with the circle's people."""
    lift: float
    """Times that with everybody."""


class CircleOut(Out):
    id: str
    """The same from run to run, as long as it is the same circle."""
    version: int
    state: str
    """here, or gone since a later run."""
    time: int
    """Of the run that changed it last, in microseconds since 1970, UTC."""
    name: dict[Language, str]
    description: dict[Language, str]
    tier: str
    """The language model that named or described it: none, embedded or remote."""
    fallback: str | None
    """Null, or why a configured model did not do all of it."""
    size: int
    density: float | None
    """Share of pairs of its people who have an edge."""
    densities: dict[str, float | None]
    """The same by kind of edge: friends, together, alike."""
    conductance: float | None
    """Share of the weight of its people's edges that leaves it."""
    items: list[TypicalItem]
    interests: list[TypicalInterest]
    """Empty before the first training."""
    words: list[str]
    categories: list[str]


class RunOut(Out):
    circles: list[str]
    new: list[str]
    gone: list[str]
    people: int
    members: int
    several: int
    """People in more than one circle."""
    alone: int
    """People without an edge to anybody."""
    between: int
    """People with edges who are in no circle."""
    edges: int
    resolution: float
    modularity: float
    conductance: float | None
    """Of the middle circle."""
    tier: str
    fallback: str | None
    seconds: float


class Circles(Out):
    run: RunOut | None
    """What the last run found; null before the first."""
    circles: list[CircleOut]
    """The largest first."""


class MemberOut(Out):
    user_id: str
    weight: float
    """Share of the weight of the person's edges that goes into the circle."""


class Members(Out):
    circle: CircleOut
    members: list[MemberOut]
    """The strongest first."""


class Belonging(Out):
    weight: float
    circle: CircleOut


class BelongingTo(Out):
    user_id: str
    circles: list[Belonging]
    """The strongest first; empty for somebody who is in none."""


@router.get("", response_model=Circles)
async def get_circles(tenant: CanRead) -> Circles:
    """Every circle, and what the last run found."""
    run, found = await tenant.read(lambda store: (last_run(store), circles(store)))
    return Circles(run=None if run is None else RunOut(**run), circles=list(map(_out, found)))


@router.get("/members", response_model=Members, responses=MISSING)
async def get_circle_members(tenant: CanRead, circle_id: CircleId, limit: Limit = 100) -> Members:
    """One circle with its members."""
    one, found = await tenant.read(lambda store: (circle(store, circle_id), store.circles.members(circle_id, limit)))
    members = [MemberOut(user_id=each.user_id, weight=each.weight) for each in found]
    return Members(circle=_out(one), members=members)


@router.get("/of", response_model=BelongingTo)
async def get_circles_of(tenant: CanRead, user_id: UserId) -> BelongingTo:
    """The circles that a person belongs to."""
    found = await tenant.read(lambda store: circles_of(store, user_id))
    return BelongingTo(user_id=user_id, circles=[Belonging(weight=weight, circle=_out(one)) for one, weight in found])


@router.get("/picture", response_class=Response, responses=SVG)
async def get_circles_picture(tenant: CanRead, language: InLanguage = "en") -> Response:
    """The graph of circles as SVG."""
    from zhiyin.scenarios.community.circles.picture import standalone

    text = await tenant.read(lambda store: standalone(store, language))
    return Response(text, media_type="image/svg+xml")


@router.post("/build", response_model=RunOut, responses=CONFLICT)
async def build_circles_now(tenant: CanAdmin, audits: Audits) -> RunOut:
    """Find circles anew. Those that are still there keep their ids. It takes seconds, and lists go on meanwhile."""
    await audits.write("circles.build")

    def job(store: SqlStore, models: LanguageModels) -> dict[str, Any]:
        params = circles_params(tenant.project)
        return build_circles(store, tenant.settings, tenant.project, params, models).to_dict()

    with enough():
        return RunOut(**await with_models(tenant, job, alone="circles that are found"))


def _out(one: Circle) -> CircleOut:
    return CircleOut(**one.to_dict())
