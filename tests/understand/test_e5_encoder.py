"""multilingual-e5-small out of its packed file: the numbers of its own engine, and what every encoder must do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zhiyin import assets
from zhiyin.errors import AssetError, ZhiyinError
from zhiyin.understand.e5 import PACKED, MultilingualE5, unpack
from zhiyin.understand.encoder import E5

TEXTS = ["hello world", "你好，世界", "stock prices fell sharply today", "今天股价大幅下跌"]


@pytest.fixture(scope="module")
def e5() -> MultilingualE5:
    try:
        folder = assets.get(E5)
    except ZhiyinError as error:
        pytest.skip(f"the e5 encoder cannot be fetched here: {error.line}")
    return MultilingualE5(folder, folder.name, 128)


def test_the_numbers_of_the_packages_own_engine(e5: MultilingualE5) -> None:
    """That engine rounds activations to 8 bits; cosines with it were 0.9999 for these texts."""
    vectors = e5.encode(TEXTS)
    first = [[0.0443, 0.0206, -0.0432, -0.0524, 0.0650], [0.0645, 0.0022, -0.0511, -0.0205, 0.1018]]
    np.testing.assert_allclose(vectors[:2, :5], first, atol=2e-3)
    expected = [[1, 0.890, 0.769, 0.784], [0.890, 1, 0.738, 0.849], [0.769, 0.738, 1, 0.895], [0.784, 0.849, 0.895, 1]]
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=5e-3)


def test_token_numbers(e5: MultilingualE5) -> None:
    assert e5.tokenise(["hello world", "  hello \t\n world "]) == [[0, 41, 1294, 12, 33600, 31, 8999, 2]] * 2
    chinese = [6, 99706, 70871, 29787, 4, 1535, 1677, 77493, 188955, 4502]
    assert e5.tokenise(["今天的天气很好，我们去公园散步吧"]) == [[0, 41, 1294, 12, *chinese, 2]]


def test_a_text_does_not_depend_on_its_company(e5: MultilingualE5) -> None:
    texts = [f"item {n} 知音" + " more" * (n % 4) for n in range(12)]
    together = e5.encode(texts)
    assert (together == np.concatenate([e5.encode([text]) for text in texts])).all()
    vectors = e5.encode(["", " \n", "a", "长" * 3000])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [0, 0, 1, 1], atol=1e-5)


def test_unpacking_by_hand() -> None:
    block = np.zeros((1, 1), dtype=PACKED)
    block["scale"] = 0.5
    block["nibbles"] = np.arange(16) | (np.arange(16)[::-1] << 4)
    weights = unpack(block)[0]
    assert weights.tolist() == [0.5 * (n - 8) for n in (*range(16), *range(15, -1, -1))]


@pytest.mark.parametrize("content", [b"", b"E5S1", b"\xff" * 200, b"E5S1" + b"\0" * 200])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e5-small-q4.bin").write_bytes(content)
    with pytest.raises(AssetError, match="the text model cannot be loaded"):
        MultilingualE5(tmp_path, "broken", 128)
