"""A request leaves a span, its list one for each stage, and nothing of the person in any of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from zhiyin.serve import tracing
from zhiyin.serve.app import make_app

STAGES = {"histories", "candidates", "reranking", "reasons"}


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> FastAPI:
    return make_app(Path(shutil.copytree(trained, tmp_path / "店 one")))


@pytest.fixture
def spans(app: FastAPI) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = tracing.set_up(None, exporter)
    assert provider is not None
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    provider.shutdown()
    tracing.set_up(None)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_span_a_stage(app: FastAPI, spans: InMemorySpanExporter, method: str) -> None:
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert app.state.tenants.default.live._loaded.wait(20)
        client.post("/v1/recommend", json={"user_id": "tea-2"})
        spans.clear()
        if method == "GET":
            client.get("/v1/recommend", params={"user_id": "tea-1"})
        else:
            client.post("/v1/recommend", json={"user_id": "tea-1"})
    done = {one.name: one for one in spans.get_finished_spans()}
    request = done[f"{method} /v1/recommend"]
    batch = done["lists"]
    assert batch.context is not None
    assert batch.parent is not None
    assert request.context is not None
    assert batch.parent.span_id == request.context.span_id
    assert done.keys() >= STAGES
    for name in STAGES:
        parent = done[name].parent
        assert parent is not None
        assert parent.span_id == batch.context.span_id
    assert "tea-1" not in repr([(one.name, dict(one.attributes or {})) for one in spans.get_finished_spans()])


def test_stages_are_timed_without_traces(app: FastAPI) -> None:
    def count(name: str) -> float:
        return REGISTRY.get_sample_value("zhiyin_stage_seconds_count", {"stage": name}) or 0.0

    before = {name: count(name) for name in STAGES}
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert app.state.tenants.default.live._loaded.wait(20)
        client.get("/v1/recommend", params={"user_id": "tea-1"})
    assert all(count(name) > before[name] for name in STAGES)
