"""A real server over a copy of the small project, in a process of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


@pytest.fixture(scope="module")
def project(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project that the tests of a file may change."""
    return Path(shutil.copytree(trained, tmp_path_factory.mktemp("gorse") / "店 one"))


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[str]:
    """Address of a running 'zhiyin serve'."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--port", str(port), "--project", str(project)]
    with (project.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from zhiyin.cli import main; main()", *words], stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not _ready(address):
            assert process.poll() is None, (project.parent / "log").read_text()
            assert time.monotonic() < deadline, (project.parent / "log").read_text()
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/health/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server) as client:
        yield client
