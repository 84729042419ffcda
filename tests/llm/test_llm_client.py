"""The client round a scripted model: cache, budgets, deadline, breaker, log, metrics; and a run that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from zhiyin.config import BudgetSettings, LlmSettings
from zhiyin.errors import (
    AssetError,
    FileUnreadable,
    LlmBudget,
    LlmError,
    LlmNonsense,
    LlmOff,
    LlmRefused,
    LlmTimeout,
    LlmUnreachable,
)
from zhiyin.llm import Client, client_of, open_models
from zhiyin.llm.adapter import Adapter
from zhiyin.llm.breaker import Breaker
from zhiyin.llm.recorded import Recorded, Recorder
from zhiyin.llm.slot import Slot
from zhiyin.ports import Answer, LanguageModels, Likelihoods, NoLanguageModels, Options, Prompt
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.testing.llm import Reply, Scripted, chat, http_server
from zhiyin.types import Job, Tier

DAY = 86_400_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as opened:
        yield opened


def embedded(**more: Any) -> LlmSettings:
    return LlmSettings(**{"provider": "embedded", "jobs": list(Job), **more})


def ask(text: str, **more: Any) -> Prompt:
    return Prompt(**{"name": "test@1", "system": "", "user": text, "maximum_tokens": 8, **more})


def shout(prompt: Prompt) -> str:
    return prompt.user.upper()


def silent(prompt: Prompt) -> str:
    return pytest.fail("the model was asked")


def texts(results: list[Answer | LlmError]) -> list[str | None]:
    return [one.text if isinstance(one, Answer) else None for one in results]


def test_it_is_the_port(store: SqlStore) -> None:
    models: LanguageModels = client_of(Scripted(shout), embedded(), store.calls)
    assert (models.tier(Job.ITEMS), models.model(Job.ITEMS)) == (Tier.EMBEDDED, "scripted/1")
    assert isinstance(open_models(LlmSettings(), store), NoLanguageModels)


def test_a_second_run_asks_nothing_and_loads_nothing(store: SqlStore) -> None:
    model = Scripted(shout, lambda asked: [-1.25, -1e-7])
    asked, options = [ask("茶 a/b"), ask("tea"), ask("茶 a/b")], [Options("o@1", "茶：", (" 是", " no"))]
    first = client_of(model, embedded(), store.calls)
    assert texts(first.complete(Job.ITEMS, asked)) == ["茶 A/B", "TEA", "茶 A/B"]
    (scored,) = first.likelihoods(Job.ITEMS, options)
    assert isinstance(scored, Likelihoods)
    assert model.asked == 3, "equal questions are asked once"
    second = Client(embedded(), store.calls, Slot(Tier.EMBEDDED, lambda: "scripted/1", _no_load, Breaker(5, 30)))
    again = second.complete(Job.PROFILES, asked)
    assert texts(again) == ["茶 A/B", "TEA", "茶 A/B"]
    assert all(isinstance(one, Answer) and one.cached and one.tokens_in == 0 for one in again)
    (kept,) = second.likelihoods(Job.ITEMS, options)
    assert isinstance(kept, Likelihoods)
    assert kept.logs.tobytes() == scored.logs.tobytes()
    assert (kept.cached, kept.computed, kept.tokens.tolist()) == (True, 0, [1, 1])


def _no_load() -> Adapter:
    pytest.fail("the model was loaded")


@pytest.mark.parametrize(
    "other",
    [
        {"name": "test@2"},
        {"system": "x"},
        {"user": "b"},
        {"schema": {"type": "string"}},
        {"maximum_tokens": 9},
    ],
)
def test_whatever_the_answer_depends_on_is_in_the_key(other: dict[str, Any], store: SqlStore) -> None:
    model = Scripted(lambda prompt: '"x"')
    models = client_of(model, embedded(), store.calls)
    models.complete(Job.ITEMS, [ask("a"), ask(**{"text": "a", **other} if "user" not in other else {"text": "b"})])
    assert model.asked == 2
    client_of(Scripted(shout, model_id="scripted/2"), embedded(), store.calls).complete(Job.ITEMS, [ask("a")])
    assert {call.model_id for call in store.calls.log()} == {"scripted/1", "scripted/2"}


def test_failures_are_not_kept(store: SqlStore) -> None:
    answers: list[str | LlmError] = [LlmNonsense("bad"), "good"]
    model = Scripted(lambda prompt: answers.pop(0))
    models = client_of(model, embedded(), store.calls)
    assert type(models.complete(Job.ITEMS, [ask("a")])[0]) is LlmNonsense
    assert texts(models.complete(Job.ITEMS, [ask("a")])) == ["good"]


def test_what_breaks_the_schema_does_not_come_out(store: SqlStore) -> None:
    schema = {"type": "object", "properties": {"主题": {"enum": ["茶"]}}, "additionalProperties": False}
    models = client_of(Scripted(lambda prompt: '{"主题": "咖啡"}'), embedded(), store.calls)
    (got,) = models.complete(Job.ITEMS, [ask("a", schema=schema)])
    assert type(got) is LlmNonsense
    assert "answer.主题" in got.line


@pytest.mark.parametrize("logs", [[-1.0], [-1.0, float("nan")], [-1.0, 0.5], [-1.0, -2.0, -3.0]])
def test_likelihoods_that_are_none_do_not_come_out(logs: list[float], store: SqlStore) -> None:
    models = client_of(Scripted(score=lambda asked: logs), embedded(), store.calls)
    (got,) = models.likelihoods(Job.ITEMS, [Options("o@1", "x", (" a", " b"))])
    assert isinstance(got, LlmError)


def test_half_a_character_does_not_come_out(store: SqlStore) -> None:
    models = client_of(Scripted(lambda prompt: '"\\ud800"'), embedded(), store.calls)
    assert type(models.complete(Job.ITEMS, [ask("a", schema={"type": "string"})])[0]) is LlmNonsense


def test_jobs_that_are_not_named_go_without(store: SqlStore) -> None:
    models = client_of(Scripted(silent), LlmSettings(provider="embedded", jobs=[Job.QUERIES]), store.calls)
    (got,) = models.complete(Job.ITEMS, [ask("a")])
    assert type(got) is LlmOff
    assert "items" in got.line
    assert models.tier(Job.ITEMS) is Tier.NONE
    assert models.tier(Job.QUERIES) is Tier.EMBEDDED


@pytest.mark.parametrize(
    "failure", [AssetError("not fetched", fix="get it"), ImportError("torch"), OSError("disk"), LlmOff("no key")]
)
def test_a_model_that_cannot_be_had_is_off(failure: Exception, store: SqlStore) -> None:
    def fail() -> Any:
        raise failure

    for slot in (
        Slot(Tier.EMBEDDED, fail, fail, Breaker(5, 30)),
        Slot(Tier.EMBEDDED, lambda: "m", fail, Breaker(5, 30)),
    ):
        models = Client(embedded(), store.calls, slot)
        for got in models.complete(Job.ITEMS, [ask("a"), ask("b")]):
            assert type(got) is LlmOff
        assert models.tier(Job.ITEMS) is Tier.NONE
        assert models.model(Job.ITEMS) is None
        assert models.warm() is not None


def test_a_model_that_breaks_is_an_error_value(store: SqlStore) -> None:
    def out_of_memory(prompt: Prompt) -> str:
        raise MemoryError("8 GB")

    models = client_of(Scripted(out_of_memory), embedded(breaker_failures=2), store.calls)
    got = models.complete(Job.ITEMS, [ask("a"), ask("b"), ask("c")])
    assert {type(one) for one in got} == {LlmUnreachable}


def test_loading_does_not_outlast_the_deadline(store: SqlStore) -> None:
    ready = threading.Event()

    def load() -> Adapter:
        ready.wait(20)
        return Scripted(shout)

    models = Client(embedded(), store.calls, Slot(Tier.EMBEDDED, lambda: "scripted/1", load, Breaker(5, 30)))
    started = time.monotonic()
    (got,) = models.complete(Job.ITEMS, [ask("a")], seconds=0.2)
    assert type(got) is LlmTimeout
    assert time.monotonic() - started < 1
    ready.set()
    assert models.warm() is None
    assert texts(models.complete(Job.ITEMS, [ask("a")], seconds=5)) == ["A"]


def test_the_deadline_ends_a_batch(store: SqlStore) -> None:
    class Slow(Scripted):
        def complete(self, prompts: Any, seconds: float) -> Any:
            ends = time.monotonic() + seconds
            for got in super().complete(prompts, seconds):
                time.sleep(0.05)
                if time.monotonic() > ends:
                    return
                yield got

    models = client_of(Slow(shout), embedded(breaker_failures=1), store.calls)
    asked = [ask(f"茶 {number}") for number in range(50)]
    got = models.complete(Job.ITEMS, asked, seconds=0.3)
    done = sum(isinstance(one, Answer) for one in got)
    assert 2 <= done <= 6
    assert {type(one) for one in got[done:]} == {LlmTimeout}
    assert isinstance(models.complete(Job.ITEMS, [ask("more")])[0], Answer), "a full batch is no failure of the model"


def test_breaker_opens_tries_once_and_closes() -> None:
    now = [0.0]
    breaker = Breaker(2, 30, lambda: now[0])
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.calls() is None, "failures in a row, not in all"
    breaker.failed()
    assert (breaker.calls(), breaker.open, breaker.wait) == (0, True, 30)
    now[0] = 29.9
    assert breaker.calls() == 0
    now[0] = 30
    assert [breaker.calls(), breaker.calls()] == [1, 0], "one may try"
    breaker.failed()
    now[0] = 59
    assert breaker.calls() == 0
    now[0] = 60
    assert breaker.calls() == 1
    now[0] = 90
    assert breaker.calls() == 1, "a try that never ended does not block for ever"
    breaker.succeeded()
    assert (breaker.calls(), breaker.open) == (None, False)


def test_a_failing_model_is_left_alone_and_tried_again(store: SqlStore) -> None:
    now, down = [0.0], [True]
    model = Scripted(lambda prompt: LlmUnreachable("down") if down[0] else "好")
    models = Client(embedded(), store.calls, Slot.of(model, Breaker(3, 30, lambda: now[0])))
    asked = [ask(str(number)) for number in range(10)]
    assert {type(one) for one in models.complete(Job.ITEMS, asked)} == {LlmUnreachable}
    assert model.asked == 3
    models.complete(Job.ITEMS, asked)
    assert model.asked == 3
    now[0] = 31
    models.complete(Job.ITEMS, asked)
    assert model.asked == 4, "one call tries"
    now[0], down[0] = 62, False
    assert texts(models.complete(Job.ITEMS, asked)) == ["好"] * 10


def test_nonsense_does_not_open_the_breaker(store: SqlStore) -> None:
    model = Scripted(lambda prompt: LlmRefused("no") if "1" in prompt.user else LlmNonsense("no"))
    models = client_of(model, embedded(breaker_failures=1), store.calls)
    models.complete(Job.ITEMS, [ask(str(number)) for number in range(10)])
    assert model.asked == 10


class Counted(Scripted):
    """Answers cost ten tokens in and five out."""

    def complete(self, prompts: Any, seconds: float) -> Any:
        for place, got in super().complete(prompts, seconds):
            assert isinstance(got, Answer)
            yield place, Answer(got.text, None, self.tier, self.model_id, False, 10, 5)


def budgeted(store: SqlStore, model: Adapter, now: list[int], **budget: Any) -> Client:
    return client_of(model, embedded(budget=BudgetSettings(**budget)), store.calls, lambda: now[0])


def test_a_call_that_could_pass_the_budget_is_not_made(store: SqlStore) -> None:
    now = [time.time_ns() // 1000]
    asked = [ask(f"茶 {number:03}") for number in range(100)]
    upper = len("茶 000".encode()) + 64 + 8
    model = Counted(shout)
    models = budgeted(store, model, now, tokens_a_day=upper + 15 * 10)
    got = models.complete(Job.ITEMS, asked)
    assert model.asked == 11, "ten leave exactly room for one more"
    assert [type(one) for one in got] == [Answer] * 11 + [LlmBudget] * 89
    assert "tokens_a_day" in got[-1].line  # type: ignore[union-attr]
    assert store.calls.spent("default", 0)["items"].tokens == 165
    assert texts(models.complete(Job.ITEMS, asked[:11])) == [f"茶 {number:03}" for number in range(11)], "kept is free"
    now[0] += DAY
    assert isinstance(models.complete(Job.ITEMS, asked[50:51])[0], Answer), "the next day"


def test_budgets_by_job_by_money_and_by_tenant(store: SqlStore) -> None:
    now = [time.time_ns() // 1000]
    models = budgeted(store, Counted(shout), now, tokens_a_job={Job.ITEMS: 90})
    got = models.complete(Job.ITEMS, [ask("a"), ask("b"), ask("c")])
    assert [type(one) for one in got] == [Answer, Answer, LlmBudget]
    assert isinstance(models.complete(Job.QUERIES, [ask("d")])[0], Answer)
    # A call is 10 tokens in at 1 a million and 5 out at 2: 20 millionths; 65 + 16 are held before it.
    money = budgeted(store, Counted(shout), now, money_a_job={Job.PROFILES: 1e-4}, price_in=1, price_out=2)
    got = money.complete(Job.PROFILES, [ask(sign) for sign in "efgh"])
    assert [type(one) for one in got] == [Answer, LlmBudget, LlmBudget, LlmBudget]
    assert store.calls.spent("default", 0)["profiles"].money == pytest.approx(2e-5)
    other = client_of(
        Counted(shout), embedded(tenant="店/二", budget=BudgetSettings(tokens_a_day=100)), store.calls, lambda: now[0]
    )
    assert isinstance(other.complete(Job.ITEMS, [ask("z")])[0], Answer)
    nothing = budgeted(store, Scripted(silent), now, tokens_a_day=0)
    assert type(nothing.complete(Job.ITEMS, [ask("y")])[0]) is LlmBudget


def test_threads_do_not_pass_the_budget_together(store: SqlStore) -> None:
    model = Counted(shout, tier=Tier.REMOTE)
    models = budgeted(store, model, [time.time_ns() // 1000], tokens_a_day=400)
    work = [
        threading.Thread(target=models.complete, args=(Job.ITEMS, [ask(f"{name} {number}") for number in range(40)]))
        for name in "abcd"
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert 10 <= model.asked <= 400 // 15
    assert store.calls.spent("default", 0)["items"].tokens <= 400


def test_the_log_holds_hashes_and_texts_only_when_asked(store: SqlStore) -> None:
    client_of(Scripted(shout), embedded(), store.calls).complete(Job.ITEMS, [ask("secret 秘密")])
    (call,) = store.calls.log()
    assert (call.outcome, call.job, call.prompt, call.tenant, call.asked, call.answered) == (
        "ok",
        "items",
        "test@1",
        "default",
        None,
        None,
    )
    assert len(call.key) == 64
    loud = client_of(Scripted(shout), embedded(log_texts=True), store.calls)
    loud.complete(Job.QUERIES, [ask("秘密 me@example.com 13800138000")])
    (call, _) = store.calls.log()
    assert call.asked is not None
    assert "秘密 [e-mail] [phone]" in call.asked
    assert call.answered is not None
    assert "EXAMPLE" not in call.answered


def test_metrics(store: SqlStore) -> None:
    model = Scripted(lambda prompt: LlmNonsense("x") if "b" in prompt.user else "ok yes", model_id="metered/1")
    models = client_of(model, embedded(), store.calls)
    models.complete(Job.ITEMS, [ask("a c"), ask("b")])
    models.complete(Job.ITEMS, [ask("a c")])

    def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"job": "items", "model": "metered/1", **labels})

    assert value("zhiyin_llm_calls_total", outcome="ok") == 1
    assert value("zhiyin_llm_calls_total", outcome="LlmNonsense") == 1
    assert value("zhiyin_llm_cache_hits_total") == 1
    assert value("zhiyin_llm_tokens_total", direction="in") == 2
    assert value("zhiyin_llm_tokens_total", direction="out") == 2
    assert value("zhiyin_llm_seconds_count") == 2


def test_rerank_goes_through_the_cache(store: SqlStore) -> None:
    model = Scripted(rank=lambda query, documents: [len(text) for text in documents])
    models = client_of(model, embedded(), store.calls)
    for _ in range(2):
        got = models.rerank(Job.RERANK, "茶", ["绿茶", "a"])
        assert isinstance(got, np.ndarray)
        assert got.tolist() == [2, 1]
    assert model.asked == 1
    assert isinstance(models.rerank(Job.RERANK, "茶", []), np.ndarray)


def test_a_recording_answers_in_the_place_of_its_model(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "录 音.jsonl"
    model = Scripted(shout, lambda asked: [-0.1, -2.0], lambda query, documents: [0.5] * len(documents))
    asked, options = [ask("茶"), ask("a\nb")], [Options("o@1", "x", (" a", " b"))]
    recorder = Recorder(model, path)

    def run(adapter: Adapter, folder: Path) -> list[Any]:
        folder.mkdir()
        with closing(open_store("sqlite:///zhiyin.db", folder)) as fresh:
            models = client_of(adapter, embedded(), fresh.calls)
            scored: Any = models.likelihoods(Job.ITEMS, options)[0]
            ranked: Any = models.rerank(Job.RERANK, "q", ["d"])
            return [texts(models.complete(Job.ITEMS, asked)), scored.logs.tolist(), ranked.tolist()]

    first = run(recorder, tmp_path / "1")
    assert run(Recorded(path), tmp_path / "2") == first
    models = client_of(Recorded(path), embedded(), store.calls)
    (got,) = models.complete(Job.ITEMS, [ask("never asked")])
    assert type(got) is LlmOff
    assert "not recorded" in got.line
    assert "3 recorded" not in models.probe()
    path.write_text("{", encoding="utf-8")
    with pytest.raises(FileUnreadable):
        Recorded(path)


KILLED = """
import sys
from pathlib import Path
from zhiyin.config import LlmSettings
from zhiyin.llm import open_models
from zhiyin.ports import Prompt
from zhiyin.store import open_store
from zhiyin.types import Job

store = open_store("sqlite:///zhiyin.db", Path(sys.argv[1]))
models = open_models(LlmSettings(provider="openai", model="m", base_url=sys.argv[2], concurrency=2), store)
got = models.complete(Job.ITEMS, [Prompt("t@1", "", f"茶 {number}", None, 8) for number in range(30)])
print(sum(getattr(one, "text", "") == "好" for one in got))
models.close()
"""


def test_a_run_that_is_killed_repeats_no_answered_call(tmp_path: Path) -> None:
    answered: list[str] = []
    lock, enough = threading.Lock(), threading.Event()

    def answer(path: str, body: dict[str, Any]) -> Reply:
        time.sleep(0.03)
        with lock:
            answered.append(body["messages"][-1]["content"])
            if len(answered) == 12:
                enough.set()
        return chat("好")

    with http_server(answer) as server:
        command = [sys.executable, "-c", KILLED, str(tmp_path), server.url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        time.sleep(0.2)  # what was under way comes to its end
        with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
            kept = len(store.calls.log(1000))
        before = len(answered)
        assert 0 < kept < 30
        assert before - kept <= 2, "only what was under way, or just being written, is lost"
        out = subprocess.run(command, capture_output=True, text=True, check=True)
        assert out.stdout.strip() == "30"
        assert len(answered) - before == 30 - kept


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_any_text_can_be_asked_and_kept(words: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, closing(open_store("sqlite:///zhiyin.db", Path(folder))) as store:
        for _ in range(2):
            models = client_of(Scripted(lambda prompt: json.dumps(prompt.user)), embedded(), store.calls)
            assert texts(models.complete(Job.ITEMS, [ask(word) for word in words])) == [json.dumps(w) for w in words]
