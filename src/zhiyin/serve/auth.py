"""Who asks: an API key names a tenant and what may be done there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from zhiyin.errors import NotAllowed, UnknownKey
from zhiyin.serve.keys import ALL, Scope, matches, prefix_of
from zhiyin.serve.limits import Limits
from zhiyin.serve.tenants import DEFAULT, Tenant, Tenants
from zhiyin.store.sql import SqlStore

HEADER = "X-API-Key"
TRUSTED_SECONDS = 2.0
"""A key that was looked up counts for so long without looking again: a revoked one works no longer than this."""
REMEMBERED = 10_000

_header = APIKeyHeader(name=HEADER, auto_error=False, description="Needed where keys are configured: 'zhiyin keys'.")


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

    def caller(self, key: str | None) -> Caller:
        """Raises UnknownKey, and TooMany where the tenant asks too often."""
        found = self._found(key)
        self._limits.count(found.tenant)
        return found

    def _found(self, key: str | None) -> Caller:
        now = time.monotonic()
        if now > self._keys_until:
            self._any_keys = self._store.keys.any()
            self._keys_until = now + TRUSTED_SECONDS
        if not self._any_keys:
            return ANYBODY
        if not key:
            raise UnknownKey("no API key", where=HEADER, fix=f"send a key in the header {HEADER}")
        kept = self._known.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
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


def check(caller: Caller, scope: Scope) -> None:
    if scope not in caller.scopes:
        what = f"the key {caller.prefix} may not {scope}"
        raise NotAllowed(what, where=HEADER, fix=f"use a key with the scope '{scope}'")


def _with(scope: Scope) -> Callable[..., Tenant]:
    def tenant_of(request: Request, key: Annotated[str | None, Depends(_header)]) -> Tenant:
        caller = request.app.state.gate.caller(key)
        check(caller, scope)
        request.state.caller = caller
        tenants: Tenants = request.app.state.tenants
        return tenants.get(caller.tenant)

    return tenant_of


CanRead = Annotated[Tenant, Depends(_with(Scope.READ))]
CanWrite = Annotated[Tenant, Depends(_with(Scope.WRITE))]
CanAdmin = Annotated[Tenant, Depends(_with(Scope.ADMIN))]
CanExport = Annotated[Tenant, Depends(_with(Scope.EXPORT))]
