"""``/v1/topics``: what people read and discuss of late, and what is rising."""

from __future__ import annotations

from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Query
from pydantic import ConfigDict, Field, model_validator

from zhiyin.errors import Conflict, NotThere, UsageError
from zhiyin.ports import LanguageModels
from zhiyin.scenarios.content.groups import Group
from zhiyin.scenarios.content.topics import (
    Discussed,
    Topic,
    TopicsSettings,
    WindowSettings,
    discussed,
    find_topics,
    name_topic,
    read_topics,
)
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead, CanWrite
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.conditions import Where
from zhiyin.serve.v1.fields import Flag, Id, In, Micros, Number, Out, Words
from zhiyin.serve.v1.speaking import enough, with_models
from zhiyin.store.sql import SqlStore

router = APIRouter(prefix="/topics", tags=["content"])

Days = Annotated[int, Field(ge=1, le=366), Number]
DaysBefore = Annotated[int, Field(ge=1, le=3660), Number]


NOT_BOTH: dict[str, Any] = {
    "not": {"required": ["where", "circle"], "properties": {"where": {"type": "object"}, "circle": {"type": "string"}}}
}


class TopicsAsked(In):
    """Everybody, where neither ``where`` nor ``circle`` is given."""

    model_config = ConfigDict(json_schema_extra=NOT_BOTH)

    where: Where | None = None
    """A segment: a condition on what is stored of people, as {"city": "杭州", "age_above": 30}."""
    circle: Id | None = None
    """The people of a circle, by its id."""
    topic_id: Id | None = None
    """This topic alone."""
    rising: Flag = False
    """Only topics that surely rise."""
    k: Annotated[int, Field(ge=1, le=1_000), Number] = 20
    days: Days = 7
    """What is of late."""
    before: DaysBefore = 28
    """The days before those, that it is held against."""
    at: Micros | None = None
    """The end of that time, in microseconds UTC; null takes the latest event."""
    questions: Annotated[int, Field(ge=0, le=5), Number] = 0
    """Questions to start a discussion, of each topic."""

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        if self.where is not None and self.circle is not None:
            raise ValueError("give a condition or a circle")
        return self


class FindTopics(In):
    days: Days = 7
    before: DaysBefore = 28
    at: Micros | None = None
    """The end of that time, in microseconds UTC; null takes the latest event."""
    resolution: Annotated[float, Field(gt=0, le=100), Number] = 4.0
    """How fine topics are: more gives more of them."""


class FoundTopic(Out):
    topic_id: str
    """The same from run to run, as long as it is the same topic."""
    name: str
    items: int


class FoundTopics(Out):
    until: int
    """The end of the time that was looked at, in microseconds UTC."""
    encoder: str | None
    """The text encoder; null where words alone were compared."""
    items: int
    """Looked at."""
    placed: int
    """Of these, those that belong to a topic."""
    kept: int
    """Topics that were there before."""
    returned: int
    """Topics that had gone and came back."""
    new: int
    gone: int
    topics: list[FoundTopic]


class NameTopic(In):
    topic_id: Id
    name: Words


class NamedTopic(Out):
    topic_id: str
    name: str
    named_by: str
    """none, embedded or remote: the language model that named it; or person."""


SEGMENT = {"where": {"city": "杭州"}, "rising": True, "questions": 3}
CIRCLE = {"circle": "c1", "days": 14, "before": 56}


@router.get("", response_model=Discussed, responses=CONFLICT)
async def get_topics(
    tenant: CanRead,
    k: Annotated[int, Query(ge=1, le=1_000, description="Topics at most")] = 20,
    rising: Annotated[bool, Query(description="Only those that surely rise")] = False,
    days: Annotated[int, Query(ge=1, le=366, description="What is of late, in days")] = 7,
) -> Discussed:
    """What everybody reads and discusses of late, those that rise first. No language model is asked."""
    return await _discussed(tenant, TopicsAsked(k=k, rising=rising, days=days, before=4 * days))


@router.post("", response_model=Discussed, responses=MISSING | CONFLICT)
async def ask_topics(
    tenant: CanRead,
    asked: Annotated[
        TopicsAsked, Body(openapi_examples={"a segment": {"value": SEGMENT}, "a circle": {"value": CIRCLE}})
    ],
) -> Discussed:
    """The same for a segment of people or a circle, with questions to start a discussion."""
    return await _discussed(tenant, asked)


@router.post("/find", response_model=FoundTopics, responses=CONFLICT)
async def find(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[FindTopics, Body(openapi_examples={"finer than usual": {"value": {"resolution": 8}}})],
) -> FoundTopics:
    """Find topics anew in what was taken of late; those that are still there keep ids and names."""
    await audits.write("topics.find")
    window, settings = WindowSettings(days=given.days, before=given.before), TopicsSettings(resolution=given.resolution)

    def job(store: SqlStore, models: LanguageModels) -> dict[str, Any]:
        found = find_topics(store, tenant.settings, at=given.at, topics=settings, window=window, models=models)
        return found.to_dict()

    with enough():
        return FoundTopics(**await with_models(tenant, job, alone="topics that are found"))


@router.put("/name", response_model=NamedTopic, responses=MISSING | CONFLICT)
async def put_topic_name(
    tenant: CanWrite,
    given: Annotated[
        NameTopic, Body(openapi_examples={"a name": {"value": {"topic_id": "d-6ea5b0ea14a0", "name": "篮球"}}})
    ],
) -> NamedTopic:
    """Give a topic a name that stays whatever is found later."""
    await _known(tenant, given.topic_id)

    def job(store: SqlStore) -> Topic:
        return name_topic(store, given.topic_id, given.name)

    with enough():
        told = await tenant.read(job)
    return NamedTopic(topic_id=told.topic_id, name=told.name, named_by=told.named_by)


async def _discussed(tenant: Tenant, asked: TopicsAsked) -> Discussed:
    if asked.topic_id is not None:
        await _known(tenant, asked.topic_id)

    def job(store: SqlStore, models: LanguageModels | None = None) -> Discussed:
        return discussed(
            store,
            tenant.settings,
            Group.of(asked.where, asked.circle),
            k=asked.k,
            only_rising=asked.rising,
            topic_id=asked.topic_id,
            at=asked.at,
            window=WindowSettings(days=asked.days, before=asked.before),
            questions=asked.questions,
            models=models,
            # Whoever may only read keeps a model no longer than an answer takes.
            seconds=tenant.settings.llm.answer_seconds,
        )

    with enough():
        return await (with_models(tenant, job) if asked.questions else tenant.slow(job))


async def _known(tenant: Tenant, topic_id: str) -> None:
    """Raises NotThere, and Conflict where no topics were found yet."""
    found = await tenant.read(read_topics)
    if found is None:
        raise Conflict("no topics were found yet", fix="POST /v1/topics/find")
    try:
        found.get(topic_id)
    except UsageError as unknown:
        raise NotThere(unknown.what, where="topic_id", fix="see GET /v1/topics") from unknown
