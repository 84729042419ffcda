"""A language model that is down, slow or talks nonsense: the list is the one without it, in time, and says why."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from zhiyin.answers import Recommendation
from zhiyin.bundle import FOLDER, active
from zhiyin.config import LlmSettings, load_settings
from zhiyin.llm import open_models
from zhiyin.rank.llm_ranker import LlmRankerParams
from zhiyin.recommend import Engine
from zhiyin.store import open_store
from zhiyin.testing.llm import Reply, chat, http_server
from zhiyin.testing.project import BOOKS, TEAS
from zhiyin.types import Job, Tier

SECONDS = 1.0
"""Deadline of everything a model does for one list."""
USER, ASKED = "tea-1", "more novels, 不要茶"
Script = Callable[[str, Any], Reply]


def wrong(text: str) -> Script:
    return lambda path, body: chat(text)


FAILURES: dict[str, tuple[Script, str]] = {
    "hung for 60 seconds": (lambda path, body: Reply(hang=60.0), "in time"),
    "garbage": (lambda path, body: Reply(b"\x00\xff garbage \xfe", raw=True), ""),
    "HTTP 429": (lambda path, body: Reply(b"{}", 429, {"retry-after": "1"}), "429"),
    "HTTP 500": (lambda path, body: Reply(b"oops", 500), "500"),
    "truncated JSON": (lambda path, body: chat('{"wishes": [{"text": "nov', "length"), ""),
    "no JSON": (wrong("Error"), ""),
    "wrong schema": (wrong(json.dumps({"rank": "first", "items": ["everything"]})), ""),
    "connection dropped": (lambda path, body: Reply(drop=True), ""),
}


@contextmanager
def engine_on(project: Path, url: str | None) -> Iterator[Engine]:
    """The trained project with a server's model for every job, or with none; a re-ranker as if it had been let in."""
    settings = load_settings(project)
    jobs = [Job.QUERIES, Job.RERANK, Job.EXPLANATIONS, Job.PROFILES]
    llm = LlmSettings(
        provider="none" if url is None else "openai",
        model="m",
        base_url=url,
        key_variable="TEST_KEY",
        jobs=jobs,
        answer_seconds=SECONDS,
        retries=1,
    )
    settings = settings.model_copy(update={"llm": llm})
    store = open_store(settings.store.url, project)
    bundle = active(store, project / FOLDER)
    params = LlmRankerParams(method="listwise", most_events=100).model_dump()
    config = {**bundle.manifest.config, "rerank": params if url else None}
    bundle.manifest = bundle.manifest.model_copy(update={"config": config})
    with Engine(store, bundle, settings, open_models(llm, store)) as engine:
        yield engine


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-of-the-tests")


def lists(engine: Engine) -> list[Recommendation]:
    return [engine.recommend(USER, 5), engine.recommend(USER, 5, query=ASKED), engine.recommend(None, 5, query=ASKED)]


def plain(answer: Recommendation) -> list[tuple[str, int, float]]:
    return [(item.item_id, item.rank, item.score) for item in answer.items]


def held(trained: Path, url: str, word: str) -> None:
    with engine_on(trained, None) as engine:
        without = lists(engine)
        words = engine.explain(USER, without[0].items[0].item_id)
        page = engine.profile(USER)
    with engine_on(trained, url) as engine:
        began = time.monotonic()
        given = lists(engine)
        assert time.monotonic() - began < 3 * 3 * SECONDS, "two calls a list at most, with room for a busy machine"
        again = engine.explain(USER, without[0].items[0].item_id)
        other = engine.profile(USER)
    for before, after in zip(without, given, strict=True):
        assert plain(before) == plain(after)
        assert after.tier is Tier.NONE
        assert after.degraded is not None
        assert "sk-of-the-tests" not in json.dumps(after.to_dict(), ensure_ascii=False)
    assert word in (given[0].degraded or {})["reason"]
    assert [one.text for one in again.sentences] == [one.text for one in words.sentences]
    assert (again.tier, other.tier, other.text) == (Tier.NONE, Tier.NONE, page.text)
    assert all(one.reason for one in again.sentences)
    assert other.note


@pytest.mark.parametrize("name", FAILURES)
def test_the_list_is_the_one_without_it(name: str, trained: Path) -> None:
    script, word = FAILURES[name]
    with http_server(script) as server:
        held(trained, server.url, word)


def test_the_list_is_the_one_without_it_where_nobody_listens(trained: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    held(trained, f"http://127.0.0.1:{port}/v1", "")


def test_a_model_that_cannot_be_had_is_told_every_time(trained: Path, tmp_path: Path) -> None:
    settings = load_settings(trained)
    llm = LlmSettings(provider="embedded", model=str(tmp_path / "nowhere"))
    settings = settings.model_copy(update={"llm": llm})
    store = open_store(settings.store.url, trained)
    with Engine(store, active(store, trained / FOLDER), settings, open_models(llm, store)) as engine:
        for _ in range(2):
            answer = engine.recommend(None, 3, query="novels")
            assert answer.items
            assert answer.degraded is not None
            assert answer.degraded["job"] == Job.QUERIES


def test_a_model_that_answers_takes_part(trained: Path) -> None:
    def script(path: str, body: Any) -> Reply:
        asked = json.dumps(body, ensure_ascii=False)
        if "wishes" in asked:
            return chat(json.dumps({"wishes": [{"text": "novels", "degree": "more", "field": "any"}], "titles": []}))
        return chat("no JSON")

    with http_server(script) as server, engine_on(trained, server.url) as engine:
        answer = engine.recommend(None, 3, query="more novels please")
    assert answer.tier is Tier.REMOTE
    assert answer.degraded is None
    assert {item.item_id for item in answer.items} <= {*TEAS, *BOOKS}
