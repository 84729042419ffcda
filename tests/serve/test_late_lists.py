"""A list that is not ready by its deadline is what is popular, without what must not come; what is hidden goes at once
before the first training, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from zhiyin.config import FILE_NAME
from zhiyin.serve.app import make_app
from zhiyin.serve.live import Live


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> FastAPI:
    return make_app(Path(shutil.copytree(trained, tmp_path / "店 one")))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert app.state.tenants.default.live._loaded.wait(20)
        yield client


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["item_id"] for one in answer.json()["items"]]


def test_late(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(Live, "recommend", never)
    asked = {"user_id": "tea-1", "k": 20, "deadline_ms": 10}
    answer = client.post("/v1/recommend", json=asked)
    shown = ids(answer)
    assert "deadline" in answer.json()["fallback"]["reason"]
    assert shown
    had = {f"茶/{number} 号" for number in range(1, 5)}
    assert not had & set(shown)
    client.patch("/v1/items", params={"item_id": shown[0]}, json={"hidden": True})
    client.delete("/v1/items", params={"item_id": shown[1]})
    assert ids(client.post("/v1/recommend", json=asked | {"exclude": [shown[2]]})) == shown[3:]
    assert ids(client.post("/v1/recommend", json=asked | {"where": {"category": "茶"}})) == []


def test_before_the_first_training(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("", encoding="utf-8")
    with TestClient(make_app(tmp_path), client=("127.0.0.1", 1)) as client:
        rows = [
            {"user_id": f"u{number}", "item_id": item}
            for item, takers in (("a", 3), ("茶", 2))
            for number in range(takers)
        ]
        assert client.post("/v1/events", json=rows).status_code == 200
        assert ids(client.get("/v1/recommend", params={"user_id": "new"})) == ["a", "茶"]
        client.patch("/v1/items", params={"item_id": "a"}, json={"hidden": True})
        assert ids(client.get("/v1/recommend", params={"user_id": "new"})) == ["茶"]
        client.put("/v1/items", json=[{"item_id": "fresh", "title": "新"}])
        assert ids(client.get("/v1/recommend", params={"user_id": "new"})) == ["茶", "fresh"]
