"""A service in processes of its own: what is written counts at once, in every process; explanations as a stream."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from v1_help import served

from zhiyin.assets.cache import present
from zhiyin.bundle import FOLDER
from zhiyin.serve.app import make_app
from zhiyin.testing.project import BOOKS, TEAS, run
from zhiyin.testing.service import Service


@pytest.fixture(scope="module")
def service(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    project = Path(shutil.copytree(trained, tmp_path_factory.mktemp("live") / "店"))
    with Service(project, workers=2) as running, httpx.Client(base_url=running.url, timeout=20) as client:
        yield client


def test_what_is_written_counts_in_every_process(service: httpx.Client) -> None:
    """Each request may meet another process: none may answer from before."""
    for number in range(10):
        user = f"新/人 {number}?#%2F"
        assert service.post("/v1/events", json={"user_id": user, "item_id": BOOKS[number % 6]}).json()["new"] == 1
        for _ in range(4):
            with httpx.Client(base_url=service.base_url, timeout=20) as other:
                answer = other.post("/v1/recommend", json={"user_id": user, "k": 12}).json()
            assert answer["temperature"] == "warm"
            assert BOOKS[number % 6] not in [one["item_id"] for one in answer["items"]]
    service.patch("/v1/items", params={"item_id": TEAS[0]}, json={"hidden": True})
    for _ in range(8):
        with httpx.Client(base_url=service.base_url, timeout=20) as other:
            shown = other.get("/v1/recommend", params={"user_id": "tea-3", "k": 50}).json()["items"]
        assert TEAS[0] not in [one["item_id"] for one in shown]


def test_a_stream_says_something_at_once_and_ends(service: httpx.Client) -> None:
    with service.stream("GET", "/v1/explain/stream", params={"user_id": "tea-1", "item_id": TEAS[5]}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = _events("".join(answer.iter_text()))
    assert [name for name, _ in told] == ["answer", "kept", "done"]
    plain = service.get("/v1/explain", params={"user_id": "tea-1", "item_id": TEAS[5]}).json()
    assert told[0][1] == plain
    assert plain["sentences"]
    assert told[1][1]["reason"] == "no language model words explanations here"


class Slow:
    """A server with an OpenAI-compatible API that takes its time over a sentence."""

    def __init__(self, sentence: dict[str, Any], seconds: float) -> None:
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        told = {"sentences": [sentence]}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(seconds)
                message = {"role": "assistant", "content": json.dumps(told, ensure_ascii=False)}
                choice = {"index": 0, "finish_reason": "stop", "message": message}
                usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
                answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
                body = json.dumps(answer | {"usage": usage}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_a_stream_gives_the_models_words_when_they_are_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The templates' answer is there at once, and lists need not wait, while the model takes longer than a list may."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    slow = Slow({"text": "您看过《绿茶 茶/4 号》，所以推荐它。", "evidence": ["e1"]}, 2.5)
    settings = f'\n[llm]\nprovider = "openai"\nmodel = "m"\nbase_url = "{slow.url}"\njobs = ["explanations"]\n'
    with (project / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    try:
        with Service(project) as running, httpx.Client(base_url=running.url, timeout=20) as client:
            began = time.monotonic()
            asked = {"user_id": "tea-1", "item_id": TEAS[5]}
            with client.stream("GET", "/v1/explain/stream", params=asked) as answer:
                parts = answer.iter_text()
                text = next(parts)
                first = time.monotonic() - began
                with httpx.Client(base_url=running.url, timeout=20) as other:
                    assert other.get("/v1/profile", params={"user_id": "tea-2"}).status_code == 200
                    between = time.monotonic() - began
                text += "".join(parts)
            took = time.monotonic() - began
            told = _events(text)
    finally:
        slow.close()
    assert [name for name, _ in told] == ["answer", "words", "done"], told
    assert told[0][1]["tier"] == "none"
    assert told[1][1]["tier"] == "remote"
    assert "所以推荐它" in told[1][1]["sentences"][0]["text"]
    assert first < took - 1
    assert between < took - 0.5


def test_another_bundle_and_back(client: TestClient, app: FastAPI, project: Path) -> None:
    tenant = app.state.tenants.default
    first = served(app)
    assert run("train", "--project", project, "--quiet", "--no-search") == 0
    second = served(app)
    assert second != first
    assert tenant.live.settle(second, 20)
    assert client.post("/v1/bundles/rollback").json() == {"served": first, "before": second}
    assert tenant.live.settle(first, 20)
    listed = client.get("/v1/bundles").json()
    assert listed["answering"] == first
    assert {one["name"]: one["served"] for one in listed["bundles"]} == {first: True, second: False}
    assert client.post("/v1/bundles/rollback").status_code == 409, "there is none before the first"
    assert client.post("/v1/bundles/use", json={"name": second}).json()["served"] == second
    assert tenant.live.settle(second, 20)
    next((project / FOLDER / first).glob("*.npy"), next((project / FOLDER / first).iterdir())).write_bytes(b"x")
    assert client.post("/v1/bundles/use", json={"name": first}).status_code == 409, "a damaged one is not served"
    assert client.get("/v1/bundles").json()["answering"] == second
    actions = [one["action"] for one in client.get("/v1/audit").json()["entries"]]
    assert actions == ["bundles.use", "bundles.use", "bundles.rollback"]


def test_an_experiment_from_start_to_report(client: TestClient, project: Path) -> None:
    variants = [{"name": "甲", "pipeline": "default"}, {"name": "乙", "pipeline": "default"}]
    given = {"name": "新/旧", "experiment": {"variants": variants}}
    assert client.put("/v1/experiments", json=given).json()["state"] == "running"
    assert client.put("/v1/experiments", json=given).status_code == 200
    twice = {"name": "x", "experiment": {"variants": variants[:1] * 2}}
    assert client.put("/v1/experiments", json=twice).status_code == 409
    other = {"name": "新/旧", "experiment": {"variants": variants, "traffic": 0.5}}
    assert client.put("/v1/experiments", json=other).status_code == 409
    for number in range(12):
        client.post("/v1/recommend", json={"user_id": f"tea-{number}", "k": 2})
    client.post("/v1/impressions/confirm", json={"impression_ids": ["any: notes what waits"]})
    told = client.get("/v1/experiments/report", params={"name": "新/旧"}).json()
    assert "too early" in json.dumps(told["report"])
    assert sum(told["report"]["assigned"].values()) == 12
    assert client.post("/v1/experiments/stop", json={"name": "新/旧"}).json()["state"] == "stopped"
    assert client.post("/v1/experiments/start", json={"name": "新/旧"}).json()["state"] == "running"
    assert [one["name"] for one in client.get("/v1/experiments").json()["experiments"]] == ["新/旧"]


def test_training_is_started_once_and_stopped(client: TestClient) -> None:
    assert client.get("/v1/training").json() == {"running": False, "reason": None, "since": None, "last": None}
    assert client.post("/v1/training/start", json={"search": False}).json()["running"]
    assert client.post("/v1/training/start", json={"search": False}).status_code == 409
    assert client.get("/v1/training").json()["reason"] == "asked for"
    stopped = client.post("/v1/training/stop").json()
    assert not stopped["running"]
    assert stopped["last"]["outcome"] == "failed"
    assert client.post("/v1/training/stop").status_code == 409


def test_a_new_item_can_be_recommended_within_two_seconds(tmp_path: Path) -> None:
    """Read by the real encoder, in English, while lists are kept."""
    if present("minilm-l6-v2-int8") is None:
        pytest.skip("the English text encoder is not here: zhiyin assets get minilm-l6-v2-int8")
    project = tmp_path / "p"
    assert run("init", project) == 0
    with (project / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write('[encoder]\nmodel = "english"\n')
    kinds = {"tea": "loose leaf green tea from the mountains", "drill": "cordless power drill for concrete walls"}
    items = [
        {"item_id": f"{kind} {n}", "title": f"{text}, number {n}"} for kind, text in kinds.items() for n in range(8)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, items)), encoding="utf-8")
    rows = [
        f"{kind}-{user},{kind} {(user + step) % 8},view,{1_700_000_000 + 86_400 * step + user}"
        for kind in kinds
        for user in range(12)
        for step in range(4)
    ]
    (tmp_path / "events.csv").write_text("user_id,item_id,event_type,timestamp\n" + "\n".join(rows), encoding="utf-8")
    given = ("--events", tmp_path / "events.csv", "--items", tmp_path / "items.jsonl")
    assert run("import", *given, "--project", project, "--quiet") == 0
    assert run("train", "--project", project, "--quiet", "--no-search") == 0
    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert app.state.tenants.default.live.settle(served(app), 20)
        ask = {"user_id": "tea-3", "k": 8}
        client.post("/v1/recommend", json=ask)
        client.put("/v1/items", json={"item_id": "warm/up", "title": "cordless drill"})
        time.sleep(1.5)
        began = time.monotonic()
        client.put("/v1/items", json={"item_id": "new/tea 新", "title": "green tea, loose leaf, from high mountains"})
        while "new/tea 新" not in [one["item_id"] for one in client.post("/v1/recommend", json=ask).json()["items"]]:
            assert time.monotonic() - began < 2.0, client.post("/v1/recommend", json=ask).json()["items"]
            time.sleep(0.05)


def _events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found
