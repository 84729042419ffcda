"""``/api/bulk``: all users, items or feedback as JSON lines, out and in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile

from zhiyin.errors import UsageError
from zhiyin.serve.auth import CanExport, CanWrite
from zhiyin.serve.gorse import dto, rows
from zhiyin.serve.gorse.feedback import now
from zhiyin.serve.gorse.routing import make_router
from zhiyin.serve.metrics import EVENTS
from zhiyin.serve.tenants import Tenant
from zhiyin.store.sql import SqlStore

router = make_router("bulk")

PAGE = 1_000
"""Rows read, and lines written, at a time."""
LONGEST_LINE = 4_000_000
"""Bytes."""
TOLD = 20
"""Lines that were left out, told one by one."""
JSON_LINES = "application/jsonl"

In = TypeVar("In", bound=BaseModel)
Row = TypeVar("Row")
Key = TypeVar("Key")
Written = Callable[[Sequence[Any]], Awaitable[None]]

EXPORT: dict[str, Any] = {
    "response_class": StreamingResponse,
    "responses": {
        200: {"description": "One JSON object a line", "content": {JSON_LINES: {"schema": {"type": "string"}}}}
    },
}
IMPORT: dict[str, Any] = {
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                }
            },
        }
    }
}


class LeftOut(BaseModel):
    Line: int
    What: str


class Imported(dto.RowAffected):
    """``Rejected`` counts lines that are no such row; the first of them are told in ``Errors``."""

    Rejected: int = 0
    Errors: list[LeftOut] = Field(default_factory=list)


@router.get("/bulk/users", **EXPORT)
async def export_users(tenant: CanExport) -> StreamingResponse:
    """All users."""
    return _exported(
        "users",
        tenant,
        lambda store, after: store.rows.users(after, PAGE),
        lambda row: row.user_id,
        lambda page: [rows.user_of(row) for row in page],
    )


@router.get("/bulk/items", **EXPORT)
async def export_items(tenant: CanExport) -> StreamingResponse:
    """All items, hidden ones too."""
    return _exported(
        "items",
        tenant,
        lambda store, after: store.rows.items(after, PAGE),
        lambda row: row.item_id,
        lambda page: [rows.item_of(row) for row in page],
    )


@router.get("/bulk/feedback", **EXPORT)
async def export_feedback(tenant: CanExport) -> StreamingResponse:
    """All feedback up to now."""
    return _exported(
        "feedback",
        tenant,
        lambda store, after: store.feedback.page(after, PAGE, until=now()),
        lambda row: row.cursor,
        lambda page: [rows.feedback_of(row) for row in page],
    )


@router.post("/bulk/users", **IMPORT)
async def import_users(tenant: CanWrite, request: Request) -> Imported:
    """Insert users out of JSON lines, as a form's ``file`` or as the body; those who are there are written over. Lines
    that are no users are left out and told."""
    return await _imported(request, dto.UserIn, lambda some: tenant.write(lambda writer: rows.put_users(writer, some)))


@router.post("/bulk/items", **IMPORT)
async def import_items(tenant: CanWrite, request: Request) -> Imported:
    """Insert items in the same way."""
    return await _imported(request, dto.ItemIn, lambda some: tenant.write(lambda writer: rows.put_items(writer, some)))


@router.post("/bulk/feedback", **IMPORT)
async def import_feedback(tenant: CanWrite, request: Request) -> Imported:
    """Insert feedback in the same way; what is there of the same type, user and item is written over, so that a file
    can be sent again."""

    async def write(some: Sequence[dto.FeedbackIn]) -> None:
        events = rows.events_of(some)
        await tenant.write(lambda writer: writer.overwrite_events(events))
        EVENTS.inc(len(events))

    return await _imported(request, dto.FeedbackIn, write)


def _from(read: Callable[[SqlStore, Key | None], list[Row]], after: Key | None) -> Callable[[SqlStore], list[Row]]:
    return lambda store: read(store, after)


def _exported(
    name: str,
    tenant: Tenant,
    read: Callable[[SqlStore, Key | None], list[Row]],
    key: Callable[[Row], Key],
    form: Callable[[Sequence[Row]], Sequence[BaseModel]],
) -> StreamingResponse:
    """Pages of ``read`` from the first on, each after the ``key`` of the last row before."""

    async def lines() -> AsyncIterator[str]:
        after: Key | None = None
        while page := await tenant.read(_from(read, after)):
            yield "".join(one.model_dump_json() + "\n" for one in form(page))
            after = key(page[-1])

    headers = {"Content-Disposition": f"attachment;filename={name}.jsonl"}
    return StreamingResponse(lines(), media_type=JSON_LINES, headers=headers)


async def _imported(request: Request, kind: type[In], write: Written) -> Imported:
    taken = rejected = number = 0
    errors: list[LeftOut] = []
    good: list[In] = []
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        raise UsageError("nothing was sent", where="body", fix="send JSON lines, as the body or as the file 'file'")
    async for line in _lines(request):
        number += 1
        if not line.strip():
            continue
        try:
            good.append(kind.model_validate(json.loads(line)))
        except (ValueError, RecursionError) as bad:  # ValidationError and JSONDecodeError are ValueErrors
            rejected += 1
            if len(errors) < TOLD:
                errors.append(LeftOut(Line=number, What=_what(bad)))
        if len(good) >= PAGE:
            await write(good)
            taken, good = taken + len(good), []
    if good:
        await write(good)
    return Imported(RowAffected=taken + len(good), Rejected=rejected, Errors=errors)


def _what(bad: Exception) -> str:
    """What is wrong, without what was sent."""
    if isinstance(bad, ValidationError):
        first = bad.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc']) or 'line'}: {first['msg']}"
    return "no JSON"


async def _lines(request: Request) -> AsyncIterator[bytes]:
    """Lines of the form's ``file``, or of the body. Raises UsageError where there is no file, or a line too long."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        async for line in _split(request.stream()):
            yield line
        return
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise UsageError("no file in the form", where="file", fix="send JSON lines as the file 'file'")

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := await file.read(1 << 20):
                yield chunk

        async for line in _split(chunks()):
            yield line


async def _split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > LONGEST_LINE:
            raise UsageError(f"a line is longer than {LONGEST_LINE:,} bytes", fix="send one JSON object a line")
    if rest:
        yield rest
