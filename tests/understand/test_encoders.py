"""What both real encoders must do, and the token numbers each must give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin.config import EncoderSettings
from zhiyin.errors import AssetError
from zhiyin.ports import Encoder
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.minilm import MiniLM
from zhiyin.understand.multilingual import MultilingualUSE

ENGLISH_TRIPLES = [
    ("red nail polish", "crimson lacquer for nails", "dog food for puppies"),
    ("wireless headphones", "bluetooth earphones", "garden hose"),
    ("a film about space travel", "science fiction movie with rockets", "romantic comedy in Paris"),
]
OTHER_TRIPLES = [
    ("央行宣布下调存款利率", "银行降息了", "这家餐厅的面条很好吃"),
    ("我喜欢踢足球", "足球比赛很精彩", "股票价格大幅下跌"),
    ("red nail polish", "红色指甲油", "狗粮"),
    ("Laufschuhe", "zapatillas para correr", "リビングのランプ"),
]
ODD = ["", " \n\t", "a", "知音 😀", "x/y \"z\" 'w'", "\x00\u200b", "<b>bold</b>", "word " * 5000, "长" * 5000]


@pytest.mark.parametrize(("text", "near", "far"), ENGLISH_TRIPLES)
def test_english_meaning(encoder: Encoder, text: str, near: str, far: str) -> None:
    vectors = encoder.encode([text, near, far])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@pytest.mark.parametrize(("text", "near", "far"), OTHER_TRIPLES)
def test_meaning_across_languages(multilingual: Encoder, text: str, near: str, far: str) -> None:
    vectors = multilingual.encode([text, near, far])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_unit_rows_and_zeros_for_blank(encoder: Encoder) -> None:
    vectors = encoder.encode(ODD)
    assert vectors.shape == (len(ODD), encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [0, 0, *[1] * (len(ODD) - 2)], atol=1e-5)


def test_no_texts(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_a_text_does_not_depend_on_its_company(encoder: Encoder) -> None:
    texts = [f"item number {n} 知音" + " and more" * (n % 7) for n in range(60)]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    backwards = encoder.encode(texts[::-1])[::-1]
    assert (together == alone).all()
    assert (together == backwards).all()


def test_same_text_same_row(encoder: Encoder) -> None:
    vectors = encoder.encode(["twice", "", "once", "twice"])
    assert (vectors[0] == vectors[3]).all()
    assert not (vectors[0] == vectors[2]).all()


def test_longer_texts_are_cut(encoder: Encoder) -> None:
    start = "one two three four five six seven eight nine ten " * 40
    first, second = encoder.encode([start + "dog", start + "cat"])
    assert (first == second).all()


def test_maximum_is_part_of_the_name(english: Encoder) -> None:
    short = make_encoder(EncoderSettings(model="english", maximum_tokens=8), ["x"])
    assert short is not None
    assert short.model_id != english.model_id
    text = "alpha beta gamma delta epsilon zeta eta theta iota"
    assert not (short.encode([text]) == english.encode([text])).all()


def test_english_token_numbers(english: Encoder) -> None:
    assert isinstance(english, MiniLM)
    assert english.tokenise(["hello world", "Running shoes, 知音 😀"]) == [
        [101, 7592, 2088, 102],
        [101, 2770, 6007, 1010, 100, 100, 100, 102],
    ]


def test_multilingual_token_numbers(multilingual: Encoder) -> None:
    """The numbers that the reference tokeniser gives, full-width and composed characters included."""
    assert isinstance(multilingual, MultilingualUSE)
    texts = {
        "hello world": [1, 6, 27492, 1017, 2],
        "  hello \t\n world ": [1, 6, 27492, 1017, 2],
        "今天的天气很好，我们去公园散步吧": [
            1,
            6,
            6851,
            36895,
            2849,
            319,
            156,
            7,
            3604,
            276,
            33760,
            4809,
            2606,
            654,
            2,
        ],
        "ＡＢＣ　１２３  ①": [1, 13514, 26690, 116, 2],
        'a/b "q" 知音 cafe\u0301': [1, 10, 38, 305, 6, 26, 445, 26, 6, 1409, 1020, 15567, 2],
        "ᚠᚢᚦ runes": [1, 6, 0, 1554, 97, 2],
    }
    assert multilingual.tokenise(list(texts)) == list(texts.values())


def test_english_reference(english: Encoder) -> None:
    """First numbers of "hello world" as the sentence-transformers model in full precision gives them, but for int8."""
    first = english.encode(["hello world"])[0, :5]
    np.testing.assert_allclose(first, [-0.0345, 0.0310, 0.0067, 0.0261, -0.0394], atol=1e-2)


def test_multilingual_reference(multilingual: Encoder) -> None:
    """Cosines that the original model gives; ours keeps its word pieces in 6 bits."""
    texts = ["hello world", "bonjour le monde", "你好，世界", "stock prices fell sharply today", "今天股价大幅下跌"]
    expected = [
        [1.000, 0.750, 0.675, 0.022, 0.040],
        [0.750, 1.000, 0.665, 0.088, 0.121],
        [0.675, 0.665, 1.000, 0.004, 0.050],
        [0.022, 0.088, 0.004, 1.000, 0.837],
        [0.040, 0.121, 0.050, 0.837, 1.000],
    ]
    vectors = multilingual.encode(texts)
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=0.05)


def test_none_and_nothing_to_encode() -> None:
    assert make_encoder(EncoderSettings(model="none"), ["text"]) is None
    assert make_encoder(EncoderSettings(), ["", "  "]) is None


def test_auto_follows_the_script(english: Encoder, multilingual: Encoder) -> None:
    for texts, expected in ((["red shoes"], english), (["红色的鞋"], multilingual)):
        chosen = make_encoder(EncoderSettings(), texts)
        assert chosen is not None
        assert chosen.model_id == expected.model_id


@pytest.mark.parametrize("model", [MiniLM, MultilingualUSE])
def test_broken_files_are_named(model: type[MiniLM] | type[MultilingualUSE], tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json", "sp.model", "weights.npz"):
        (tmp_path / name).write_bytes(b"\xff\xff\xff\xff not a model")
    with pytest.raises(AssetError, match="the text model cannot be loaded"):
        model(tmp_path, "broken", 128)
