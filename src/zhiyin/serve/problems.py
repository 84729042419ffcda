"""Errors as answers: application/problem+json (RFC 9457) with what is wrong, where, and how to mend it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from zhiyin.errors import (
    BundleError,
    ConfigError,
    Conflict,
    DataError,
    ModelError,
    NotAllowed,
    NotThere,
    NotTrained,
    StoreError,
    StoreUnavailable,
    TooMany,
    UnknownItem,
    UnknownKey,
    UsageError,
    ZhiyinError,
)
from zhiyin.serve.fixes import over_http

TYPE = "application/problem+json"

STATUS: list[tuple[type[ZhiyinError], int]] = [
    (UsageError, 400),
    (UnknownKey, 401),
    (NotAllowed, 403),
    (NotThere, 404),
    (UnknownItem, 404),
    (Conflict, 409),
    (NotTrained, 409),
    (TooMany, 429),
    (DataError, 422),
    (ModelError, 422),
    (StoreUnavailable, 503),
    (BundleError, 503),
    (ConfigError, 503),
]
"""First match counts; whatever is not among them is 503 too: the service cannot do it now."""

INSIDE = (StoreError, ConfigError, BundleError)

RETRY_SECONDS = 2
"""When to ask again after a 503."""


def status_of(error: ZhiyinError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 503)


def body(status: int, detail: str, *, fix: str | None = None, where: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return told | {key: value for key, value in (("where", where), ("fix", fix)) if value is not None} | more


def problem(status: int, detail: str, *, fix: str | None = None, where: str | None = None, **more: Any) -> JSONResponse:
    headers = {"Retry-After": str(more.get("retry_after", RETRY_SECONDS))} if status in (429, 503) else None
    return JSONResponse(body(status, detail, fix=fix, where=where, **more), status, headers, media_type=TYPE)


def body_of(error: ZhiyinError) -> dict[str, Any]:
    return body(status_of(error), error.what, **_more(error))


def of_error(error: ZhiyinError) -> JSONResponse:
    return problem(status_of(error), error.what, **_more(error))


def _more(error: ZhiyinError) -> dict[str, Any]:
    """Where our own machinery fails, its addresses and folders are nobody else's business."""
    told: dict[str, Any] = {"fix": over_http(error.fix), "where": None if isinstance(error, INSIDE) else error.where}
    return told | ({"retry_after": error.seconds} if isinstance(error, TooMany) else {})


def of_validation(error: RequestValidationError) -> JSONResponse:
    """What does not fit the documented request: each place with what is wrong, never with what was sent."""
    errors = [
        {"where": ".".join(str(part) for part in one["loc"]), "what": str(one["msg"])} for one in error.errors()[:20]
    ]
    first = errors[0] if errors else {"where": "request", "what": "not as documented"}
    fix = "see /docs, or /openapi.json, for what this address takes"
    return problem(422, first["what"], where=first["where"], fix=fix, errors=errors)


def of_http(error: HTTPException) -> JSONResponse:
    fixes = {
        400: "send a body that is what its Content-Type says",
        404: "see /docs for the addresses there are",
        405: "see /docs for the methods of this address",
        413: "send it in parts, as JSON lines to /api/bulk, or by 'zhiyin import'; serve.body_mib is the limit",
    }
    told = problem(error.status_code, str(error.detail), fix=fixes.get(error.status_code))
    told.headers.update(error.headers or {})
    return told


def install(app: FastAPI) -> None:
    """Errors that handlers raise become problems."""

    @app.exception_handler(ZhiyinError)
    async def _ours(_: Request, error: ZhiyinError) -> JSONResponse:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return of_validation(error)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return of_http(error)
