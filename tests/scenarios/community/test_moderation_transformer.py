"""The transformer that the shipped classifier reads with, and the layers it shares with a sentence encoder."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from zhiyin.config import Settings
from zhiyin.errors import ModelError, NotEnoughData
from zhiyin.scenarios.community.moderation import Moderator, load_policies, opening
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, open_classifier
from zhiyin.scenarios.community.moderation.classifier.training import MANY, train_classifier
from zhiyin.scenarios.community.moderation.classifier.transformer import LONGEST, Transformer
from zhiyin.threads import one_thread
from zhiyin.understand.bert import gelu, layer, quick_gelu

BAD, GOOD = "你就是个傻逼，滚出去", "今天天气很好，我们一起去公园散步吧"


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    found = load_file(SHIPPED / "model.safetensors")
    return {key.removeprefix("transformer."): one for key, one in found.items() if key.startswith("transformer.")}


@pytest.fixture(scope="module")
def transformer(stored: dict[str, Any]) -> Transformer:
    return Transformer(stored)


@pytest.mark.parametrize("quick", [False, True])
def test_a_layer_is_that_of_torch(quick: bool) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)

    def curve(x: Any) -> Any:
        return x * torch.sigmoid(1.702 * x)

    theirs = torch.nn.TransformerEncoderLayer(
        24, 3, 48, dropout=0.0, activation=curve if quick else "gelu", layer_norm_eps=1e-12, batch_first=True
    ).eval()
    for one in (theirs.norm1, theirs.norm2):
        torch.nn.init.normal_(one.weight)
        torch.nn.init.normal_(one.bias)
    told = {name: array.detach().numpy() for name, array in theirs.named_parameters()}
    w = {}
    for place, part in enumerate("qkv"):
        rows = slice(24 * place, 24 * (place + 1))
        w[f"l0.{part}.w"] = told["self_attn.in_proj_weight"][rows].T
        w[f"l0.{part}.b"] = told["self_attn.in_proj_bias"][rows]
    pairs = {"ao": "self_attn.out_proj", "fi": "linear1", "fo": "linear2", "aln": "norm1", "oln": "norm2"}
    for ours, name in pairs.items():
        w[f"l0.{ours}.w"] = told[f"{name}.weight"].T
        w[f"l0.{ours}.b"] = told[f"{name}.bias"]
    x = torch.randn(2, 7, 24)
    with torch.no_grad():
        wanted = theirs(x).numpy()
    found = layer(x.numpy(), w, "l0", 3, np.float32(1e-12), quick_gelu if quick else gelu)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_quick_gelu_bears_large_numbers() -> None:
    x = np.array([-1e4, -200, 0, 200, 1e4], dtype=np.float32)
    with np.errstate(over="raise", invalid="raise"):
        assert quick_gelu(x.copy()).tolist() == pytest.approx([0, 0, 0, 200, 1e4], abs=1e-20, rel=1e-6)


def test_it_tells_contempt_from_a_walk(transformer: Transformer) -> None:
    bad, good = transformer.scores([BAD, GOOD])
    assert bad > 2
    assert good < -2


def test_a_text_alone_says_what_it_says_among_others(transformer: Transformer) -> None:
    texts = [BAD, GOOD, "", "好" * 300, GOOD[::-1], "a/b 中文 c", BAD]
    together = transformer.scores(texts)
    assert np.isfinite(together).all()
    assert together.tolist() == [float(transformer.scores([text])[0]) for text in texts]
    assert transformer.scores([]).shape == (0,)


def test_of_a_long_text_every_part_is_read_and_the_worst_counts(transformer: Transformer) -> None:
    long = (GOOD + "。") * 40
    assert len(transformer.tokens(long)) > 3 * LONGEST
    plain, hidden = transformer.scores([long, long + BAD * 20 + long])
    assert plain < 0 < hidden


def test_the_shipped_classifier_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("an encoder was asked for")

    monkeypatch.setattr(opening, "sentence_encoder", refuse)
    moderator = opening.open_moderator(Settings())
    assert moderator.decide(BAD).action.rank > 0
    assert open_classifier(SHIPPED).readers == ("grams", "masked", "transformer")


def test_a_classifier_learns_how_far_to_trust_its_transformer(stored: dict[str, Any], tmp_path: Path) -> None:
    """One transformer knows the labels; the other, which says the same of every text, is weighed as nothing."""
    random = np.random.default_rng(0)
    labels = (random.random(MANY) < 0.5).astype(int).tolist()
    texts = [f"{BAD if label else GOOD}{number}" for number, label in enumerate(labels)]
    silent = stored | {"out": np.zeros_like(stored["out"])}
    found = {}
    for name, one in (("knows", stored), ("silent", silent)):
        made = train_classifier(
            tmp_path / name,
            texts,
            labels,
            name=name,
            languages=["zh"],
            groups=[],
            network=False,
            transformers=(one, one),
        )
        (weighing,) = made["weighings"]
        assert weighing["readers"] == ["grams", "masked", "transformer"]
        found[name] = weighing["weights"][-1]
        assert open_classifier(tmp_path / name).readers == ("grams", "masked", "transformer")
    assert found["knows"] > 0.1
    assert abs(found["silent"]) < 1e-3


def _without(name: str) -> Any:
    return lambda whole, told: whole.pop(f"transformer.{name}")


def _changed(name: str, change: Any) -> Any:
    def apply(whole: dict[str, Any], told: dict[str, Any]) -> None:
        whole[name] = np.ascontiguousarray(change(whole[name]))

    return apply


def _untold(name: str) -> Any:
    return lambda whole, told: told.pop(name)


@pytest.mark.parametrize(
    "damage",
    [
        *map(_without, ("places", "start.w", "out", "bias", "words", "pieces", "scores")),
        *map(_without, ("l0.k.w", "l0.k.b", "l1.q.w", "l2.q.w", "l2.oln.b", "l2.q.w.scales", "l0.fi.w.scales")),
        _changed("transformer.places", lambda array: array[:5]),
        _changed("transformer.words", lambda array: array[:, :6]),
        _changed("transformer.bias", lambda array: array[:0]),
        _changed("transformer.out", lambda array: array * np.nan),
        _changed("grams.weights", lambda array: array[:1]),
        *map(_untold, ("name", "languages", "groups", "weighings", "grams", "encoder")),
    ],
)
def test_a_damaged_model_is_refused_when_it_is_opened(damage: Any, tmp_path: Path) -> None:
    whole, told = load_file(SHIPPED / "model.safetensors"), json.loads((SHIPPED / "model.json").read_text("utf-8"))
    damage(whole, told)
    save_file(whole, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(told), "utf-8")
    with pytest.raises(ModelError, match="the model cannot be read"):
        open_classifier(tmp_path)


@pytest.mark.parametrize("told", ["[]", "null", "[" * 100_000, "{}", "{", "7"])
def test_what_describes_no_model_is_refused(told: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes((SHIPPED / "model.safetensors").read_bytes())
    (tmp_path / "model.json").write_text(told, "utf-8")
    with pytest.raises(ModelError):
        open_classifier(tmp_path)


def test_the_name_says_what_was_learned(tmp_path: Path) -> None:
    texts = [f"{BAD if number % 2 else GOOD}{number}" for number in range(300)]
    labels = [number % 2 for number in range(300)]
    how: dict[str, Any] = {"name": "x", "languages": ["zh"], "groups": [], "network": False}
    first, again = (train_classifier(tmp_path, texts, labels, **how)["name"] for _ in range(2))
    other = train_classifier(tmp_path, texts[20:], labels[20:], **how)["name"]
    assert first == again != other
    assert first.startswith("x-")


def test_a_transformer_is_not_weighed_by_few_texts(stored: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="300 labelled texts are too few to weigh a transformer"):
        train_classifier(
            tmp_path, [GOOD, BAD] * 150, [0, 1] * 150, name="x", languages=["zh"], groups=[], transformers=(stored,) * 2
        )


def test_of_what_it_was_taught_little_it_is_less_sure() -> None:
    """What names no group and speaks to nobody loses one unit of log-odds; to a person it loses none."""
    classifier = open_classifier(SHIPPED)
    assert classifier.distant == 1
    trusting = copy.copy(classifier)
    trusting.described = classifier.described | {"distant": 0.0}

    def lost(text: str) -> float:
        more, less = (
            next(one.confidence for one in Moderator(load_policies(), model).decide(text).findings)
            for model in (trusting, classifier)
        )
        return float(np.log(more / (1 - more)) - np.log(less / (1 - less)))

    assert lost("他真没素质，令人恶心") == pytest.approx(1, abs=0.02)
    assert lost("你真没素质，令人恶心") == pytest.approx(0, abs=1e-6)


def test_threads_that_overlap_leave_no_limit_behind() -> None:
    from threadpoolctl import threadpool_info

    def threads() -> list[int]:
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    before = threads()
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    assert set(threads()) == {1}
    first.__exit__(None, None, None)
    assert set(threads()) == {1}, "the second is inside still"
    second.__exit__(None, None, None)
    assert threads() == before
