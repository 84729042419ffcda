"""Likelihoods of the embedded model against the plain computation: each text alone, from its beginning."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmRefused, LlmTimeout
from zhiyin.llm.embedded.model import EmbeddedModel
from zhiyin.llm.embedded.scoring import Scorer
from zhiyin.ports import Likelihoods, Options
from zhiyin.testing.language_models import FAMILIES, make_language_model

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LONG = "A person who likes slow science fiction, shampoo for dry hair and 《星际穿越》. " * 2
ASKED = [
    Options("a", LONG + "They took", (" a film", " a film about hair", " a shampoo", " 流浪地球", " x")),
    Options("b", LONG + "They took", (" nothing", " a film")),
    Options("c", "标题：国足出线\n类别：", ("体育", "房产", "教育", "股票")),
    Options("d", "标题：股市上涨\n类别：", ("体育", "房产", "教育", "股票")),
    Options("e", "", ("Paris", "流浪地球/ and a space ")),
    Options("f", "The capital of France is ", ("Paris", "a banana")),
    Options("g", "no options", ()),
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # such small models only wait for each other
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedModel:
    folder = make_language_model(tmp_path_factory.mktemp("模型 a") / request.param, request.param)
    return EmbeddedModel(LlmSettings(provider="embedded", model=str(folder)))


def plain(model: EmbeddedModel, one: Options) -> list[float]:
    """One forward pass for each option, nothing shared."""
    tokenizer = model._loaded.tokenizer
    prefix = one.prefix.rstrip(" ")
    begun = tokenizer(prefix)["input_ids"]
    found = []
    for option in one.options:
        ids = tokenizer(one.prefix[len(prefix) :] + option, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logs = model._loaded.model(input_ids=torch.tensor([begun + ids])).logits[0].log_softmax(-1)
        found.append(sum(float(logs[len(begun) + at - 1, token]) for at, token in enumerate(ids)))
    return found


def ask(model: EmbeddedModel, asked: list[Options]) -> list[Likelihoods]:
    found: dict[int, Likelihoods | LlmError] = dict(model.likelihoods(asked, 60))
    assert sorted(found) == list(range(len(asked)))
    answers = [found[place] for place in range(len(asked))]
    assert all(isinstance(answer, Likelihoods) for answer in answers)
    return answers  # type: ignore[return-value]


@pytest.mark.parametrize("way", ["packed", "padded", "whole"])
def test_every_way_gives_the_plain_numbers(model: EmbeddedModel, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model._scorer.way == "packed"
    monkeypatch.setattr(model._scorer, "way", way)
    model._prefixes.forget()
    for _ in range(2):  # the second time from remembered prefixes
        for one, answer in zip(ASKED, ask(model, ASKED), strict=True):
            assert answer.logs.dtype == np.float32
            np.testing.assert_allclose(answer.logs, plain(model, one), atol=1e-3, rtol=1e-5)


def test_small_runs_give_the_same(model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ask(model, ASKED)
    monkeypatch.setattr(model._scorer, "limit", 3)
    for one, other in zip(whole, ask(model, ASKED), strict=True):
        np.testing.assert_allclose(one.logs, other.logs, atol=1e-3, rtol=1e-5)


def test_a_prefix_is_computed_once(model: EmbeddedModel) -> None:
    model._prefixes.forget()
    (first,) = ask(model, ASKED[:1])
    (again,) = ask(model, ASKED[:1])
    prefix = len(model._loaded.text_ids(ASKED[0].prefix))
    assert prefix <= first.computed < prefix + int(first.tokens.sum())
    # The last token of the prefix is read again: what follows it is asked for.
    assert again.computed == first.computed - prefix + 1
    (longer,) = ask(model, [Options("h", ASKED[0].prefix + " a film. They took", (" a shampoo",))])
    assert longer.computed < prefix / 2, "a prefix that goes on from a remembered one reads its end alone"


def test_questions_that_begin_alike_share_their_beginning(model: EmbeddedModel) -> None:
    model._prefixes.forget()
    asked = [Options("c", f"{LONG}\n标题：{title}\n类别：", ("体育", "房产", "教育")) for title in "abcdefghij"]
    answers = ask(model, asked)
    naive = sum(
        len(model._loaded.text_ids(one.prefix)) * len(one.options) + int(answer.tokens.sum())
        for one, answer in zip(asked, answers, strict=True)
    )
    assert sum(answer.computed for answer in answers) * 8 < naive


def test_what_is_remembered_is_bounded(model: EmbeddedModel) -> None:
    ask(model, [Options("p", f"{place}: {LONG}", (" film", " hair")) for place in range(20)])
    assert len(model._prefixes._kept) <= 8


def test_what_cannot_be_asked_is_refused_alone(model: EmbeddedModel) -> None:
    asked = [Options("a", "x", ("", "y")), ASKED[0], Options("b", "科幻 film " * 300, (" a",))]
    found = dict(model.likelihoods(asked, 60))
    assert isinstance(found[0], LlmRefused)
    assert "option 0 is empty" in found[0].line
    assert isinstance(found[1], Likelihoods)
    assert isinstance(found[2], LlmRefused)
    assert "the model reads 256" in found[2].line


def test_the_deadline_is_kept(model: EmbeddedModel) -> None:
    found = dict(model.likelihoods(ASKED[:3], 0.0))
    assert all(isinstance(answer, LlmTimeout) for answer in found.values())
    assert len(found) == 3


def test_a_family_without_such_masks_falls_back(model: EmbeddedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Scorer, tree: object, state: object) -> np.ndarray:
        raise TypeError("no such mask")

    monkeypatch.setattr(Scorer, "_packed", wrong)
    assert Scorer(model._loaded, model._prefixes).way == "padded"
    monkeypatch.setattr(Scorer, "_padded", lambda self, tree, state: np.zeros(len(tree.paths), dtype=np.float32))
    assert Scorer(model._loaded, model._prefixes).way == "whole"
