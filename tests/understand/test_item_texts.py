from __future__ import annotations

import pytest

from zhiyin.understand.texts import DESCRIPTION_CHARACTERS, item_text, plain, shorten


def test_order() -> None:
    assert item_text("Red shoe", "Runs well.", ["Sport", "Shoes"]) == "Red shoe, Sport, Shoes. Runs well."


@pytest.mark.parametrize(
    ("title", "description", "categories", "expected"),
    [
        ("", None, [], ""),
        (None, "", [""], ""),
        ("  ", "<p></p>", ["\n"], ""),
        ("T", None, [], "T"),
        (None, None, ["A", "", "B"], "A, B"),
        (None, "D", [], "D"),
        ("红色跑鞋", "轻便 & 透气", ["运动", "鞋"], "红色跑鞋, 运动, 鞋. 轻便 & 透气"),
    ],
)
def test_missing_parts(title: str | None, description: str | None, categories: list[str], expected: str) -> None:
    assert item_text(title, description, categories) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u00a0b\u3000c\r\n\td", "a b c d"),
        ("a\x00b\x7fc", "a b c"),
        ("<p>One<br/>two</p><ul><li>three</li></ul>", "One two three"),
        ("Tom &amp; Jerry &lt;3 &#x77e5;&#38899;", "Tom & Jerry <3 知音"),
        ("<script>var a = '<b>';</script>kept<style>p{}</style>", "kept"),
        ("<!-- gone -->kept", "kept"),
        ("unclosed <b>bold", "unclosed bold"),
        ("I <3 you, 1 < 2 & 3 > 2", "I <3 you, 1 < 2 & 3 > 2"),
        ("AT&T R&D", "AT&T R&D"),
        ("half \ud83d pair", "half ? pair"),
        ('quote " and / slash 😀', 'quote " and / slash 😀'),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_long_descriptions_are_cut_after_a_word() -> None:
    text = item_text("T", "word " * 1000, [])
    assert len(text) <= DESCRIPTION_CHARACTERS + len("T. ")
    assert text.endswith("word")
    assert shorten("长" * 1000, 10) == "长" * 10
    assert shorten("ab cd", 5) == "ab cd"
