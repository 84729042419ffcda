"""``/v1/impressions``: which lists people saw. What is shown and not taken says as much as what is taken."""

from __future__ import annotations

import time
from typing import Annotated, Self

from fastapi import APIRouter, Body
from pydantic import ConfigDict, Field, model_validator

from zhiyin.serve.auth import CanWrite
from zhiyin.serve.shown import new_id
from zhiyin.serve.v1.fields import Id, In, Micros, Number, Out, Surface, one_of, person
from zhiyin.store.impressions import Impression
from zhiyin.types import DEFAULT_SURFACE

router = APIRouter(prefix="/impressions", tags=["impressions"])

MOST = 1_000


class ItemShown(In):
    item_id: Id
    position: Annotated[int, Field(ge=1, le=100_000), Number] | None = None
    """Place in the list, from 1; left out, as it stands here."""
    propensity: Annotated[float, Field(gt=0, le=1), Number] | None = None
    """The chance that it stood there, where something was drawn; null where nobody knows."""


class ListShown(In):
    """A list of the caller's own making. Give ``user_id`` or ``session_id``."""

    model_config = ConfigDict(json_schema_extra=one_of("user_id", "session_id"))

    impression_id: Id | None = None
    """Sent again, the list counts once; left out, one is made."""
    user_id: Id | None = None
    session_id: Id | None = None
    items: Annotated[list[ItemShown], Field(min_length=1, max_length=1_000)]
    surface: Surface = DEFAULT_SURFACE
    """Where it was shown."""
    time: Micros | None = None
    """None takes the time of arrival."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.user_id is None) == (self.session_id is None):
            raise ValueError("give either user_id or session_id")
        return self


class Shown(Out):
    new: int
    impression_ids: list[str]
    """In the order of the lists, for the events that come of them."""


class Seen(In):
    impression_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST)]
    """As our answers named them."""


class Confirmed(Out):
    confirmed: int
    """Lists that are marked as seen. One that was answered less than two seconds ago may not be known yet: ask again
    where it matters."""


OWN = {"user_id": "张伟", "surface": "newsletter", "items": [{"item_id": "茶/龙井 50g"}, {"item_id": "isbn/1"}]}


@router.post("", response_model=Shown)
async def add_impressions(
    tenant: CanWrite,
    lists: Annotated[
        Annotated[list[ListShown], Field(max_length=MOST)] | ListShown,
        Body(openapi_examples={"a newsletter": {"value": OWN}}),
    ],
) -> Shown:
    """Note lists that the caller made and showed, up to 1,000. They count as seen."""
    given = [lists] if isinstance(lists, ListShown) else lists
    now = time.time_ns() // 1000
    rows = [_row(one, now) for one in given]
    new = await tenant.write(lambda writer: writer.put_impressions(rows))
    return Shown(new=new, impression_ids=[row.impression_id for row in rows])


@router.post("/confirm", response_model=Confirmed)
async def confirm_impressions(
    tenant: CanWrite,
    seen: Annotated[Seen, Body(openapi_examples={"one list": {"value": {"impression_ids": ["0af1c2"]}}})],
) -> Confirmed:
    """Lists of our answers were on the screen. Those that were not are left out where that is known."""
    tenant.live.shown.flush()
    return Confirmed(confirmed=await tenant.write(lambda writer: writer.confirm(seen.impression_ids)))


def _row(one: ListShown, now: int) -> Impression:
    items = [
        (shown.item_id, place if shown.position is None else shown.position, shown.propensity)
        for place, shown in enumerate(one.items, 1)
    ]
    who = person(one.user_id, one.session_id)
    assert who is not None, "checked"
    number = one.impression_id or new_id()
    return Impression(number, who, one.surface, now if one.time is None else one.time, items, confirmed=True)
