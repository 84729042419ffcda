"""What is taken out of texts before they leave the machine, and what stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.llm.redact import is_card, is_chinese_id, redact


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to zhang.san+news@mail.example.com today", "write to [e-mail] today"),
        ("请发到zhang@example.cn，谢谢", "请发到[e-mail]，谢谢"),
        ("手机13800138000请联系", "手机[phone]请联系"),
        ("手机：138 0013 8000。", "手机：[phone]。"),
        ("手机１３８００１３８０００", "手机[phone]"),
        ("ａ＠ｂ．cn", "[e-mail]"),
        ("座机010-62345678", "座机[phone]"),
        ("+86 138 0013 8000", "[phone]"),
        ("+44 20 7946 0958 is London", "[phone] is London"),
        ("call (415) 555-0132 or 415-555-0132", "call [phone] or [phone]"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        ("卡号6222021234567890128", "卡号[card]"),
        ("卡号4111111111111111", "卡号[card]"),
        ("5500-0000-0000-0004", "[card]"),
        ("身份证11010519491231002X，", "身份证[id]，"),
        ("身份证11010519491231002x", "身份证[id]"),
        ("id 440524188001010014", "id [id]"),
    ],
)
def test_what_goes(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "《流浪地球2》2023 年，豆瓣 8.3 分",
        "ISBN 978-7-5366-9293-0",
        "9787536692930",
        "B00NR1YQHM 250 ml, 12-pack, $3.99",
        "order 4111111111111112",
        "time 1600000000 and 1600000000000000",
        "110105194912310021",
        "11010519491331002X",
        "item/茶 1 号, 2019-10-12 10:30:00",
        "user@home",
        "version 10.0.19045.3086",
        "1,000,000,000 views",
        "SKU13800138000X",
    ],
)
def test_what_stays(text: str) -> None:
    assert redact(text) == text


def test_checksums() -> None:
    assert is_card("378282246310005")
    assert not is_card("378282246310006")
    assert not is_card("0000000000000000")
    assert is_chinese_id("11010519491231002X")
    assert not is_chinese_id("110105194912310029")
    assert not is_chinese_id("11010519490231002X")


@given(st.integers(min_value=10**14, max_value=10**15 - 1), st.sampled_from(["", "号", " ", "，"]))
def test_every_number_with_a_right_checksum_goes(body: int, around: str) -> None:
    body = 4 * 10**14 + body % 10**14
    card = next(f"{body}{last}" for last in range(10) if is_card(f"{body}{last}"))
    assert redact(f"{around}{card}{around}") == f"{around}[card]{around}"


@given(st.text())
def test_any_text(text: str) -> None:
    once = redact(text)
    assert redact(once) == once
