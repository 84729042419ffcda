"""``/v1/audit``: who did what of consequence."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin
from zhiyin.serve.v1.fields import Limit, Out

router = APIRouter(prefix="/audit", tags=["audit"])


class Entry(Out):
    seq: int
    time: int
    """Microseconds since 1970, UTC."""
    key_prefix: str | None
    """Beginning of the key; null where none was needed."""
    action: str
    target: str | None
    """A name; of a person, a hash under the tenant's own secret."""
    detail: dict[str, Any]


class Log(Out):
    entries: list[Entry]
    """Newest first. An entry is written before the deed."""
    before: int | None
    """For the next page; null after the last."""


@router.get("", response_model=Log)
async def get_audit_log(
    tenant: CanAdmin,
    audits: Audits,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Where to go on: entries older than this")] = None,
    limit: Limit = 100,
) -> Log:
    """This tenant's log."""
    log = audits.tenants.default.store.audit
    rows = await asyncio.to_thread(log.latest, limit, tenant=tenant.name, before=before)
    entries = [
        Entry(
            seq=row.seq,
            time=row.time,
            key_prefix=row.key_prefix,
            action=row.action,
            target=row.target,
            detail=row.detail,
        )
        for row in rows
    ]
    return Log(entries=entries, before=rows[-1].seq if len(rows) == limit else None)
