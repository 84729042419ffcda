"""The short way for the commonest questions: a list for one person, asked by GET without anything special.

It gives the same answers as the routes behind it, without what a framework does for every request; whatever is unusual
about a request, or goes wrong with it, is left to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from zhiyin.errors import ZhiyinError
from zhiyin.events.cells import LONGEST_ID
from zhiyin.listing import ListRequest
from zhiyin.serve.auth import CALLER, Gate, is_local
from zhiyin.serve.keys import Scope as KeyScope
from zhiyin.serve.lists import Form, Listed, plain
from zhiyin.serve.metrics import REQUESTS, SECONDS
from zhiyin.serve.observing import REQUEST_ID
from zhiyin.serve.tenants import Tenants
from zhiyin.serve.tracing import request_span

OURS = b"/v1/recommend"
GORSE = b"/api/recommend/"
KEY = b"x-api-key"
VERSION = b"x-api-version"
JSON = (b"content-type", b"application/json")


class Fast:
    """ASGI middleware in front of everything. ``gorse`` are the forms without and with scores; ``number`` puts the
    number of the impression into an answer of ours."""

    def __init__(
        self,
        app: ASGIApp,
        tenants: Tenants,
        gate: Gate,
        gorse: tuple[Form, Form],
        number: Callable[[Listed], bytes],
    ) -> None:
        self._app, self._tenants, self._gate, self._gorse, self._number = app, tenants, gate, gorse, number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        asked, route = None, ""
        form: Form = plain
        if path == OURS:
            asked, route = _ours(scope["query_string"]), "/v1/recommend"
        elif path.startswith(GORSE):
            asked, route = _gorse(path[len(GORSE) :], scope["query_string"]), "/api/recommend/{user_id:part}"
            form = self._gorse[_header(scope, VERSION) == "2"]
        listed = None
        if asked is not None:
            try:
                with request_span(f"GET {route}"):
                    listed = await self._listed(scope, asked, form)
            except (ZhiyinError, TimeoutError):
                listed = None  # it will be said by those behind
        if listed is None:
            await self._app(scope, receive, send)
            return
        body = self._number(listed) if form is plain else listed.body
        headers = [JSON, (b"content-length", str(len(body)).encode()), (REQUEST_ID, listed.impression_id.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        REQUESTS.labels("GET", route, "200").inc()
        SECONDS.labels(route).observe(time.perf_counter() - began)

    async def _listed(self, scope: Scope, asked: ListRequest, form: Form) -> Listed | None:
        caller = self._gate.remembered(_header(scope, KEY), is_local((scope.get("client") or (None,))[0]))
        if caller is None:
            return None
        scope[CALLER] = caller
        if KeyScope.READ not in caller.scopes:
            return None
        tenant = self._tenants.at_hand(caller.tenant)
        if tenant is None or tenant.live.bundle is None:
            return None
        return await tenant.lists.listed(asked, form)


def _ours(query: bytes) -> ListRequest | None:
    told = _plain(query, {"user_id", "k", "explain"})
    if told is None or not 0 < len(told.get("user_id", "")) <= LONGEST_ID:
        return None
    k, explain = told.get("k", "10"), told.get("explain", "true")
    if not _is_count(k) or explain not in ("true", "false"):
        return None
    return ListRequest(told["user_id"], int(k), reasons=explain == "true")


def _gorse(rest: bytes, query: bytes) -> ListRequest | None:
    told = _plain(query, {"n"})
    if told is None or b"/" in rest or not _is_count(told.get("n", "10")):
        return None
    try:
        user = unquote_to_bytes(rest).decode()
    except UnicodeDecodeError:
        return None
    if not 0 < len(user) <= LONGEST_ID or "\0" in user:
        return None
    return ListRequest(user, int(told.get("n", "10")), had=True, reasons=False)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= 1000 and len(text) <= 4


def _plain(query: bytes, known: set[str]) -> dict[str, str] | None:
    """The parameters, None where one is unknown, given twice, or no UTF-8."""
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        return None
    told = dict(pairs)
    if len(told) < len(pairs) or not told.keys() <= known or any("\0" in value for value in told.values()):
        return None
    return told


def _header(scope: Scope, name: bytes) -> str | None:
    found: list[Any] = [value for key, value in scope["headers"] if key == name]
    return found[-1].decode("latin-1") if found else None
