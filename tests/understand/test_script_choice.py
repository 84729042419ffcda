from __future__ import annotations

import pytest

from zhiyin.understand.script import choose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OPI Nail Lacquer, 0.5-Fluid Ounce", "english"),
        ("Crème brûlée für Große, Łódź, Việt Nam", "english"),
        ("β-carotene 100 μg ½ ™ 😀 ＡＢＣ", "multilingual"),
        ("β-carotene ½ ™ 😀 ＡＢＣ ﬁne", "english"),
        ("苹果手机壳 iPhone 15", "multilingual"),
        ("Крем для рук", "multilingual"),
        ("ハンドクリーム", "multilingual"),
        ("핸드크림", "multilingual"),
        ("كريم اليدين", "multilingual"),
        ("", "english"),
    ],
)
def test_one_text(text: str, expected: str) -> None:
    assert choose([text]) == expected


def test_share_of_texts_decides() -> None:
    assert choose(["hand cream"] * 96 + ["护手霜护手霜"] * 4) == "english"
    assert choose(["hand cream"] * 95 + ["护手霜护手霜"] * 5) == "multilingual"
    assert choose(["", "  "] * 500 + ["hand cream"] * 95 + ["护手霜护手霜"] * 5) == "multilingual"


def test_sample_covers_the_whole_of_a_large_catalogue() -> None:
    assert choose(["hand cream"] * 90_000 + ["护手霜"] * 10_000) == "multilingual"


def test_no_texts() -> None:
    assert choose([]) == "english"
