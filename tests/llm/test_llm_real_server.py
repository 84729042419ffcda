"""The adapter against a server that others wrote: transformers' own, with a tiny model that is made here and with the
small packaged one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmNonsense, LlmOff, LlmRefused, LlmUnreachable
from zhiyin.llm import Client, open_models
from zhiyin.llm.embedded.convert import converted
from zhiyin.llm.embedded.files import find_model
from zhiyin.llm.schema import fault
from zhiyin.ports import Answer, Prompt, Silent
from zhiyin.store import open_store
from zhiyin.types import Job, Tier

for name in ("torch", "transformers", "fastapi", "uvicorn"):
    pytest.importorskip(name)

SAYS = '{"topic": "茶"}'
TOPIC = {
    "type": "object",
    "properties": {"topic": {"enum": ["茶", "books"]}},
    "required": ["topic"],
    "additionalProperties": False,
}
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
STARTING = 120
"""Seconds until the server must be up on a busy machine."""


def make_model(folder: Path) -> None:
    """A Llama of two layers that has learned to answer SAYS to whatever it is asked."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig

    from zhiyin.testing.language_models import make_tokenizer

    tokenizer = make_tokenizer(chat=True)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=1024,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    answer = tokenizer(SAYS, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    ends = tokenizer("[assistant]", add_special_tokens=False)["input_ids"]
    steps = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss = torch.tensor(9.0)
    for _ in range(400):
        asked = torch.randint(2, len(tokenizer), (8, 12))
        tail = torch.tensor(ends + answer).expand(8, -1)
        tokens = torch.cat([asked, tail], dim=1)
        wanted = tokens.clone()
        wanted[:, : -len(answer)] = -100
        loss = model(input_ids=tokens, labels=wanted).loss
        loss.backward()
        steps.step()
        steps.zero_grad()
        if loss < 0.01:
            break
    assert loss < 0.01, "the tiny model did not learn its sentence"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that loads whatever model a call names by its path."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("server") / "log").open("wb")
    command = Path(sys.executable).with_name("transformers")
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    process = subprocess.Popen(
        [str(command), "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"],
        stdout=log,
        stderr=log,
        env={**os.environ, **quiet},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        deadline = time.monotonic() + STARTING
        while True:
            assert process.poll() is None, Path(log.name).read_text()[-2000:]
            assert time.monotonic() < deadline, Path(log.name).read_text()[-2000:]
            with suppress(OSError), opener.open(f"http://127.0.0.1:{port}/health", timeout=1):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "模型 one"
    make_model(folder)
    return folder


def ask(url: str, model: str, folder: Path, prompts: list[Prompt], **more: Any) -> list[Any]:
    settings = LlmSettings(provider="openai", base_url=url, model=model, batch_seconds=100, concurrency=2, **more)
    with closing(open_store("sqlite:///zhiyin.db", folder)) as store:
        models = open_models(settings, store)
        assert isinstance(models, Client)
        with closing(models):
            assert models.tier(Job.ITEMS) is Tier.REMOTE
            return list(models.complete(Job.ITEMS, prompts, seconds=100))


def test_chat_and_json_with_a_model_made_here(url: str, tiny: Path, tmp_path: Path) -> None:
    """The server takes ``response_format`` without heeding it: this model gives its one sentence always, so the schema
    that fits gets data and the other gets an error, after the round of repair."""
    asked = [
        Prompt("t@1", "", "Which topic? 什么主题？", None, 40),
        Prompt("t@1", "You name topics.", "绿茶", TOPIC, 40),
        Prompt("t@1", "", "How many?", NUMBER, 40),
        Prompt("t@1", "", "Be short.", TOPIC, 2),
    ]
    plain, topic, number, cut = ask(url, str(tiny), tmp_path, asked)
    assert isinstance(plain, Answer)
    assert plain.text == SAYS
    assert plain.tokens_in > 5
    assert isinstance(topic, Answer)
    assert topic.data == {"topic": "茶"}
    assert type(number) is LlmNonsense
    assert "answer lacks 'n', after one repair" in number.line
    assert type(cut) is LlmNonsense
    assert "cut off after 2 tokens" in cut.line
    kept = ask("http://127.0.0.1:9/v1", str(tiny), tmp_path, asked[:1])
    assert type(kept[0]) is LlmUnreachable, "another address is another model"


def test_a_model_that_the_server_has_not(url: str, tmp_path: Path) -> None:
    (got,) = ask(url, str(tmp_path / "nothing here"), tmp_path, [Prompt("t@1", "", "hello", None, 4)], retries=0)
    assert isinstance(got, (LlmRefused, LlmUnreachable))


def test_the_probe(url: str, tiny: Path, tmp_path: Path) -> None:
    settings = LlmSettings(provider="openai", base_url=url, model=str(tiny))
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        models = open_models(settings, store)
        assert isinstance(models, Client)
        with closing(models):
            line = models.probe()
            assert "answers in" in line
            assert models.probe() == line, "kept, not asked again"


def test_json_from_the_small_packaged_model(url: str, tmp_path: Path) -> None:
    try:
        files = find_model(LlmSettings(provider="embedded"), Silent())
    except LlmOff as absent:
        pytest.skip(f"the small model is not here: {absent}")
    # This server does not take a GGUF file by its path, so it gets the folder that was made of it.
    folder = converted(files, Silent())
    user = 'Title: Green tea, 100 bags\nAnswer with JSON like {"topic": "books"}; the topic is one of: 茶, books.'
    plain, topic = ask(
        url,
        str(folder),
        tmp_path,
        [
            Prompt("t@1", "", "What is the capital of France? Answer in one short sentence.", None, 24),
            Prompt("t@1", "You name the topic of items.", user, TOPIC, 24),
        ],
    )
    assert isinstance(plain, Answer), plain
    assert "Paris" in plain.text
    if isinstance(topic, Answer):
        assert fault(json.loads(json.dumps(topic.data)), TOPIC) is None
    else:
        assert type(topic) is LlmNonsense, topic
