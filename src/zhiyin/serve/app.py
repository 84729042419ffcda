"""The application: both APIs over the tenants of one project folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from zhiyin.serve import documented, gorse, problems, scrape, v1
from zhiyin.serve.auth import Gate
from zhiyin.serve.bodies import Bounded
from zhiyin.serve.fast import Fast
from zhiyin.serve.gorse import recommend as gorse_recommend
from zhiyin.serve.limits import Limits
from zhiyin.serve.observing import Observed
from zhiyin.serve.paths import RawPaths
from zhiyin.serve.retraining import Retraining
from zhiyin.serve.supervising import Supervisor
from zhiyin.serve.tenants import Tenants
from zhiyin.serve.tracing import set_up
from zhiyin.serve.v1.recommend import numbered

ABOUT = """Zhiyin (知音): recommendations that a team hosts itself.

`/v1` is the richer API; `/api` answers as Gorse does, so that its clients work unchanged. Errors are
application/problem+json and say how to mend them. Ids may hold any character; in a path they are percent-encoded."""


def make_app(project: Path, workers: int = 1) -> FastAPI:
    """The application of the folder ``project``; ``workers`` processes share the limits. Raises ConfigError,
    StoreError."""
    tenants = Tenants(project)
    settings = tenants.default.settings.serve
    rate = settings.requests_per_second
    share = None if rate is None else rate / workers
    limits = Limits(share, max(1.0, (share or 0) * settings.burst_seconds))

    gate = Gate(tenants.default.store, limits)
    provider = set_up(settings.traces_url)
    retraining = Retraining(tenants.default.store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with Supervisor(tenants, retraining):
            yield
        tenants.close()
        if provider is not None:
            provider.shutdown()

    # The page of /docs with its scripts from here: a browser that shows it asks nobody else.
    told = {"title": "Zhiyin", "version": version("zhiyin"), "description": ABOUT}
    app = FastAPIOffline(**told, lifespan=lifespan, redoc_url=None)
    app.state.tenants = tenants
    app.state.gate = gate
    app.state.retraining = retraining
    problems.install(app)
    app.include_router(gorse.router, prefix="/api")
    app.include_router(v1.router, prefix="/v1")
    app.include_router(scrape.router)
    documented.install(app)
    app.add_middleware(Bounded, mib=settings.body_mib)
    app.add_middleware(Observed)
    app.add_middleware(RawPaths)
    app.add_middleware(
        Fast, tenants=tenants, gate=gate, gorse=(gorse_recommend.ids, gorse_recommend.scores), number=numbered
    )
    return app
