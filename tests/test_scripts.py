from __future__ import annotations

import pytest

from zhiyin.scripts import is_han, language_of


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (["Green tea", "x"], "en"),
        (["绿茶 tea", "红茶"], "zh"),
        (["流浪地球", "Tea"], "zh"),
        (["Green tea 茶"], "en"),
        (["《流浪地球》 (2019)"], "zh"),
        ([], "en"),
        (["12", "🎵"], "en"),
    ],
)
def test_language(texts: list[str], language: str) -> None:
    assert language_of(texts) == language


def test_chinese_characters() -> None:
    assert all(map(is_han, "茶〇㐀"))
    assert not any(map(is_han, "aあ한，《1"))
