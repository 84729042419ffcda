"""A real server over a copy of the small project, in a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from zhiyin.testing.service import Service


@pytest.fixture(scope="module")
def project(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project that the tests of a file may change."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("gorse") / "店 one"))


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[str]:
    """Address of a running 'zhiyin serve'."""
    with Service(project) as service:
        yield service.url


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server) as client:
        yield client
