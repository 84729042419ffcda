"""``/metrics``: what all processes together counted, for Prometheus."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from zhiyin.serve.auth import check, header, peer_is_local
from zhiyin.serve.keys import Scope

router = APIRouter(tags=["service"])

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable: where the processes of one service put their numbers together."""
FORWARDED = ("forwarded", "x-forwarded-for")


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, key: Annotated[str | None, Depends(header)]) -> Response:
    """Free from this machine itself; from elsewhere, or through a proxy, with a key that may read."""
    through_proxy = any(name in request.headers for name in FORWARDED)
    if key is not None or through_proxy or not peer_is_local(request):
        check(request.app.state.gate.caller(key, peer_is_local(request)), Scope.READ)
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if SHARED_FOLDER not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return shared
