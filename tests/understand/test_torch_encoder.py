"""Folders that transformers loads, made on the spot: a tiny BERT, and sentence-transformers folders round it."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zhiyin.errors import AssetError, ConfigError
from zhiyin.ports import Encoder, Silent
from zhiyin.understand.folder_encoder import open_encoder

torch = pytest.importorskip("torch", reason="needs the extra 'llm'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'llm'")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "shoe", "红", "鞋", "跑", "步"]
TEXTS = ["red shoe", "红鞋", "跑步", "red 红 鞋 shoe 跑 步", "red"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and 8 numbers, with random weights, in a folder with a space and Chinese in its name."""
    folder = tmp_path_factory.mktemp("models") / "tiny 知音 bert"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
    )
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def opened(path: Path, maximum: int = 128) -> Encoder:
    return open_encoder(str(path), maximum, Silent())


def states(folder: Path, texts: list[str]) -> list[NDArray[Any]]:
    """Last layer of each text alone, [t, 8], from transformers directly."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        return [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy() for text in texts]


def unit(rows: list[NDArray[Any]]) -> NDArray[Any]:
    stacked = np.stack(rows)
    scaled: NDArray[Any] = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return scaled


def sentence_folder(folder: Path, bert: Path, pooling: dict[str, Any], dense: bool = False) -> Path:
    """A sentence-transformers folder of ``bert``; a dense layer turns its 8 numbers into 3."""
    from safetensors.numpy import save_file

    folder.mkdir()
    for file in bert.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    steps = [("Transformer", ""), ("Pooling", "1_Pooling"), *([("Dense", "2_Dense")] if dense else [])]
    steps.append(("Normalize", "3_Normalize"))
    modules = [
        {"idx": n, "type": f"sentence_transformers.models.{kind}", "path": path} for n, (kind, path) in enumerate(steps)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 8, **pooling}))
    if dense:
        (folder / "2_Dense").mkdir()
        config = {"in_features": 8, "out_features": 3, "activation_function": "torch.nn.modules.activation.Tanh"}
        (folder / "2_Dense" / "config.json").write_text(json.dumps(config))
        weights = np.arange(24, dtype=np.float32).reshape(3, 8) / 24
        bias = np.array([0.5, 0, -0.5], dtype=np.float32)
        save_file({"linear.weight": weights, "linear.bias": bias}, folder / "2_Dense" / "model.safetensors")
    return folder


def test_a_plain_bert_gives_the_mean(bert: Path) -> None:
    expected = unit([state.mean(axis=0) for state in states(bert, TEXTS)])
    np.testing.assert_allclose(opened(bert).encode(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, lambda x: x[0]),
        ({"pooling_mode_mean_tokens": True}, lambda x: x.mean(axis=0)),
        ({"pooling_mode_max_tokens": True}, lambda x: x.max(axis=0)),
        ({"pooling_mode": "cls"}, lambda x: x[0]),
    ],
)
def test_sentence_folders(bert: Path, tmp_path: Path, pooling: dict[str, Any], pooled: Any) -> None:
    folder = sentence_folder(tmp_path / "st", bert, pooling)
    expected = unit([pooled(state) for state in states(bert, TEXTS)])
    np.testing.assert_allclose(opened(folder).encode(TEXTS), expected, atol=1e-5)


def test_a_dense_layer_by_hand(bert: Path, tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "st", bert, {"pooling_mode_mean_tokens": True}, dense=True)
    weights = np.arange(24).reshape(3, 8) / 24
    expected = unit([np.tanh(weights @ state.mean(axis=0) + [0.5, 0, -0.5]) for state in states(bert, TEXTS)])
    encoder = opened(folder)
    assert encoder.dimension == 3
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)


def test_a_text_does_not_depend_on_its_company(bert: Path) -> None:
    encoder = opened(bert)
    texts = [*TEXTS, *("red " * n + "鞋" for n in range(9))]
    together = encoder.encode(texts)
    assert (together == np.concatenate([encoder.encode([text]) for text in texts])).all()
    assert not encoder.encode(["", "  "]).any()
    assert encoder.encode([]).shape == (0, 8)


def test_texts_are_cut_where_places_end(bert: Path) -> None:
    first, second = opened(bert).encode(["red " * 10 + "shoe", "red " * 10 + "鞋 " * 500])
    assert (first == second).all()


def test_a_stated_length_is_kept_to(bert: Path, tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "st", bert, {"pooling_mode_mean_tokens": True})
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4}))
    first, second = opened(folder).encode(["red shoe", "red shoe 鞋 步"])
    assert (first == second).all()


def test_the_name_is_the_content(bert: Path, tmp_path: Path) -> None:
    first = sentence_folder(tmp_path / "st", bert, {"pooling_mode_mean_tokens": True})
    (tmp_path / "moved").mkdir()
    second = sentence_folder(tmp_path / "moved" / "st", bert, {"pooling_mode_mean_tokens": True})
    assert opened(first).model_id == opened(second).model_id
    (second / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert opened(first).model_id != opened(second).model_id


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ([{"type": "x.Transformer", "path": ""}, {"type": "x.WordWeights", "path": ""}], "a step 'WordWeights'"),
        ([{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": ""}], "is not one of cls, mean"),
    ],
)
def test_what_cannot_be_followed_is_named(bert: Path, tmp_path: Path, modules: Any, message: str) -> None:
    folder = sentence_folder(tmp_path / "st", bert, {"pooling_mode_mean_tokens": True})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(AssetError, match=message) as refused:
        opened(folder)
    assert "\n" not in refused.value.line


def test_broken_weights_are_named(bert: Path, tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path / "st", bert, {"pooling_mode_mean_tokens": True})
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(AssetError, match="the text model cannot be loaded"):
        opened(folder)


def test_without_torch(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "torch":
            raise ImportError("No module named 'torch'", name="torch")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match="needs the package 'torch'"):
        opened(bert)
