"""Starting and stopping a real service."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from zhiyin.testing.service import COMMAND, Service


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "店 one"))


def says(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", COMMAND, "serve", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr.strip()


def test_a_port_that_is_taken(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, told = says("--project", str(project), "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert told.startswith("zhiyin: cannot listen on 127.0.0.1")
    assert "Fix:" in told
    assert "\n" not in told


def test_no_project(tmp_path: Path) -> None:
    code, told = says("--project", str(tmp_path))
    assert code == 1
    assert "zhiyin init" in told


def test_nobody_else_without_keys(project: Path) -> None:
    code, told = says("--project", str(project), "--host", "0.0.0.0")
    assert code == 2
    assert "zhiyin keys create" in told


def test_it_stops_when_told_and_finishes_what_it_has_begun(project: Path) -> None:
    with Service(project, workers=2) as service:
        rows = [{"user_id": "a", "item_id": f"茶/{number} 号", "event_id": str(number)} for number in range(500)]
        assert httpx.post(f"{service.url}/v1/events", json=rows).json() == {"new": 500, "known": 0}
        assert service.stop() == 0
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{service.url}/api/health/live")


def test_killed_at_the_head_nothing_is_left(project: Path) -> None:
    """Its processes end too, and the port is free for the next."""
    service = Service(project, workers=2)
    with service:
        children = psutil.Process(service.pid).children(recursive=True)
        assert len([one for one in children if one.is_running()]) >= 2
        os.kill(service.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not alive
        service._process.wait()  # type: ignore[union-attr]
        assert service.start() < 60
        assert httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}).json()["items"]


def living(parent: int) -> set[int]:
    """Numbers of the processes that ``parent`` started and that have not ended."""
    found = set()
    for one in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess):  # it ended since it was listed
            if "python" in one.name() and one.status() != psutil.STATUS_ZOMBIE:
                found.add(one.pid)
    return found


def test_a_process_that_dies_is_replaced(project: Path) -> None:
    with Service(project, workers=2) as service:
        before = living(service.pid)
        assert len(before) == 2
        killed = min(before)
        psutil.Process(killed).kill()
        deadline = time.monotonic() + 30
        while len(living(service.pid) - {killed}) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(10):
            assert httpx.get(f"{service.url}/api/health/live", timeout=30).status_code == 200


def test_an_edited_pipeline_counts_at_once(project: Path) -> None:
    """A file that is wrong is passed over, and the old one stays."""
    pipelines = project / "pipelines"
    pipelines.mkdir(exist_ok=True)

    def first(service: Service) -> str:
        answer = httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1", "k": 3}, timeout=30)
        return str(answer.json()["items"][0]["item_id"])

    with Service(project) as service:
        before = first(service)
        time.sleep(1.2)
        (pipelines / "default.toml").write_text("[[stage]]\nkind = 'pin'\nitem = 'book \"3\"'\n", encoding="utf-8")
        deadline = time.monotonic() + 20
        while first(service) == before:
            assert time.monotonic() < deadline, service.log
            time.sleep(0.1)
        assert first(service) == 'book "3"'
        (pipelines / "default.toml").write_text("[[stage]]\nkind = 'no such stage'\n", encoding="utf-8")
        time.sleep(2.5)
        assert first(service) == 'book "3"'
        assert "engine_refused" in service.log
        nowhere = "[[stage]]\nkind = 'boost'\nwhere = { category = 'nowhere' }\nfactor = 2.0\n"
        (pipelines / "default.toml").write_text(nowhere, encoding="utf-8")
        time.sleep(2.5)
        assert first(service) == 'book "3"', "it does not fit the catalogue"
