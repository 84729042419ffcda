"""What one request may send, and a page of documentation that loads from nowhere else."""

from __future__ import annotations

import asyncio
import re
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from zhiyin.serve.app import make_app
from zhiyin.serve.bodies import Bounded

MIB = 2**20


@pytest.fixture
def client(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("ZHIYIN_SERVE__BODY_MIB", "1")
    with TestClient(make_app(Path(shutil.copytree(trained, tmp_path / "店"))), client=("127.0.0.1", 1)) as client:
        yield client


@pytest.mark.parametrize("address", ["/v1/events", "/api/feedback", "/nowhere"])
def test_too_much_is_refused_whether_told_or_not(client: TestClient, address: str) -> None:
    def parts() -> Iterator[bytes]:
        yield b"["
        for _ in range(20):
            yield b" " * (MIB // 10)

    told = client.post(address, content=b"[" + b" " * MIB, headers={"content-type": "application/json"})
    assert told.status_code == 413
    assert told.json()["detail"] == "more than 1 MiB in one request"
    assert "parts" in told.json()["fix"]
    if address != "/nowhere":  # nobody reads what is sent there
        told = client.post(address, content=parts(), headers={"content-type": "application/json"})
        assert told.status_code == 413, told.text


def test_what_was_refused_is_not_kept() -> None:
    """An exception that is raised again keeps the frames of every time before."""
    frames: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def receive() -> Message:
        return {"type": "http.request", "body": b" " * (MIB + 1), "more_body": True}

    async def send(message: Message) -> None:
        raise AssertionError("nobody answers here")

    bounded = Bounded(app, 1)
    for _ in range(2):
        with pytest.raises(HTTPException) as refused:
            asyncio.run(bounded({"type": "http", "path": "/v1/events", "headers": []}, receive, send))
        frames.append(len(list(traceback.walk_tb(refused.value.__traceback__))))
    assert frames[0] == frames[1]


def test_as_much_as_allowed_and_files_of_lines_pass(client: TestClient) -> None:
    row = b'{"user_id": "tea-1", "item_id": "x", "event_id": "e/1"}'
    body = b"[" + row + b" " * (MIB - len(row) - 2) + b"]"
    answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    lines = b'{"ItemId": "%d"}\n'
    many = b"".join(lines % number for number in range(80_000))
    assert len(many) > MIB
    assert client.post("/api/bulk/items", content=many).json()["RowAffected"] == 80_000


def test_the_page_of_docs_loads_from_here_alone(client: TestClient) -> None:
    page = client.get("/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) >= 2
    for link in links:
        assert link.startswith("/"), f"{link} is elsewhere"
        assert client.get(link).status_code == 200
    assert "https://" not in page
