"""Answers of the embedded model: within their schema, one of the options, in time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmRefused, LlmTimeout
from zhiyin.llm.adapter import tokens_of
from zhiyin.llm.embedded.model import EmbeddedModel
from zhiyin.ports import Answer, Prompt
from zhiyin.testing.language_models import make_language_model

torch = pytest.importorskip("torch")
pytest.importorskip("llguidance")

SCHEMA = {
    "type": "object",
    "properties": {
        "topic": {"enum": ["科幻", 'hair "care"', "a/b c"]},
        "words": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 2},
        "year": {"type": "integer", "minimum": 1900, "maximum": 2099},
        "liked": {"type": "boolean"},
    },
    "required": ["topic", "words", "year", "liked"],
    "additionalProperties": False,
}
TEXTS = ["《流浪地球》 is a film", "shampoo", "国足出线 " * 6, "a long text about slow science fiction and hair"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # such small models only wait for each other
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=["llama", "gemma3", "gpt2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedModel:
    folder = make_language_model(tmp_path_factory.mktemp("m"), request.param, chat=request.param != "gpt2")
    return EmbeddedModel(LlmSettings(provider="embedded", model=str(folder)))


def prompts(schema: dict[str, Any] | None, maximum_tokens: int = 100) -> list[Prompt]:
    return [Prompt("test@1", "You name topics.", text, schema, maximum_tokens) for text in TEXTS]


def test_json_is_within_its_schema(model: EmbeddedModel) -> None:
    found = dict(model.complete(prompts(SCHEMA), 60))
    assert sorted(found) == [0, 1, 2, 3]
    for answer in found.values():
        assert isinstance(answer, Answer), answer
        assert answer.data == json.loads(answer.text)
        assert set(answer.data) == {"topic", "words", "year", "liked"}
        assert answer.data["topic"] in SCHEMA["properties"]["topic"]["enum"]  # type: ignore[index]
        assert len(answer.data["words"]) <= 2
        assert 1900 <= answer.data["year"] <= 2099
        assert answer.tokens_in > 5
        assert answer.tokens_out > 5
        assert (answer.model, answer.cached) == (model.model_id, False)


def test_a_batch_answers_as_each_alone(model: EmbeddedModel) -> None:
    together = dict(model.complete(prompts(None, 12), 60))
    for place, prompt in enumerate(prompts(None, 12)):
        ((_, alone),) = model.complete([prompt], 60)
        assert isinstance(alone, Answer)
        assert alone == together[place]


def test_free_text_is_the_likeliest_continuation(model: EmbeddedModel) -> None:
    ((_, found),) = model.complete([Prompt("p", "", "The capital", None, 3)], 60)
    ids = model._loaded.prompt_ids("", "The capital")
    wanted: list[int] = []
    for _ in range(3):
        with torch.inference_mode():
            token = int(model._loaded.model(input_ids=torch.tensor([ids + wanted])).logits[0, -1].argmax())
        if token in model._loaded.stops:
            break
        wanted.append(token)
    assert isinstance(found, Answer)
    assert found.text == model._loaded.tokenizer.decode(wanted, skip_special_tokens=True).strip()


def test_what_is_cut_off_is_no_answer(model: EmbeddedModel) -> None:
    ((_, found),) = model.complete([Prompt("p", "", "x", SCHEMA, 6)], 60)
    assert isinstance(found, LlmNonsense)
    assert "cut off at 6 tokens" in found.line
    assert tokens_of(found)[1] == 6


def test_what_cannot_be_asked_is_refused_alone(model: EmbeddedModel) -> None:
    asked = [Prompt("p", "", "x", {"type": "nothing"}, 6), Prompt("q", "", "很长 " * 300), prompts(None, 4)[0]]
    found = dict(model.complete(asked, 60))
    assert isinstance(found[0], LlmRefused)
    assert "schema" in found[0].line
    assert isinstance(found[1], LlmRefused)
    assert "shorten" in found[1].line
    assert isinstance(found[2], Answer)


def test_the_deadline_is_looked_at_between_tokens(model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(model.complete(prompts(SCHEMA), 0.0))
    assert [type(answer) for answer in found.values()] == [LlmTimeout] * 4
    times = iter(float(step) for step in range(1000))
    monkeypatch.setattr("zhiyin.llm.embedded.clock.time.monotonic", lambda: next(times))
    late = dict(model.complete(prompts(None, 100), 10.0))
    assert any(isinstance(answer, LlmTimeout) for answer in late.values())
    assert len(late) == 4
    assert max(tokens_of(answer)[1] for answer in late.values() if isinstance(answer, LlmError)) <= 12


def test_one_of_five_hundred(model: EmbeddedModel) -> None:
    options = [f'Film {place} "part" / 第{place}部' for place in range(250)] + [
        f"第{place}集：流浪" for place in range(250)
    ]
    options += ["Star", "Star Wars"]
    chosen = set()
    for text in TEXTS:
        found = model.choose(Prompt("pick", "Pick one.", text), options, 60)
        assert isinstance(found, int), found
        assert 0 <= found < len(options)
        chosen.add(found)
    assert isinstance(model.choose(Prompt("pick", "Pick one.", "x"), options, 0.0), LlmTimeout)
    assert model.choose(Prompt("pick", "", "x"), ["流浪地球"], 60) == 0


def test_marks_in_texts_are_data(model: EmbeddedModel) -> None:
    ids = model._loaded.prompt_ids("", "a </s> b <s>")
    assert 1 not in ids[1:]
    assert 0 not in ids[1:]
    assert 1 not in model._loaded.text_ids(model._loaded.harmless("</s>"))


def test_vectors(model: EmbeddedModel) -> None:
    texts = [*TEXTS, "", "  ", TEXTS[0]]
    found = model.embed(texts, 60)
    assert isinstance(found, np.ndarray)
    assert found.shape == (7, 32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 1, 0, 0, 1], atol=1e-5)
    np.testing.assert_allclose(found[0], found[6], atol=1e-5)
    ids = model._loaded.text_ids(TEXTS[2])
    with torch.inference_mode():
        states = model._loaded.model.base_model(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(found[2], (states / states.norm()).numpy(), atol=1e-4)
    assert isinstance(model.embed(texts, 0.0), LlmTimeout)


def test_what_it_can_do(model: EmbeddedModel) -> None:
    assert model.abilities == {"complete", "likelihoods", "embed"}
    assert isinstance(model.rerank("q", ["a"], 1.0), LlmError)
    assert model.model_id in model.probe()
    model.close()
