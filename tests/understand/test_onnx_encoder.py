"""ONNX files as encoders: inputs found by name and type, outputs pooled or taken as they are, refusals in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from zhiyin import assets
from zhiyin.config import EncoderSettings
from zhiyin.errors import AssetError, ConfigError
from zhiyin.ports import Encoder, Silent
from zhiyin.testing.onnx_file import Node, Value, write_onnx
from zhiyin.understand.encoder import ENGLISH, make_encoder
from zhiyin.understand.folder_encoder import open_encoder
from zhiyin.understand.onnx_encoder import OnnxEncoder

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "shoe", "红", "鞋", "跑"]
TABLE = np.random.default_rng(0).standard_normal((len(WORDS), 6)).astype(np.float32)
ROWS = {"red shoe": [2, 4, 5, 3], "红鞋": [2, 6, 7, 3], "跑": [2, 8, 3], "red 红 鞋 shoe": [2, 4, 6, 7, 5, 3]}


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder.mkdir(exist_ok=True)
    tokenizer = Tokenizer(models.WordPiece({word: row for row, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def write_model(
    folder: Path,
    *,
    integer: str = "int64",
    shape: tuple[int | str, int | str] = ("b", "t"),
    names: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"),
    ready: bool = False,
) -> None:
    """Looks its tokens up in ``TABLE``, adds the token type, and blots out what the mask hides; with ``ready`` the sum
    over tokens comes out instead."""
    inputs = [Value(name, integer, shape) for name in names]
    nodes = [Node("Gather", ["table", names[0]], ["state"], {})]
    last = "state"
    for number, name in enumerate(names[1:]):
        nodes += [
            Node("Cast", [name], [f"f{number}"], {"to": 1}),
            Node("Unsqueeze", [f"f{number}", "axis"], [f"w{number}"], {}),
            Node("Mul" if "mask" in name else "Add", [last, f"w{number}"], [f"s{number}"], {}),
        ]
        last = f"s{number}"
    if ready:
        nodes += [Node("ReduceSum", [last, "one"], ["sentence_embedding"], {"keepdims": 0})]
        outputs = [Value("token_embeddings", "float", ("b", "t", 6)), Value("sentence_embedding", "float", ("b", 6))]
    else:
        outputs = [Value("last_hidden_state", "float", ("b", "t", 6))]
    nodes.append(Node("Identity", [last], [outputs[0].name], {}))
    arrays: dict[str, NDArray[Any]] = {"table": TABLE, "axis": np.array([2]), "one": np.array([1])}
    write_tokenizer(folder)
    write_onnx(folder / "model.onnx", nodes, inputs, outputs, arrays)


def unit(rows: list[NDArray[Any]]) -> NDArray[Any]:
    stacked = np.stack(rows)
    scaled: NDArray[Any] = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return scaled


def opened(path: Path, maximum: int = 128) -> Encoder:
    return open_encoder(str(path), maximum, Silent())


@pytest.mark.parametrize("integer", ["int32", "int64"])
@pytest.mark.parametrize(
    "names",
    [
        ("input_ids",),
        ("input_ids", "attention_mask"),
        ("input_ids", "attention_mask", "token_type_ids"),
        ("serving_default_input_word_ids:0", "serving_default_input_mask:0", "serving_default_input_type_ids:0"),
    ],
)
def test_mean_by_hand(tmp_path: Path, integer: str, names: tuple[str, ...]) -> None:
    write_model(tmp_path, integer=integer, names=names)
    encoder = opened(tmp_path)
    assert encoder.dimension == 6
    expected = unit([TABLE[tokens].mean(axis=0) for tokens in ROWS.values()])
    np.testing.assert_allclose(encoder.encode(list(ROWS)), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, "t"), ("b", 7), (1, 7), (3, 7)])
def test_fixed_sizes_are_filled_up(tmp_path: Path, shape: tuple[int | str, int | str]) -> None:
    write_model(tmp_path / "open")
    write_model(tmp_path / "fixed", shape=shape)
    texts = [*ROWS, "red " * 50]
    fixed = opened(tmp_path / "fixed").encode(texts)
    np.testing.assert_allclose(fixed, opened(tmp_path / "open", 7 if shape[1] == 7 else 128).encode(texts), rtol=1e-5)


def test_a_ready_vector_is_taken_as_it_is(tmp_path: Path) -> None:
    write_model(tmp_path, ready=True)
    expected = unit([TABLE[tokens].sum(axis=0) for tokens in ROWS.values()])
    np.testing.assert_allclose(opened(tmp_path).encode(list(ROWS)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("config", "pooled"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, lambda x: x[0]),
        ({"pooling_mode_max_tokens": True}, lambda x: x.max(axis=0)),
        ({"pooling_mode": "lasttoken"}, lambda x: x[-1]),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, lambda x: np.r_[x.mean(0), x.max(0)]),
        ({"pooling_mode": "weightedmean"}, lambda x: np.average(x, axis=0, weights=np.arange(len(x)) + 1)),
    ],
)
def test_pooling_of_a_sentence_folder_with_the_file_in_onnx(tmp_path: Path, config: Any, pooled: Any) -> None:
    write_model(tmp_path / "onnx")
    (tmp_path / "onnx" / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""}]
    modules.append({"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"})
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(config))
    for place in (tmp_path, tmp_path / "onnx" / "model.onnx"):
        expected = unit([pooled(TABLE[tokens]) for tokens in ROWS.values()])
        np.testing.assert_allclose(opened(place).encode(list(ROWS)), expected, rtol=1e-5)


def test_a_bert_vocabulary_without_tokenizer_json(tmp_path: Path) -> None:
    write_model(tmp_path)
    expected = opened(tmp_path).encode(list(ROWS))
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    assert (opened(tmp_path).encode(list(ROWS)) == expected).all()


def test_a_text_does_not_depend_on_its_company(tmp_path: Path) -> None:
    write_model(tmp_path, shape=(3, "t"))
    encoder = opened(tmp_path)
    texts = ["red shoe " * n + "红" for n in range(40)]
    together = encoder.encode(texts)
    assert (together == np.concatenate([encoder.encode([text]) for text in texts])).all()
    assert not encoder.encode(["", " \n"]).any()


def test_the_name_is_the_content(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    write_model(tmp_path / "a b" / "知音")
    shutil.copytree(tmp_path / "a b" / "知音", tmp_path / "copy")
    first, second = opened(tmp_path / "a b" / "知音"), opened(tmp_path / "copy")
    assert first.model_id == second.model_id
    (tmp_path / "copy" / "config.json").write_text('{"max_position_embeddings": 4}')
    third = opened(tmp_path / "copy")
    assert third.model_id != first.model_id
    assert third.model_id != opened(tmp_path / "copy", 64).model_id
    assert (third.encode(["red shoe red shoe"]) == third.encode(["red shoe"])).all()


def test_raw_text_and_unknown_inputs_are_refused(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    strings = [Value("text", "string", ("b",))]
    write_onnx(
        tmp_path / "model.onnx",
        [Node("Identity", ["text"], ["out"], {})],
        strings,
        [Value("out", "string", ("b",))],
        {},
    )
    with pytest.raises(AssetError, match="'text' is raw text") as refused:
        opened(tmp_path)
    assert "tf2onnx" in refused.value.line
    pixels = [Value("pixel_values", "float", ("b", 3))]
    write_onnx(
        tmp_path / "model.onnx",
        [Node("Identity", ["pixel_values"], ["out"], {})],
        pixels,
        [Value("out", "float", ("b", 3))],
        {},
    )
    with pytest.raises(AssetError, match=r"'pixel_values'.*is not known"):
        opened(tmp_path)


def test_broken_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="no text model is there"):
        opened(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"\xff\xff not a model")
    with pytest.raises(AssetError, match="the text model cannot be loaded"):
        opened(tmp_path)
    write_model(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(AssetError, match=r"neither tokenizer\.json nor vocab\.txt"):
        opened(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(AssetError, match="TensorFlow"):
        opened(tmp_path)
    with pytest.raises(ConfigError, match="there is no encoder 'nowhere at all'"):
        open_encoder("nowhere at all", 128, Silent())


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(AssetError, match="cannot fetch the text model 'someone/no-such-encoder'"):
        open_encoder("someone/no-such-encoder", 128, Silent())


def test_the_packaged_model_by_path_is_the_one_by_name(english: Encoder) -> None:
    folder = assets.get(ENGLISH)
    for place in (folder, folder / "model.onnx"):
        by_path = make_encoder(EncoderSettings.model_construct(model=str(place), maximum_tokens=128), ["text"])
        assert isinstance(by_path, OnnxEncoder)
        texts = ["hello world", "", "Running shoes, 知音 😀", "word " * 300]
        assert (by_path.encode(texts) == english.encode(texts)).all()
