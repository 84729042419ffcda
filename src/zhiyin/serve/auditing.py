"""Who did what of consequence: the log that ``/v1/audit`` shows. It names people by a hash alone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from zhiyin.serve.auth import Caller
from zhiyin.serve.tenants import Tenant, Tenants
from zhiyin.store.erasing import erasure_key, hashed


@dataclass(frozen=True)
class Auditor:
    """Writes into the root project's store, where the keys are."""

    tenants: Tenants
    caller: Caller

    async def write(self, action: str, target: str | None = None, **detail: Any) -> None:
        """Note that the caller asked for ``action`` on ``target``. Call it before the deed: then nothing is done that
        the log does not know, be the disk full in between. ``detail`` holds no personal text."""
        audit = self.tenants.default.store.audit
        await asyncio.to_thread(
            audit.add,
            action,
            tenant=self.caller.tenant,
            time=time.time_ns() // 1000,
            key_prefix=self.caller.prefix,
            target=target,
            detail=detail or None,
        )


def auditor(request: Request) -> Auditor:
    """Only where a key was checked first."""
    return Auditor(request.app.state.tenants, request.state.caller)


Audits = Annotated[Auditor, Depends(auditor)]


def pseudonym(tenant: Tenant, user_id: str) -> str:
    """How the log calls a person: a hash under the tenant's own secret."""
    return hashed(user_id, erasure_key(tenant.project))
