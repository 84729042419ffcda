"""Engines that were put aside free their memory, however often that happens."""

from __future__ import annotations

import gc
import shutil
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from starlette.testclient import TestClient

from zhiyin.serve.app import make_app


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_engines_put_aside_are_let_go_of(trained: Path, tmp_path: Path) -> None:
    app = make_app(Path(shutil.copytree(trained, tmp_path / "店")))
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        live = app.state.tenants.default.live
        for _ in range(3):
            client.get("/v1/recommend", params={"user_id": "tea-1", "explain": False})
            before = weakref.ref(live._engine)
            assert before() is not None
            gc.unfreeze()  # neither another service in this process nor the round before did it
            live.renew()

            def another() -> bool:
                client.get("/v1/recommend", params={"user_id": "tea-1"})
                return live._engine is not before()  # noqa: B023 - called at once

            assert within(10, another)
            assert within(10, lambda: before() is None), "the old engine is still there"  # noqa: B023 - called at once
            assert within(10, lambda: gc.get_freeze_count() > 0), (
                "what lives long is not looked through again and again"
            )
    gc.unfreeze()
