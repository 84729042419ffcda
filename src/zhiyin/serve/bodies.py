"""How much one request may send. Bodies are read as a whole before they are understood, so whoever sends without end
would take the memory of all. Files of JSON lines (``/api/bulk``) are read line by line and may be of any size."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhiyin.serve.problems import of_http

STREAMED = "/api/bulk/"
MIB = 2**20


class Bounded:
    """Middleware: 413 for a body of more than ``mib``, as soon as that is known."""

    def __init__(self, app: ASGIApp, mib: int) -> None:
        self._app = app
        self._most = mib * MIB
        self._what = f"more than {mib:,} MiB in one request"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(STREAMED):
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"")
        if told.isdigit() and int(told) > self._most:
            await of_http(self._refused())(scope, receive, send)
            return
        came = 0

        async def receiving() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self._most:
                raise self._refused()
            return message

        await self._app(scope, receiving, send)

    def _refused(self) -> HTTPException:
        # One for each request: an exception keeps the frames it passed through, and these what was sent.
        return HTTPException(413, self._what)
