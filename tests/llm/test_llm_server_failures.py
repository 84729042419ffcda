"""An OpenAI-compatible server that fails in every way: the right error, within the deadline, and no key in it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhiyin.config import BudgetSettings, LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmOff, LlmRefused, LlmTimeout, LlmUnreachable
from zhiyin.llm import Client, open_models
from zhiyin.llm.encoder import RemoteEncoder
from zhiyin.ports import Answer, Encoder, Likelihoods, Options, Prompt
from zhiyin.store import open_store
from zhiyin.testing.llm import Reply, Server, chat, http_server
from zhiyin.types import Job, Tier

KEY = "sk-secret-密-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"主题": {"type": "array", "items": {"enum": ["茶", "books"]}, "minItems": 1}},
    "required": ["主题"],
    "additionalProperties": False,
}
ASKED = Prompt("test@1", "You name topics.", "绿茶 <data>Green tea</data>", SCHEMA, 32)
PLAIN = Prompt("test@1", "", "Say something 说点什么", None, 32)
GOOD = json.dumps({"主题": ["茶"]}, ensure_ascii=False)

Script = Callable[[str, Any], Reply]


@contextmanager
def models_on(url: str, folder: Path, **more: Any) -> Iterator[Client]:
    settings = LlmSettings(
        **{"provider": "openai", "model": "m", "base_url": url, "key_variable": "TEST_KEY", "retries": 1, **more}
    )
    with closing(open_store("sqlite:///zhiyin.db", folder)) as store:
        models = open_models(settings, store)
        assert isinstance(models, Client)
        assert models.warm() is None
        try:
            yield models
        finally:
            models.close()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY.encode("ascii", "ignore").decode())


def ask(script: Script, folder: Path, prompt: Prompt = ASKED, seconds: float = 5.0) -> tuple[Any, Server, float]:
    with http_server(script) as server, models_on(server.url, folder) as models:
        started = time.monotonic()
        (got,) = models.complete(Job.ITEMS, [prompt], seconds=seconds)
        took = time.monotonic() - started
    if isinstance(got, LlmError):
        assert "secret" not in got.line
        assert "\n" not in got.line
    return got, server, took


FAILURES: dict[str, tuple[Reply, type[LlmError]]] = {
    "hung": (Reply(hang=60), LlmTimeout),
    "says no word": (Reply(drop=True), LlmUnreachable),
    "not HTTP": (Reply(b"\x00\xff\x17 garbage \xe8", raw=True), LlmUnreachable),
    "cut off on the wire": (Reply(chat(GOOD).body, cut=True), LlmUnreachable),
    "bytes for JSON": (Reply(b"\x00\xff\xfe{]"), LlmNonsense),
    "HTML": (Reply(b"<html>busy</html>", headers={"content-type": "text/html"}), LlmNonsense),
    "empty body": (Reply(), LlmNonsense),
    "another form": (Reply(b'{"choices": []}'), LlmNonsense),
    "list": (Reply(b"[1, 2]"), LlmNonsense),
    "HTTP 429": (Reply(b"{}", status=429), LlmUnreachable),
    "HTTP 429, come back in an hour": (Reply(b"{}", status=429, headers={"Retry-After": "3600"}), LlmUnreachable),
    "HTTP 500": (Reply(b'{"error": {"message": "boom"}}', status=500), LlmUnreachable),
    "HTTP 503 without JSON": (Reply(b"<busy>", status=503), LlmUnreachable),
    "HTTP 401": (Reply(json.dumps({"error": {"message": f"bad key {KEY}"}}).encode(), status=401), LlmRefused),
    "HTTP 404": (Reply(b'{"error": "no model m, key sk-secret--0123456789"}', status=404), LlmRefused),
    "HTTP 302": (Reply(status=302, headers={"Location": "http://127.0.0.1:9/"}), LlmRefused),
    "truncated JSON": (chat('{"主题": ["茶"', finish="length"), LlmNonsense),
    "truncated JSON that claims to be whole": (chat('{"主题": ["茶"'), LlmNonsense),
    "wrong schema": (chat('{"主题": ["咖啡"], "more": 1}'), LlmNonsense),
    "not a number": (chat('{"主题": NaN}'), LlmNonsense),
    "no JSON": (chat("我不知道"), LlmNonsense),
    "deep": (chat("[" * 100_000), LlmNonsense),
    "empty answer": (chat(""), LlmNonsense),
    "no content": (chat(None), LlmNonsense),
    "refusal": (chat(None, refusal="I cannot"), LlmNonsense),
    "filtered": (chat(GOOD, finish="content_filter"), LlmNonsense),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str, tmp_path: Path) -> None:
    reply, kind = FAILURES[name]
    got, _, took = ask(lambda path, body: reply, tmp_path, seconds=2.0)
    assert type(got) is kind, got
    assert took < 2.5


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with models_on(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", tmp_path) as models:
            (got,) = models.complete(Job.ITEMS, [ASKED], seconds=3)
    assert type(got) is LlmUnreachable


def test_a_good_answer(tmp_path: Path) -> None:
    got, server, _ = ask(lambda path, body: chat(f"好的：\n```json\n{GOOD}\n```"), tmp_path)
    assert isinstance(got, Answer)
    assert got.data == {"主题": ["茶"]}
    assert (got.tokens_in, got.tokens_out, got.cached, got.tier) == (11, 7, False, Tier.REMOTE)
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sk-secret--0123456789"
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["response_format"]["json_schema"]["strict"] is True


def test_an_answer_is_repaired_once(tmp_path: Path) -> None:
    replies = [chat('{"主题": ["咖啡"]}'), chat(GOOD)]
    got, server, _ = ask(lambda path, body: replies.pop(0), tmp_path)
    assert isinstance(got, Answer)
    assert got.data == {"主题": ["茶"]}
    assert (got.tokens_in, got.tokens_out) == (22, 14)
    said = server.requests[1][2]["messages"]
    assert said[-2] == {"role": "assistant", "content": '{"主题": ["咖啡"]}'}
    assert "answer.主题[0] must be one of" in said[-1]["content"]


def test_two_rounds_at_most(tmp_path: Path) -> None:
    got, server, _ = ask(lambda path, body: chat("{}"), tmp_path)
    assert type(got) is LlmNonsense
    assert server.asked == 2


def test_what_a_server_refuses_is_left_out_from_then_on(tmp_path: Path) -> None:
    def picky(path: str, body: dict[str, Any]) -> Reply:
        for name in ("temperature", "max_tokens", "response_format"):
            if name in body:
                return Reply(json.dumps({"error": {"message": f"Unsupported: '{name}'"}}).encode(), status=400)
        assert json.dumps(SCHEMA, ensure_ascii=False) in body["messages"][0]["content"]
        return chat(GOOD)

    with http_server(picky) as server, models_on(server.url, tmp_path) as models:
        (got,) = models.complete(Job.ITEMS, [ASKED])
        assert isinstance(got, Answer)
        before = server.asked
        (more,) = models.complete(Job.ITEMS, [Prompt("other@1", "", "茶", SCHEMA, 32)])
        assert isinstance(more, Answer)
        assert (before, server.asked) == (5, 6)
        assert models.complete(Job.ITEMS, [PLAIN])


def test_a_parameter_that_nobody_takes_is_no_endless_loop(tmp_path: Path) -> None:
    refusal = Reply(b'{"error": {"message": "temperature max_tokens seed response_format"}}', status=400)
    got, server, _ = ask(lambda path, body: refusal, tmp_path)
    assert type(got) is LlmRefused
    assert server.asked == 6


def test_retry_after_is_kept_to(tmp_path: Path) -> None:
    replies = [Reply(b"{}", status=429, headers={"Retry-After": "1"}), chat(GOOD)]
    got, server, took = ask(lambda path, body: replies.pop(0), tmp_path)
    assert isinstance(got, Answer)
    assert 1.0 <= took < 2.0
    assert server.asked == 2


def test_a_wait_past_the_deadline_is_not_waited_for(tmp_path: Path) -> None:
    reply = Reply(b"{}", status=429, headers={"Retry-After": "30"})
    got, server, took = ask(lambda path, body: reply, tmp_path)
    assert type(got) is LlmUnreachable
    assert "asks to wait 30 s" in got.line
    assert took < 1
    assert server.asked == 1


def test_other_calls_of_a_batch_are_not_lost(tmp_path: Path) -> None:
    def mixed(path: str, body: dict[str, Any]) -> Reply:
        text = body["messages"][-1]["content"]
        return Reply(hang=60) if "3" in text else chat(text)

    prompts = [Prompt("test@1", "", f"号 {number}", None, 8) for number in range(6)]
    with http_server(mixed) as server, models_on(server.url, tmp_path) as models:
        started = time.monotonic()
        got = models.complete(Job.ITEMS, prompts, seconds=2)
        assert time.monotonic() - started < 2.5
        assert [isinstance(one, Answer) and one.text for one in got] == ["号 0", "号 1", "号 2", False, "号 4", "号 5"]
        assert type(got[3]) is LlmTimeout
        assert models.complete(Job.ITEMS, prompts[:3], seconds=0.0001) != got[:3]
        assert all(isinstance(one, Answer) and one.cached for one in models.complete(Job.ITEMS, prompts[:3]))
        assert server.asked == 6


def test_each_call_of_long_work_has_its_own_deadline(tmp_path: Path) -> None:
    prompts = [Prompt("test@1", "", str(number), None, 8) for number in range(100)]
    with (
        http_server(lambda path, body: Reply(hang=60)) as server,
        models_on(server.url, tmp_path, batch_seconds=0.5) as models,
    ):
        started = time.monotonic()
        got = models.complete(Job.ITEMS, prompts)
        assert time.monotonic() - started < 5
        assert [type(one) for one in got[:4]] == [LlmTimeout] * 4
        assert type(got[-1]) is LlmUnreachable, "the breaker ended it, after five"


def test_at_most_so_many_at_once(tmp_path: Path) -> None:
    import threading

    lock, now, most = threading.Lock(), [0], [0]

    def slow(path: str, body: Any) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return chat("好")

    prompts = [Prompt("test@1", "", str(number), None, 8) for number in range(12)]
    with http_server(slow) as server, models_on(server.url, tmp_path, concurrency=3) as models:
        threads = [
            threading.Thread(target=models.complete, args=(Job.ITEMS, prompts[start : start + 6])) for start in (0, 6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.asked == 12
    assert most[0] == 3


def test_a_dead_server_is_left_alone(tmp_path: Path) -> None:
    prompts = [Prompt("test@1", "", str(number), None, 8) for number in range(200)]
    with (
        http_server(lambda path, body: Reply(b"{}", status=500)) as server,
        models_on(server.url, tmp_path, retries=0, breaker_failures=5) as models,
    ):
        got = models.complete(Job.ITEMS, prompts)
        assert all(type(one) is LlmUnreachable for one in got)
        assert server.asked <= 5 + 4
        assert "left alone" in got[-1].line  # type: ignore[union-attr]


def test_personal_data_stay_here(tmp_path: Path) -> None:
    prompt = Prompt("test@1", "mail a.b@example.com", "电话 13800138000，卡 4111 1111 1111 1111", None, 8)
    _, server, _ = ask(lambda path, body: chat("好"), tmp_path, prompt)
    sent = json.dumps(server.requests[0][2], ensure_ascii=False)
    assert "example.com" not in sent
    assert "138" not in sent
    assert "4111" not in sent
    assert "电话 [phone]，卡 [card]" in sent


def test_likelihoods_from_a_server_that_echoes(tmp_path: Path) -> None:
    def echoing(path: str, body: dict[str, Any]) -> Reply:
        assert path == "/v1/completions"
        assert body["echo"] is True
        choices = []
        for index, text in enumerate(body["prompt"]):
            signs = list(text)
            logs = [None, *(-0.5 if sign != "书" else -3.0 for sign in signs[1:]), -9.0]
            choices.append({"index": index, "logprobs": {"tokens": [*signs, "!"], "token_logprobs": logs}})
        return Reply(json.dumps({"choices": choices[::-1], "usage": {"prompt_tokens": 17}}).encode())

    with http_server(echoing) as server, models_on(server.url, tmp_path) as models:
        assert models.can_score(Job.ITEMS)
        (got,) = models.likelihoods(Job.ITEMS, [Options("topic@1", "主题：", ("茶", "书", "茶书"))])
        assert isinstance(got, Likelihoods)
        assert np.allclose(got.logs, [-0.5, -3.0, -3.5])
        assert got.tokens.tolist() == [1, 1, 2]
        assert got.computed == 17
        assert server.asked == 2
    with models_on(server.url, tmp_path) as models:  # the server is gone, the answers are kept
        assert models.can_score(Job.ITEMS)


@pytest.mark.parametrize("reply", [Reply(b"{}", status=404), chat("x"), Reply(b'{"choices": []}')])
def test_a_server_without_likelihoods(reply: Reply, tmp_path: Path) -> None:
    with http_server(lambda path, body: reply) as server:
        for _ in range(2):
            with models_on(server.url, tmp_path) as models:
                assert not models.can_score(Job.ITEMS)
        assert server.asked == 1, "found out once and kept"


def test_rerank(tmp_path: Path) -> None:
    def jina(path: str, body: dict[str, Any]) -> Reply:
        assert path == "/v1/rerank"
        assert body["model"] == "r"
        found = [{"index": row, "relevance_score": len(text)} for row, text in enumerate(body["documents"])]
        return Reply(json.dumps({"results": found[::-1]}).encode())

    with http_server(jina) as server:
        more = {"rerank_url": f"{server.url}/rerank", "rerank_model": "r", "jobs": [Job.RERANK]}
        with models_on(server.url, tmp_path, **more) as models:
            for _ in range(2):
                got = models.rerank(Job.RERANK, "茶", ["a", "绿茶", "tea"])
                assert isinstance(got, np.ndarray)
                assert got.tolist() == [1, 2, 3]
            assert server.asked == 1
            assert server.requests[0][1]["authorization"].endswith("0123456789")
    with models_on(server.url, tmp_path, jobs=[Job.RERANK]) as models:
        assert type(models.rerank(Job.RERANK, "茶", ["a"])) is LlmOff


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(b'{"results": [{"index": 0, "relevance_score": 1}]}'), LlmNonsense),
        (Reply(b"nothing"), LlmNonsense),
        (Reply(b"{}", status=500), LlmUnreachable),
        (Reply(b"{}", status=403), LlmRefused),
        (Reply(hang=60), LlmTimeout),
    ],
)
def test_rerank_fails(reply: Reply, kind: type[LlmError], tmp_path: Path) -> None:
    with http_server(lambda path, body: reply) as server:
        more = {"rerank_url": f"{server.url}/rerank", "jobs": [Job.RERANK]}
        with models_on(server.url, tmp_path, **more) as models:
            started = time.monotonic()
            assert type(models.rerank(Job.RERANK, "茶", ["a", "b"], seconds=1)) is kind
            assert time.monotonic() - started < 1.5


def test_the_key_goes_to_its_own_host_alone(tmp_path: Path) -> None:
    with http_server(lambda path, body: Reply(b'{"results": [{"index": 0, "relevance_score": 1}]}')) as server:
        more = {"rerank_url": f"{server.url}/rerank", "jobs": [Job.RERANK]}
        with models_on("http://llm.example/v1", tmp_path, **more) as models:
            assert isinstance(models.rerank(Job.RERANK, "茶", ["a"]), np.ndarray)
        assert "authorization" not in server.requests[0][1]


def test_no_key_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY")
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        models = open_models(LlmSettings(provider="openai", key_variable="TEST_KEY"), store)
        (got,) = models.complete(Job.ITEMS, [PLAIN])
        assert type(got) is LlmOff
        assert "TEST_KEY" in got.line
        assert models.tier(Job.ITEMS) is Tier.NONE
        assert models.model(Job.ITEMS) is None
        assert not models.can_score(Job.ITEMS)


def test_wrong_answers_are_paid_for(tmp_path: Path) -> None:
    budget = BudgetSettings(tokens_a_day=2000)
    with (
        http_server(lambda path, body: chat("{}")) as server,
        models_on(server.url, tmp_path, budget=budget) as models,
    ):
        models.complete(Job.ITEMS, [ASKED])
        with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
            (spent,) = store.calls.spent("default", 0).values()
        assert spent.tokens == 36


def test_text_vectors(tmp_path: Path) -> None:
    def embeddings(path: str, body: dict[str, Any]) -> Reply:
        assert path == "/v1/embeddings"
        assert body["model"] == "e"
        rows = [{"index": row, "embedding": [len(text), 0, 3]} for row, text in enumerate(body["input"])]
        return Reply(json.dumps({"data": rows[::-1]}).encode())

    with http_server(embeddings) as server, models_on(server.url, tmp_path, embedding_model="e") as models:
        encoder: Encoder = RemoteEncoder(models)
        assert encoder.dimension == 3
        assert encoder.model_id.startswith("e@")
        vectors = encoder.encode(["绿茶好喝", " ", "", *["tea"] * 100])
        assert vectors.shape == (103, 3)
        assert np.allclose(vectors[0], [0.8, 0, 0.6])
        assert not vectors[1:3].any()
        assert np.allclose(np.linalg.norm(vectors[3:], axis=1), 1)
        assert [len(body["input"]) for _, _, body in server.requests] == [1, 64, 37]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(b'{"data": []}'), LlmNonsense),
        (Reply(b'{"data": [{"index": 0, "embedding": [1]}, {"index": 1, "embedding": [1]}]}'), LlmNonsense),
        (Reply(b'{"data": [{"index": 0, "embedding": ["x"]}]}'), LlmNonsense),
        (Reply(b"{}", status=500), LlmUnreachable),
        (Reply(b"{}", status=400), LlmRefused),
    ],
)
def test_text_vectors_fail(reply: Reply, kind: type[LlmError], tmp_path: Path) -> None:
    with (
        http_server(lambda path, body: reply) as server,
        models_on(server.url, tmp_path, embedding_model="e") as models,
        pytest.raises(kind),
    ):
        RemoteEncoder(models)
    with models_on("http://127.0.0.1:9/v1", tmp_path) as models, pytest.raises(LlmOff):
        RemoteEncoder(models)
