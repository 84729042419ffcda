"""Work that takes long keeps nobody waiting who only reads, and what grows with the store is done one at a time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from zhiyin.errors import DataError
from zhiyin.scenarios.community.moderation import Moderator, review_items
from zhiyin.serve.app import make_app
from zhiyin.serve.lanes import SLOW
from zhiyin.serve.tenants import READERS

SECONDS = 20.0
REVIEW = "zhiyin.serve.v1.moderation.review_items"


class Gate:
    """Whoever comes waits until it opens; how many came."""

    def __init__(self) -> None:
        self._open, self._came = threading.Event(), threading.Semaphore(0)

    def __call__(self, *_: object, **__: object) -> Any:
        self._came.release()
        assert self._open.wait(SECONDS)
        raise DataError("opened")

    def come(self, count: int) -> None:
        for _ in range(count):
            assert self._came.acquire(timeout=SECONDS)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def client(trained: Path, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Path(shutil.copytree(trained, tmp_path / "店"))), client=("127.0.0.1", 1)) as client:
        yield client


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


def test_slow_work_leaves_room_to_read(client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Moderator, "decide_many", gate)
    with ThreadPoolExecutor(2 * READERS + 1) as askers:
        check = {"texts": ["今天天气真好"]}
        asked = [askers.submit(client.post, "/v1/moderation/check", json=check) for _ in range(2 * READERS)]
        try:
            gate.come(SLOW)
            time.sleep(0.5)  # all that could keep a reader do so by now
            read = askers.submit(client.get, "/v1/moderation/policies")
            assert read.result(SECONDS / 4).status_code == 200, "it waits for nobody"
        finally:
            gate.open()
        assert {one.result(SECONDS).status_code for one in asked} == {422}


def test_one_at_a_time(client: TestClient, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REVIEW, gate)
    with ThreadPoolExecutor(1) as asker:
        first = asker.submit(client.post, "/v1/moderation/review", json={})
        gate.come(1)
        try:
            for path in ("/v1/moderation/review", "/v1/circles/build", "/v1/topics/find"):
                refused = client.post(path, json={})
                assert refused.status_code == 409, path
                assert refused.json()["detail"] == "at work already: a review of all items"
                assert refused.json()["fix"] == "ask again when that is done"
            monkeypatch.setattr(REVIEW, review_items)
            some = client.post("/v1/moderation/review", json={"item_ids": []})
            assert some.status_code == 200, "a few items are looked at whenever they come"
        finally:
            gate.open()
        assert first.result(SECONDS).status_code == 422
    assert client.post("/v1/moderation/review", json={}).status_code == 200
    assert client.post("/v1/moderation/review", json={}).status_code == 200
