"""``/api/measurements/{name}``: how good each bundle was on held-out data, over time."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from fastapi import Query

from zhiyin.serve.auth import CanRead
from zhiyin.serve.gorse import dto
from zhiyin.serve.gorse.routing import Category, make_router
from zhiyin.serve.gorse.stamps import write_time
from zhiyin.store.sql import SqlStore

router = make_router("measurements")

DAYS = 100
DAY = 86_400_000_000
MEASURED = "validation_"
"""Beginning of the names of what a manifest holds by model."""


@router.get("/measurements/{name:part}")
async def measurements(
    tenant: CanRead,
    name: Category,
    n: Annotated[int, Query(ge=0, le=36_500, description="Days to look back")] = DAYS,
) -> list[dto.Measurement]:
    """The metric ``name``, such as NDCG@10, of what each bundle of the last ``n`` days served, measured on validation
    when it was trained; the oldest first. None for a metric that was not measured."""
    after = time.time_ns() // 1000 - n * DAY

    def read(store: SqlStore) -> list[dto.Measurement]:
        found = []
        for created, told in store.bundles().select("created", "manifest").reverse().iter_rows():
            value = measured(json.loads(told), name)
            if created >= after and value is not None:
                found.append(dto.Measurement(Name=name, Timestamp=write_time(created), Value=value))
        return found

    return await tenant.read(read)


def measured(manifest: dict[str, Any], name: str) -> float | None:
    by_model = manifest["metrics"].get(MEASURED + name.lower())
    value = by_model.get(manifest["served"]) if isinstance(by_model, dict) else None
    return float(value) if isinstance(value, int | float) else None
