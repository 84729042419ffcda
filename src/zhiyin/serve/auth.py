"""Who asks: an API key names a tenant and what may be done there."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from zhiyin.errors import NotAllowed, UnknownKey
from zhiyin.serve.folders import DEFAULT
from zhiyin.serve.keys import ALL, Scope, matches, prefix_of
from zhiyin.serve.limits import Limits
from zhiyin.serve.tenants import Tenant, Tenants
from zhiyin.store.sql import SqlStore

HEADER = "X-API-Key"
CALLER = "zhiyin.caller"
"""Where a request keeps who asks, once that is known."""
TRUSTED_SECONDS = 2.0
"""A key that was looked up counts for so long without looking again: a revoked one works no longer than this."""
REMEMBERED = 10_000

header = APIKeyHeader(name=HEADER, auto_error=False, description="Needed where keys are configured: 'zhiyin keys'.")


@dataclass(frozen=True)
class Caller:
    """``prefix`` is the beginning of the key, by which logs call it; None where no key is configured."""

    tenant: str
    scopes: frozenset[Scope]
    prefix: str | None


ANYBODY = Caller(DEFAULT, ALL, None)
"""Whoever asks while no key is configured: the service answers this machine alone then."""


class Gate:
    """Looks keys up in the root project's store, and remembers for a moment what it found."""

    def __init__(self, store: SqlStore, limits: Limits) -> None:
        self._store, self._limits = store, limits
        self._known: dict[str, tuple[float, Caller]] = {}
        self._keys_until, self._any_keys = 0.0, True

    def any_keys(self) -> bool:
        """Whether a key was ever made. Raises StoreError."""
        now = time.monotonic()
        if now > self._keys_until:
            self._any_keys = self._store.keys.any()
            self._keys_until = now + TRUSTED_SECONDS
        return self._any_keys

    def remembered(self, key: str | None, local: bool) -> Caller | None:
        """The caller where that needs no look into the store, None where it does. Raises as ``caller``."""
        now = time.monotonic()
        if now > self._keys_until:
            return None
        if self._any_keys and key:
            kept = self._known.get(key)
            if kept is None or kept[0] <= now:
                return None
        return self.caller(key, local)

    def caller(self, key: str | None, local: bool) -> Caller:
        """``local``: the request comes from this machine. Raises UnknownKey, and TooMany where the tenant asks too
        often."""
        found = self._found(key, local)
        self._limits.count(found.tenant)
        return found

    def _found(self, key: str | None, local: bool) -> Caller:
        if not self.any_keys():
            if not local:
                what = "no API key is configured, so only this machine itself is answered"
                raise UnknownKey(what, where=HEADER, fix="make a key with 'zhiyin keys create'")
            return ANYBODY
        if not key:
            raise UnknownKey("no API key", where=HEADER, fix=f"send a key in the header {HEADER}")
        now = time.monotonic()
        kept = self._known.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        self._known.pop(key, None)
        found = self._looked_up(key)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = (now + TRUSTED_SECONDS, found)
        return found

    def _looked_up(self, key: str) -> Caller:
        prefix = prefix_of(key)
        row = self._store.keys.get(prefix) if prefix else None
        if row is None or row.revoked is not None or not matches(key, row.salt, row.hash):
            raise UnknownKey("the API key is not known, or revoked", where=HEADER, fix="see 'zhiyin keys list'")
        return Caller(row.tenant, frozenset(Scope(one) for one in row.scopes), row.prefix)


def peer_is_local(request: Request) -> bool:
    """Whether the other end of the connection is on this machine."""
    return is_local(request.client.host if request.client else None)


@lru_cache(1024)
def is_local(host: str | None) -> bool:
    """A peer without an IP address is: a socket file, or a caller in this process."""
    try:
        peer = ipaddress.ip_address(host or "")
    except ValueError:
        return True
    mapped = getattr(peer, "ipv4_mapped", None)
    return bool((mapped or peer).is_loopback)


def check(caller: Caller, scope: Scope) -> None:
    """Raises NotAllowed."""
    if scope not in caller.scopes:
        what = f"the key {caller.prefix} may not {scope}"
        raise NotAllowed(what, where=HEADER, fix=f"use a key with the scope '{scope}'")


def _with(scope: Scope) -> Callable[..., Coroutine[Any, Any, Tenant]]:
    async def tenant_of(request: Request, key: Annotated[str | None, Depends(header)]) -> Tenant:
        gate: Gate = request.app.state.gate
        tenants: Tenants = request.app.state.tenants
        local = peer_is_local(request)
        # The short way may have asked already: a request counts once.
        caller = request.scope.get(CALLER) or gate.remembered(key, local)
        if caller is None:
            caller = await asyncio.to_thread(gate.caller, key, local)
        check(caller, scope)
        request.state.caller = caller
        tenant = tenants.at_hand(caller.tenant)
        return await asyncio.to_thread(tenants.get, caller.tenant) if tenant is None else tenant

    return tenant_of


CanRead = Annotated[Tenant, Depends(_with(Scope.READ))]
CanWrite = Annotated[Tenant, Depends(_with(Scope.WRITE))]
CanAdmin = Annotated[Tenant, Depends(_with(Scope.ADMIN))]
CanExport = Annotated[Tenant, Depends(_with(Scope.EXPORT))]
