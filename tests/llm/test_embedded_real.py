"""The small model that settings name by default, from whichever of its sources can be reached."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from zhiyin.calibration import judge
from zhiyin.config import LlmSettings
from zhiyin.errors import LlmOff
from zhiyin.llm.embedded import identify, load
from zhiyin.llm.embedded.model import EmbeddedModel
from zhiyin.ports import Answer, Likelihoods, Options, Prompt

pytest.importorskip("torch")
pytest.importorskip("llguidance")

SETTINGS = LlmSettings(provider="embedded")


@pytest.fixture(scope="module")
def model() -> Iterator[EmbeddedModel]:
    try:
        made = load(SETTINGS)
    except LlmOff as off:
        pytest.skip(f"no source of the model can be reached from here: {off.line}")
    yield made
    made.close()


def ask(model: EmbeddedModel, asked: list[Options]) -> list[Likelihoods]:
    found = dict(model.likelihoods(asked, 600))
    answers = [found[place] for place in range(len(asked))]
    assert all(isinstance(answer, Likelihoods) for answer in answers)
    return answers  # type: ignore[return-value]


def test_it_knows_a_capital(model: EmbeddedModel) -> None:
    assert model.model_id == identify(SETTINGS)
    assert model.model_id.startswith("smollm2-135m-instruct-b179c9523d0e/")
    (found,) = ask(model, [Options("t", "The capital of France is", (" Paris", " a banana", " London"))])
    assert found.logs.argmax() == 0
    assert found.logs[0] > found.logs[1] + 5


def test_calibration_takes_away_what_it_likes_anyway(model: EmbeddedModel) -> None:
    options = (" shampoo", " movie")
    texts = ("smooth, shiny hair after every wash", "a lonely pilot travels through a black hole to save the earth")
    *asked, neutral = ask(
        model, [Options("t", f"Product: {text}\nKind of product:", options) for text in (*texts, "N/A")]
    )
    chances = np.array([judge(one, neutral) for one in asked])
    assert chances.argmax(axis=1).tolist() == [0, 1]
    assert judge(neutral, neutral).tolist() == [0.5, 0.5]


def test_json_and_one_of_many(model: EmbeddedModel) -> None:
    schema = {
        "type": "object",
        "properties": {"topic": {"enum": ["films", "hair", "体育"]}, "year": {"type": "integer", "maximum": 2099}},
        "required": ["topic", "year"],
        "additionalProperties": False,
    }
    ((_, found),) = model.complete([Prompt("t", "Answer in JSON.", "A film of 1999 about hair.", schema, 40)], 600)
    assert isinstance(found, Answer)
    assert found.data["topic"] in {"films", "hair", "体育"}
    assert isinstance(found.data["year"], int)
    options = [f"Film {place} / 第{place}部" for place in range(498)] + ["The Wandering Earth", "流浪地球"]
    prompt = Prompt("t", "Repeat the title exactly.", "The Wandering Earth")
    assert model.choose(prompt, options, 600) == 498
