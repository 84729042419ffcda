"""Errors are worded once, and name the command that mends them; whoever asks over HTTP is told the request instead."""

from __future__ import annotations

import re

REQUESTS = {
    "ads list": "GET /v1/ads/campaigns",
    "ads remove": "DELETE /v1/ads/campaigns",
    "bundles list": "GET /v1/bundles",
    "bundles use": "POST /v1/bundles/use",
    "circles list": "GET /v1/circles",
    "experiments list": "GET /v1/experiments",
    "experiments stop": "POST /v1/experiments/stop",
    "items": "GET /v1/items",
    "topics find": "POST /v1/topics/find",
    "topics list": "GET /v1/topics",
    "write list": "GET /v1/writing/drafts",
    "write settle": "POST /v1/writing/headlines/settle",
    "write try": "PUT /v1/writing/headlines",
}
"""By command. What only an operator can do at the machine is missing: keys, tenants, trainings, imports."""

_NAMES = "|".join(REQUESTS)
_COMMAND = re.compile(rf"(run )?(?:'zhiyin ({_NAMES})\b.*'|zhiyin ({_NAMES})\b.*)", re.DOTALL)


def over_http(fix: str | None) -> str | None:
    """``fix`` with the request in the place of its command, where one does the same."""
    if fix is None:
        return None

    def request(found: re.Match[str]) -> str:
        return ("send " if found[1] else "") + REQUESTS[found[2] or found[3]]

    return _COMMAND.sub(request, fix)
