"""``/v1/events``: what people did. An event counts in the next list of that person."""

from __future__ import annotations

import time
from typing import Annotated, Self

from fastapi import APIRouter, Body
from pydantic import ConfigDict, Field, model_validator

from zhiyin.errors import Conflict
from zhiyin.serve.auth import CanWrite
from zhiyin.serve.documented import CONFLICT
from zhiyin.serve.metrics import EVENTS
from zhiyin.serve.v1.fields import MOST, Id, In, Micros, Number, Out, one_of, person

router = APIRouter(prefix="/events", tags=["events"])

AHEAD = 86_400_000_000
"""Microseconds that an event's time may lie ahead of our clock."""


class EventIn(In):
    model_config = ConfigDict(json_schema_extra=one_of("user_id", "session_id"))

    user_id: Id | None = None
    """Who did it; or ``session_id`` for somebody who has not logged in."""
    session_id: Id | None = None
    item_id: Id
    type: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] = "view"
    """view, click, like, purchase, rating, ...: what each weighs is set in [preprocess] weights."""
    value: Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12), Number] | None = None
    """A rating; or how often or how long."""
    time: Micros | None = None
    """None takes the time of arrival."""
    event_id: Id | None = None
    """Sent again, the event counts once. None: a name is made of the content, so equal events count once too."""
    impression_id: Id | None = None
    """The list in which the item was seen, as its answer named it."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.user_id is None) == (self.session_id is None):
            raise ValueError("give either user_id or session_id")
        return self


class Taken(Out):
    new: int
    """Events written; durable by now."""
    known: int
    """Events that were there already."""


EXAMPLE = [{"user_id": "张伟", "item_id": "茶/龙井 50g", "type": "purchase", "event_id": "order-1042/1"}]


@router.post("", response_model=Taken, responses=CONFLICT)
async def add_events(
    tenant: CanWrite,
    events: Annotated[
        Annotated[list[EventIn], Field(max_length=MOST)] | EventIn,
        Body(openapi_examples={"a purchase": {"value": EXAMPLE}}),
    ],
) -> Taken:
    """Write one event, or up to 10,000. The answer comes when they are durable."""
    given = [events] if isinstance(events, EventIn) else events
    now = time.time_ns() // 1000
    rows = []
    for place, one in enumerate(given):
        if one.time is not None and one.time > now + AHEAD:
            fix = "send microseconds since 1970, UTC, by a clock that goes right"
            raise Conflict("a time of tomorrow or later", where=f"events[{place}].time", fix=fix)
        who = person(one.user_id, one.session_id)
        stamp = now if one.time is None else one.time
        rows.append((one.event_id, who, one.item_id, one.type, one.value, stamp, one.impression_id))
    written = await tenant.write(lambda writer: writer.add_events(rows))
    EVENTS.inc(written.new)
    return Taken(new=written.new, known=written.same)
