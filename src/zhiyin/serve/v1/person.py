"""``/v1/person``: all that is held of one person, to take away or to erase."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from zhiyin.serve.auditing import Audits, pseudonym
from zhiyin.serve.auth import CanAdmin, CanExport
from zhiyin.serve.v1.fields import Out, UserId
from zhiyin.store.erasing import erasure_key

router = APIRouter(prefix="/person", tags=["person"])

LATER = (
    "The bundle that answers was learned with this person's events. It holds numbers, no ids in the clear beyond the "
    "list of people it knows; the next training is without them, and older bundles are dropped as they are pruned."
)


class Held(Out):
    """Rows as the store has them; times in microseconds UTC."""

    user_id: str
    known: bool
    attributes: Any
    events: list[dict[str, Any]]
    links: list[dict[str, Any]]
    profile: dict[str, Any] | None
    profile_edits: list[dict[str, Any]]
    impressions: list[dict[str, Any]]
    """Lists that were shown."""
    circles: list[dict[str, Any]]
    """Where the person belongs, and how much."""
    ads: list[dict[str, Any]]
    """Advertisements that were shown, or withheld for comparison."""
    records: list[dict[str, Any]]
    """Documents about the person."""


class Erased(Out):
    removed: dict[str, int]
    """Rows gone or emptied, by table; tables without any are absent. Nobody known by that id has none."""
    later: str
    """What is not gone yet, and when it is."""
    user_hash: str
    """How logs call the person from now on."""


@router.get("", response_model=Held)
async def export_person(tenant: CanExport, audits: Audits, user_id: UserId) -> Any:
    """Everything that is held of a person."""
    await audits.write("person.export", pseudonym(tenant, user_id))
    return await tenant.read(lambda store: store.export(user_id))


@router.delete("", response_model=Erased)
async def erase_person(tenant: CanAdmin, audits: Audits, user_id: UserId) -> Erased:
    """Erase a person: events, links, lists shown, profile, words, and what a language model was told of anybody's
    behaviour. They are in no answer from then on. Where nobody goes by that id it is done all the same: a bundle may
    know what the store no longer does."""
    key = erasure_key(tenant.project)
    name = pseudonym(tenant, user_id)
    await audits.write("person.erase", name)
    # What was shown a moment ago is noted first, or it would be noted afterwards.
    tenant.live.shown.flush()
    now = time.time_ns() // 1000
    gone = await tenant.write(lambda writer: writer.erase(user_id, key, now))
    return Erased(removed=gone, later=LATER, user_hash=name)
