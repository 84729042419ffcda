"""A service over a copy of the shared project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from v1_help import served

from zhiyin.serve.app import make_app
from zhiyin.serve.logs import set_up


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    set_up("error")


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A trained project that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "店 one"))


@pytest.fixture
def app(project: Path) -> FastAPI:
    return make_app(project)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Asks as this machine, without a key."""
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert app.state.tenants.default.live.settle(served(app), 20)
        yield client
