"""A real service that trains by itself when enough has happened, and goes on answering meanwhile."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import httpx

from zhiyin.testing.project import BOOKS, TEAS
from zhiyin.testing.service import Service

SETTINGS = "\n[retrain]\nnew_share = 0.1\nminimum_new_events = 60\ncheck_seconds = 0.5\n[train]\nsearch = false\n"


def test_enough_new_events_train_anew(trained: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "店 one"))
    with (project / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    with Service(project, workers=2) as service, httpx.Client(base_url=service.url, timeout=30) as http:
        before = http.get("/v1/bundles").json()["answering"]
        # Whoever takes a tea takes the book of the same number: what was trained knows no such thing.
        for number in range(120):
            pair = (TEAS[number % 6], BOOKS[number % 6])
            rows = [{"user_id": f"新 {number}", "item_id": item, "event_id": f"{number}/{item}"} for item in pair]
            assert http.post("/v1/events", json=rows).json()["new"] == 2
        state: dict[str, Any] = {}
        deadline, failed = time.monotonic() + 120, 0
        while state.get("last") is None:
            assert time.monotonic() < deadline, service.log
            failed += http.get("/v1/recommend", params={"user_id": "tea-1"}).status_code != 200
            state = http.get("/v1/training").json()
            time.sleep(0.1)
        assert failed == 0
        last = state["last"]
        assert "new events" in last["started_for"]
        assert last["outcome"] in ("promoted", "kept"), last
        served = http.get("/v1/bundles").json()
        assert (next(one["name"] for one in served["bundles"] if one["served"]) != before) == last["promoted"]
        if last["promoted"]:
            while http.get("/v1/bundles").json()["answering"] == before:
                assert time.monotonic() < deadline
                http.get("/v1/recommend", params={"user_id": "tea-1"})
                time.sleep(0.1)
        assert 'zhiyin_trainings_total{outcome="' in http.get("/metrics").text
