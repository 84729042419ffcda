"""The description of both APIs (OpenAPI 3.1): errors as they are, and keys where some are configured."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from zhiyin.serve.problems import TYPE, of_http


class Place(BaseModel):
    """One thing that does not fit the documented request."""

    where: str
    what: str


class Problem(BaseModel):
    """What went wrong (RFC 9457), where, and how to mend it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    title: str
    status: int
    detail: str
    """What is wrong."""
    where: str | None = None
    """The field, file or setting."""
    fix: str | None = None
    """What to do about it."""
    errors: list[Place] | None = None
    """All that does not fit, where it is more than one thing."""
    retry_after: int | None = None
    """Seconds after which to ask again."""


METHODS = frozenset({"get", "put", "post", "delete", "patch"})
SAID = {
    400: "The request cannot be read as what it says it is",
    401: "No API key, or none that is known",
    403: "The key may not do this",
    404: "Nothing goes by that name",
    409: "Well said, but it does not fit what is there",
    413: "More in one request than the service takes",
    422: "The request is not as documented",
    429: "More requests than the tenant may make",
    503: "The store or the engine cannot do it now; ask again",
}
RETRIED = {429, 503}


def answers(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Documented responses for the errors ``codes``."""
    content = {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    retry = {"Retry-After": {"description": "Seconds after which to ask again", "schema": {"type": "integer"}}}
    return {
        code: {"description": SAID[code], "content": content} | ({"headers": retry} if code in RETRIED else {})
        for code in codes
    }


LONG: dict[int | str, dict[str, Any]] = {
    414: {"description": "The address is longer than 64 KiB: ask for less at once"}
}
EVERYWHERE = answers(400, 401, 403, 413, 422, 429, 503)
MISSING = answers(404)
CONFLICT = answers(409)


def install(app: FastAPI) -> None:
    """``/openapi.json`` names the schema of problems, and asks for a key only where one is needed."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        told = make()
        schemas = told.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            described = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= described.pop("$defs", {})
            schemas["Problem"] = described
        if app.state.gate.any_keys():
            return told
        return told | {"paths": {path: _open(item) for path, item in told["paths"].items()}}

    @app.exception_handler(405)
    async def _method(request: Request, error: HTTPException) -> JSONResponse:
        """With all methods of the address, where the framework names those of one handler."""
        told = of_http(error)
        if allowed := methods_of(app, request.scope["path"]):
            told.headers["Allow"] = ", ".join(allowed)
        return told

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend it


def methods_of(app: FastAPI, path: str) -> list[str]:
    """Methods that are documented for the address ``path``; empty where it is not."""
    found: set[str] = set()
    for template, item in app.openapi()["paths"].items():
        pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{[^}]*}", template))
        if re.fullmatch(pattern, path):
            found |= {name.upper() for name in item if name in METHODS}
    return sorted(found)


def _open(item: dict[str, Any]) -> dict[str, Any]:
    """A path whose operations need no key."""
    return {
        method: {key: value for key, value in told.items() if key != "security"} if isinstance(told, dict) else told
        for method, told in item.items()
    }
