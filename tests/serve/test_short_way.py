"""The short way gives what the routes behind it give, and counts a request once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from zhiyin.serve import fast
from zhiyin.serve.app import make_app
from zhiyin.serve.limits import Limits


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> FastAPI:
    return make_app(Path(shutil.copytree(trained, tmp_path / "店 one")))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        live = app.state.tenants.default.live
        assert live.settle(live.bundle or app.state.tenants.default.store.bundles()["name"][0], 20)
        yield client


ASKED = [
    "/v1/recommend?user_id=tea-1",
    "/v1/recommend?user_id=tea-1&k=3&explain=false",
    "/v1/recommend?user_id=%E4%B9%A6-3",
    "/v1/recommend?user_id=a%2Fb+c%3F",
    "/api/recommend/tea-1",
    "/api/recommend/%E4%B9%A6-3?n=4",
    "/api/recommend/a%2Fb%20c%3F?n=2",
]


@pytest.mark.parametrize("address", ASKED)
def test_the_same_as_behind_it(client: TestClient, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def asked() -> object:
        answer = client.get(address)
        assert answer.status_code == 200
        told = answer.json()
        return {key: value for key, value in told.items() if key != "impression_id"} if "v1" in address else told

    quick, again = asked(), asked()
    monkeypatch.setattr(fast, "_ours", lambda query: None)
    monkeypatch.setattr(fast, "_gorse", lambda rest, query: None)
    assert quick == again == asked()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/v1/recommend?user_id=", 422),
        ("/v1/recommend?user_id=tea-1&k=0", 422),
        ("/v1/recommend?user_id=tea-1&k=1001", 422),
        ("/v1/recommend?user_id=tea-1&k=%C2%B2", 422),
        ("/v1/recommend?user_id=tea-1&explain=perhaps", 422),
        ("/api/recommend/tea-1?n=-1", 400),
        ("/api/recommend/tea-1?n=x", 400),
        ("/api/recommend/%FF", 400),
    ],
)
def test_what_is_wrong_is_said_by_those_behind(client: TestClient, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_request_counts_once(client: TestClient, app: FastAPI) -> None:
    app.state.gate._limits = Limits(0.001, 5)
    for _ in range(2):
        assert client.get("/v1/recommend?user_id=tea-1&k=2").status_code == 200
    for _ in range(3):  # the short way knows no such parameter
        assert client.get("/v1/recommend?user_id=tea-1&surface=home").status_code == 200
    answer = client.get("/v1/recommend?user_id=tea-1")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
