"""What one process keeps of one tenant between requests: the engine, answers that are still true, and how far it has
followed the store.

Before every answer the store is asked whether anything happened (microseconds on SQLite): events and edits drop what
is kept of their people, hidden items go at once, new items and another bundle make a new engine beside the old one,
which answers until the new one is ready.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from zhiyin.answers import Recommendation, Recommended
from zhiyin.bundle import FOLDER, active
from zhiyin.config import Settings
from zhiyin.errors import NotTrained, StoreError, ZhiyinError
from zhiyin.experimenting import Assigned, Assigner
from zhiyin.listing import ListRequest
from zhiyin.llm import open_models
from zhiyin.recommend import Engine
from zhiyin.serve.batching import Batcher
from zhiyin.serve.cache import ListCache
from zhiyin.serve.logs import log
from zhiyin.serve.shown import ShownLists
from zhiyin.serve.untrained import Untrained
from zhiyin.serve.writing import WriteQueue
from zhiyin.store.changes import Changes
from zhiyin.store.finding import shown_among
from zhiyin.store.sql import SqlStore

T = TypeVar("T")

POPULAR = 1000
"""Popular items at hand for whoever cannot wait."""


class Live:
    """``open`` loads the engine; until then, and where nothing is trained, lists hold what is popular."""

    def __init__(self, store: SqlStore, project: Path, settings: Settings, writes: WriteQueue) -> None:
        self._store, self._project, self._settings = store, project, settings
        self.instant = store.changes.instant
        """Whether ``follow`` waits for nobody."""
        self.cache: ListCache[Any] = ListCache(settings.serve.cached_people, settings.serve.cache_seconds)
        self.shown = ShownLists(writes, settings.serve.impressions)
        self._assigner: Assigner | None = None
        self._untrained = Untrained(store, settings)
        self._engine: Engine | None = None
        self._desk: Engine | None = None
        self._desk_of: Engine | None = None
        """Answers what takes long (requests in words, explanations), so that lists need not wait for it."""
        self._next: Engine | None = None
        self.swapped = False
        """Whether an engine was put aside whose memory can be had back."""
        self.popular: Recommendation | None = None
        """What nobody in particular gets from the engine that answers."""
        self._look_again = self._desk_looks_again = False
        self._pipelines_changed = False
        self._token = store.changes.token()
        self._mark = store.changes.mark()
        self._following = threading.Lock()
        self._wanted = threading.Event()
        self._closing = False
        self._loaded = threading.Event()
        self._lists: Batcher[ListRequest, Recommendation] = Batcher(self._many, f"lists of {project.name}")
        self._slow = ThreadPoolExecutor(1, thread_name_prefix=f"desk of {project.name}")
        self._builder = threading.Thread(target=self._build, name=f"engines of {project.name}", daemon=True)
        self._wanted.set()
        self._builder.start()

    @property
    def ready(self) -> bool:
        """Whether the first engine is loaded, or it is known that there is none."""
        return self._loaded.is_set()

    @property
    def bundle(self) -> str | None:
        """Name of the bundle that answers; None where nothing is trained."""
        engine = self._engine or self._next
        return None if engine is None else engine.bundle.manifest.name

    def settle(self, bundle: str | None, seconds: float) -> bool:
        """Wait until ``bundle`` answers; whether it does. For tests and for those who promote one."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.follow()
            self._swap()
            if self.bundle == bundle:
                return True
            time.sleep(0.02)
        return False

    async def recommend(self, request: ListRequest, seconds: float | None = None) -> Recommendation:
        """Made anew."""
        return await asyncio.wait_for(asyncio.wrap_future(self._lists.put(request)), seconds)

    async def ask(self, job: Callable[[Engine], T], seconds: float | None = None) -> T:
        """What ``job`` gives, asked one after the other: explanations, profiles, requests in words. Raises NotTrained
        where nothing is trained."""
        work: Future[T] = self._slow.submit(self._at_desk, job)
        return await asyncio.wait_for(asyncio.wrap_future(work), seconds)

    def follow(self) -> None:
        """Take notice of what happened in the store. Raises StoreUnavailable."""
        if not self._store.changes.stale(self._token):
            return
        with self._following:
            token = self._store.changes.token()
            found = self._store.changes.since(self._mark)
            self._apply(found)
            self._token, self._mark = token, found.mark

    def assigned(self, user_id: str | None, surface: str) -> Assigned | None:
        """The variant of a running experiment that somebody gets there."""
        assigner = self._assigner
        if assigner is None:
            assigner = self._assigner = Assigner.read(self._store)
        return assigner(user_id, surface)

    def fitting(self, request: ListRequest) -> list[Recommended]:
        """Of what is popular, in its order, what may come out for whoever asks: asked of the store, without the
        engine. Conditions are held against items by the engine, so with any of them that is nothing."""
        if self.popular is None or request.where:
            return []
        out = set(request.exclude)
        if request.user_id is not None and not request.include_seen:
            out |= set(self._store.events_of([request.user_id]).item_id)
        shown = shown_among(self._store, [one.item_id for one in self.popular.items])
        return [one for one in self.popular.items if one.item_id in shown and one.item_id not in out]

    def renew(self) -> None:
        """Make the engine anew: pipeline files have changed. Where one is wrong the old engine goes on."""
        self._pipelines_changed = True
        self._wanted.set()

    def close(self) -> None:
        self._closing = True
        self._wanted.set()
        self._builder.join()
        self._lists.close()
        self._slow.shutdown()
        self.shown.flush()
        for engine in (self._engine, self._next):
            if engine is not None:
                engine.models.close()

    def _apply(self, found: Changes) -> None:
        self.cache.drop(found.users)
        for engine in (self._engine, self._next, self._desk):
            if engine is not None and found.rewritten:
                engine.forget(found.rewritten)
        if found.hidden or "hidden" in found.all:
            self._look_again = self._desk_looks_again = True
        if found.experiment:
            self._assigner = None
            self.cache.clear()
        if found.bundle or self._new_items(found):
            self._wanted.set()
        if found.hidden or found.items or found.all:
            self._untrained.items_changed()
            self.cache.clear()

    def _new_items(self, found: Changes) -> bool:
        if "item" in found.all:
            return True
        engine = self._next or self._engine
        return bool(found.items) and (engine is None or any(key not in engine.bundle.items for key in found.items))

    def _many(self, requests: Sequence[ListRequest]) -> Sequence[Recommendation | Exception]:
        """In the thread of lists."""
        self.follow()
        self._swap()
        engine = self._engine
        if engine is None:
            return [self._untrained.recommend(request) for request in requests]
        if self._look_again:
            self._look_again = False
            engine.look_again()
        return engine.recommend_many(requests)

    def _swap(self) -> None:
        if self._next is not None:
            engine, self._next = self._next, None
            # What was hidden while it was made.
            engine.look_again()
            self._engine = engine
            if self._desk_of is not engine:
                # Made anew when it is next asked; nothing holds the old bundle then.
                self._desk = self._desk_of = None
            self.swapped = True
            self.cache.clear()

    def _at_desk(self, job: Callable[[Engine], T]) -> T:
        self.follow()
        current = self._next or self._engine
        if current is None:
            raise NotTrained("nothing is trained yet", where=self._project.name, fix="run 'zhiyin train'")
        desk = self._desk
        if desk is None or self._desk_of is not current:
            desk = current.beside()
            self._desk, self._desk_of = desk, current
        elif self._desk_looks_again:
            self._desk_looks_again = False
            desk.look_again()
        return job(desk)

    def _build(self) -> None:
        """In the thread of engines: one at a time, whenever one is wanted."""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            began = time.perf_counter()
            try:
                built = self._built()
            except ZhiyinError as refused:
                log.error("engine_refused", error=refused.line)
                self._loaded.set()
                if isinstance(refused, StoreError):  # it may be back in a moment
                    time.sleep(1)
                    self._wanted.set()
                continue
            if built is not None:
                crowd = built.recommend_many([ListRequest(None, POPULAR, reasons=False)])[0]
                self.popular = crowd if isinstance(crowd, Recommendation) else None
                self._next = built
                # A kept list would go on hiding what is new.
                self.cache.clear()
                log.info("engine_ready", bundle=self.bundle, seconds=round(time.perf_counter() - began, 3))
            self._loaded.set()

    def _built(self) -> Engine | None:
        """An engine over what is served now; None where nothing is trained."""
        rows = self._store.bundles()
        if not rows["active"].any():
            return None
        current = self._next or self._engine
        served = rows.filter(rows["active"])["name"][0]
        if current is not None and current.bundle.manifest.name == served:
            built = current.renewed()
        else:
            bundle = active(self._store, self._project / FOLDER)
            # A language model in this process is loaded once, whatever bundle is served.
            models = current.models if current else open_models(self._settings.llm, self._store, patient=False)
            built = Engine(self._store, bundle, self._settings, models, self._project)
        if self._pipelines_changed:
            self._pipelines_changed = False
            built.check_pipelines()
        built.warm(current)
        return built
