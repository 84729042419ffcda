"""Addresses whose parts may hold any character: ``/api/item/a%2Fb`` is the item ``a/b``.

A server hands over the address with every escape undone, so an id with a slash would be two parts. ``RawPaths`` routes
on the address as it was sent, each part escaped in one way, and ``{name:part}`` undoes that for one part.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

from zhiyin.serve.problems import problem

PLAIN = "!$&'()*+,;=:@-._~"
"""Characters that need no escape within a part (RFC 3986, pchar)."""


class Part(Convertor[str]):
    """One part of an address, any text but the empty one."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote_to_bytes(value).decode()

    def to_string(self, value: str) -> str:
        return escaped(value)


register_url_convertor("part", Part())


def escaped(part: str) -> str:
    """``part`` as it stands in an address."""
    return quote(part, safe=PLAIN)


def canonical(raw: bytes) -> str:
    """The address with each part escaped in one way. Raises UnicodeDecodeError where a part is no UTF-8."""
    return "/".join(escaped(unquote_to_bytes(part).decode()) for part in raw.split(b"/"))


class RawPaths:
    """Middleware in front of the router."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
            raw = raw.partition(b"?")[0]
            # Nothing to do for most addresses.
            if b"%" in raw or not raw.isascii():
                try:
                    path = canonical(raw)
                except UnicodeDecodeError:
                    answer = problem(400, "the address is no UTF-8", fix="escape its parts as UTF-8, %XX by byte")
                    await answer(scope, receive, send)
                    return
                if "%00" in path:
                    answer = problem(400, "the address holds a NUL character", fix="no id holds one: leave it out")
                    await answer(scope, receive, send)
                    return
                scope = {**scope, "path": path}
        await self._app(scope, receive, send)
