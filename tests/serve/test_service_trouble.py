"""A real service while its disk is full, its database gone, its clock set back: it says so, loses nothing that it
acknowledged, and goes on by itself when the trouble is over."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from zhiyin.store import open_store
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.project import TEAS
from zhiyin.testing.service import Service


def post(service: Service, key: str, count: int = 20) -> httpx.Response:
    rows = [{"user_id": "张伟", "item_id": TEAS[0], "event_id": f"{key}/{number}"} for number in range(count)]
    return httpx.post(f"{service.url}/v1/events", json=rows, timeout=30)


def stored(project: Path, url: str = "sqlite:///zhiyin.db") -> set[str]:
    store = open_store(url, project)
    try:
        with store.snapshot() as connection:
            return set(connection.exec_driver_sql("SELECT event_id FROM events").scalars())
    finally:
        store.close()


def says_to_wait(answer: httpx.Response) -> bool:
    told = answer.json()
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0 and bool(told["detail"] and told["fix"])


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("making a small disk needs the right to mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while file.write(bytes(65_536)):
            pass


def test_a_full_disk(trained: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:
        project = Path(shutil.copytree(trained, disk / "店"))
        with Service(project) as service:
            kept = set()
            assert post(service, "before").status_code == 200
            filler = disk / "filler"
            with pytest.raises(OSError, match="No space"):
                fill(filler)
            answers = [post(service, f"full/{number}", 2000) for number in range(3)]
            refused = [one for one in answers if one.status_code != 200]
            assert refused
            assert all(says_to_wait(one) for one in refused), [one.text for one in refused]
            shown = httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}, timeout=30)
            assert shown.status_code == 200, "lists go on"
            assert shown.json()["items"]
            filler.unlink()
            assert post(service, "after").status_code == 200
            kept = {f"before/{n}" for n in range(20)} | {f"after/{n}" for n in range(20)}
            for number, answer in enumerate(answers):
                if answer.status_code == 200:
                    kept |= {f"full/{number}/{n}" for n in range(2000)}
        assert kept <= stored(project)


def test_a_read_only_disk(trained: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        project = Path(shutil.copytree(trained, disk / "店"))
        with Service(project) as service:
            assert post(service, "before").status_code == 200
            remount = ["mount", "-o", "remount,ro", str(disk)]
            if subprocess.run([*remount], capture_output=True).returncode:
                pytest.skip("a disk in use cannot be made read-only here")
            assert says_to_wait(post(service, "read-only"))
            subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
            assert post(service, "after").status_code == 200
            assert httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}).json()["items"]
        assert {"before/0", "after/0"} <= stored(project)


def test_the_database_is_gone_for_a_while(trained: Path, tmp_path: Path) -> None:
    """Events refused meanwhile can be sent again: one that counted twice would show."""
    from zhiyin.testing.project import run

    with PostgresServer(durable=True) as server:
        url = server.fresh()
        project = Path(shutil.copytree(trained, tmp_path / "店"))
        text = (project / "zhiyin.toml").read_text(encoding="utf-8")
        assert run("dump", tmp_path / "all.dump", "--project", project, "--quiet") == 0
        (project / "zhiyin.toml").write_text(text + f'\n[store]\nurl = "{url}"\n', encoding="utf-8")
        assert run("restore", tmp_path / "all.dump", "--project", project, "--quiet") == 0
        with Service(project) as service:
            assert post(service, "before").status_code == 200
            assert httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}, timeout=30).json()["items"]
            start_again = server.stop()
            began = time.monotonic()
            while time.monotonic() - began < 3:
                assert says_to_wait(post(service, "gone"))
                answer = httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}, timeout=30)
                assert answer.status_code == 200 or says_to_wait(answer)
            assert httpx.get(f"{service.url}/api/health/live", timeout=30).status_code == 200
            assert httpx.get(f"{service.url}/api/health/ready", timeout=30).status_code == 503
            start_again()
            deadline = time.monotonic() + 20
            while post(service, "gone").status_code != 200:
                assert time.monotonic() < deadline, "it does not come back by itself"
                time.sleep(0.2)
            assert httpx.get(f"{service.url}/v1/recommend", params={"user_id": "tea-1"}, timeout=30).json()["items"]
            assert {"before/19", "gone/19"} <= stored(project, url)


def test_a_clock_that_steps_back(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes by the clock of the day that could stand still: events count at once, leases are not held for ever,
    answers are not kept over."""
    from starlette.testclient import TestClient

    from zhiyin.serve.app import make_app

    app = make_app(Path(shutil.copytree(trained, tmp_path / "店")))
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        live = app.state.tenants.default.live
        assert live._loaded.wait(20)
        tenant = app.state.tenants.default
        assert tenant.store.leases.acquire("training", "somebody who is gone", 30, time.time_ns() // 1000)
        real = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: real() - 86_400 * 10**9)
        first = client.get("/v1/recommend", params={"user_id": "new"}).json()
        item = first["items"][0]["item_id"]
        assert client.post("/v1/events", json={"user_id": "new", "item_id": item}).json() == {"new": 1, "known": 0}
        assert item not in [one["item_id"] for one in client.get("/v1/recommend?user_id=new").json()["items"]]
        now = time.time_ns() // 1000
        assert not tenant.store.leases.acquire("training", "another", 30, now), "counted anew from now ..."
        assert tenant.store.leases.acquire("training", "another", 30, now + 31_000_000), "... and not held for a day"
