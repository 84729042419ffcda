"""Work on a tenant's store that a language model may take part in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from zhiyin.errors import Conflict, NotEnoughData, NotTrained
from zhiyin.llm import open_models
from zhiyin.ports import LanguageModels
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.conditions import fitting
from zhiyin.store.sql import SqlStore

T = TypeVar("T")


async def with_models(tenant: Tenant, job: Callable[[SqlStore, LanguageModels], T], *, alone: str | None = None) -> T:
    """What ``job`` gives, in a thread for slow work, with the language models of the engine (a model in this process is
    loaded once); before the first training, with its own. ``alone`` is its name where it is work that is done one at a
    time, see ``Tenant.alone``."""
    try:
        shared = await tenant.live.ask(lambda engine: engine.models)
    except NotTrained:
        shared = None

    def work(store: SqlStore) -> T:
        models = shared or open_models(tenant.settings.llm, store, patient=False)
        try:
            return job(store, models)
        finally:
            if shared is None:
                models.close()

    return await (tenant.slow(work) if alone is None else tenant.alone(alone, work))


@contextmanager
def enough() -> Iterator[None]:
    """As ``fitting``; too little to work on does not fit what is there either."""
    with fitting():
        try:
            yield
        except NotEnoughData as few:
            raise Conflict(few.what, where=few.where, fix=few.fix) from few
