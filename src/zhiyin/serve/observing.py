"""Every request: a number to find it by, counted, timed and logged by its documented address."""

from __future__ import annotations

import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhiyin.serve.logs import log
from zhiyin.serve.metrics import REQUESTS, SECONDS
from zhiyin.serve.problems import problem
from zhiyin.serve.tracing import request_span

REQUEST_ID = b"x-request-id"
UNKNOWN = "unknown"
APIS = frozenset({"/v1", "/api"})
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Observed:
    """ASGI middleware. An exception that nobody foresaw becomes a problem with status 500 and a line in the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        number = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        method = scope["method"] if scope["method"] in METHODS else UNKNOWN
        status = 500
        started = False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message.setdefault("headers", []).append((REQUEST_ID, number.encode()))
            await send(message)

        try:
            with request_span(method) as span:
                await self._app(scope, receive, sending)
                if span is not None:
                    span.update_name(f"{method} {_documented(scope)}")
                    span.set_attributes({"http.route": _documented(scope), "http.response.status_code": status})
        except Exception as failure:
            log.exception("request_failed", request=number, kind=type(failure).__name__)
            if not started:
                fix = f"this is a fault of ours: look for {number} in the log"
                await problem(500, "the request failed", fix=fix)(scope, receive, sending)
        seconds = time.perf_counter() - began
        route = _documented(scope)
        REQUESTS.labels(method, route, str(status)).inc()
        SECONDS.labels(route).observe(seconds)
        log.debug("request", request=number, method=method, route=route, status=status, seconds=round(seconds, 5))


def _documented(scope: Scope) -> str:
    """The address as it is documented. A route knows its own part alone where its API was included as a whole."""
    route: str | None = getattr(scope.get("route"), "path", None)
    if route is None:
        return UNKNOWN
    start = "/" + scope["path"].split("/", 2)[1]
    return route if start not in APIS or route.startswith(f"{start}/") else start + route
