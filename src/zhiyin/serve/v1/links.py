"""``/v1/links``: who follows or befriends whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from zhiyin.serve.auth import CanWrite
from zhiyin.serve.v1.fields import MOST, Id, In, Micros, Number, Put
from zhiyin.store.writer import Writer

router = APIRouter(prefix="/links", tags=["links"])


class LinkIn(In):
    user_id: Id
    other_id: Id
    weight: Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e12), Number] = 1.0
    """How close; 0 takes the link out of account."""
    time: Micros | None = None


EXAMPLE = [{"user_id": "张伟", "other_id": "anna o'neil"}, {"user_id": "anna o'neil", "other_id": "张伟", "weight": 2}]


@router.put("", response_model=Put)
async def put_links(
    tenant: CanWrite,
    links: Annotated[
        Annotated[list[LinkIn], Field(max_length=MOST)] | LinkIn,
        Body(openapi_examples={"a friendship": {"value": EXAMPLE}}),
    ],
) -> Put:
    """Write one link, or up to 10,000, each from one person to another. Feeds go by them at
    once, models from the next training on."""
    given = [links] if isinstance(links, LinkIn) else links

    def job(writer: Writer) -> Put:
        import polars as pl

        columns = {"user_id": pl.String, "other_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
        rows = [(one.user_id, one.other_id, one.weight, one.time) for one in given]
        written = writer.put_links(pl.DataFrame(rows, schema=columns, orient="row"))
        return Put(new=written.new, changed=written.changed, same=written.same)

    return await tenant.write(job)
