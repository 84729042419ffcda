"""Disguised texts are read as they are meant, and what is found is shown where it stands in the original."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.scenarios.community.moderation.folding import leet
from zhiyin.scenarios.community.moderation.tables import alike, parts, pictures, simplified, syllables
from zhiyin.scenarios.community.moderation.view import LONGEST, plain, views

SAME = [
    ("ｆｕｃｋ", "fuck"),
    ("𝓯𝓾𝓬𝓴", "fuck"),
    ("ⓕⓤⓒⓚ", "fuck"),
    ("🅵🆄🅲🅺", "fuck"),
    ("fu\u200bck", "fuck"),
    ("f\u202eu\u202cck", "fuck"),
    ("f\u00adu\ufe0fck", "fuck"),
    ("ѕһіt", "shit"),
    ("ϲυηt", "cunt"),
    ("nǐ mā", "ni ma"),
    ("fuuuuuck", "fuuck"),
    ("妳這個賤貨", "你这个贱货"),
    ("弓虽大", "强大"),
    ("氵去律", "法律"),
    ("贝戈戈人", "贱人"),
    ("🐶东西", "狗东西"),
    ("傻\u200b\u200c\u200d\u2060\ufeff逼", "傻逼"),
    ("Z̸a̷l̵g̶o̷", "zalgo"),
]


@pytest.mark.parametrize(("told", "meant"), SAME)
def test_signs_are_folded(told: str, meant: str) -> None:
    assert plain(told) == meant


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("f.u.c.k", "fuck"),
        ("f u c k y o u", "fuckyou"),
        ("傻 逼", "傻逼"),
        ("傻 * 逼", "傻逼"),
        ("狗.杂_种", "狗杂种"),
        ("sh1t a55hole b!tch", "shit asshole bitch"),
        ("弓 虽", "强"),
    ],
)
def test_words_are_put_together(told: str, meant: str) -> None:
    assert views(told).tight.text == meant


@pytest.mark.parametrize(
    "text",
    [
        "Привет, мир",
        "γεια σου",
        "30cm a4 user2024",
        "真傻。逼我去",
        "a b",
        "I have a dog",
        "naive 你好, 世界",
        "女也可以",
    ],
)
def test_what_is_no_disguise_is_left_alone(text: str) -> None:
    assert views(text).tight.text == text.lower()


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_every_sign_comes_from_somewhere(text: str) -> None:
    read = views(text)
    for view in (read.plain, read.tight):
        assert len(view.text) == len(view.starts) == len(view.ends)
        for place in range(len(view.text)):
            start, end = view.span(place, place + 1)
            assert 0 <= start < end <= len(text)
        assert list(view.starts) == sorted(view.starts)
    assert len(read.sounds) == len(read.tight.text)


@given(st.lists(st.sampled_from("傻逼fuck sh1t*.\u200b氵去弓虽賤🐶ѕ0"), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = plain(text)
    # Parts may come to stand beside each other once others are joined; drawn-out letters are already cut.
    assert plain(plain(once)) == plain(once)


def test_a_place_points_at_the_original() -> None:
    text = "前 傻\u200b * 逼 后"
    read = views(text)
    start = read.tight.text.index("傻逼")
    assert text[slice(*read.tight.span(start, start + 2))] == "傻\u200b * 逼"


def test_long_texts_are_read_to_a_point() -> None:
    assert len(views("好的" * LONGEST).plain.text) == LONGEST


def test_leet_keeps_lengths() -> None:
    for word in ("h3ll0", "a4", "30cm", "b!tch", "$h1t", "covid19"):
        assert len(leet(word)) == len(word)
    assert (leet("covid19"), leet("h3ll0")) == ("covid19", "hello")


def test_tables_are_sound() -> None:
    assert simplified()["賤"] == "贱"
    assert all(len(one) == len(other) == 1 for one, other in simplified().items())
    assert set(alike().values()) <= set("abcdefghijklmnopqrstuvwxyz")
    assert not any(sign.isascii() and sign.isalnum() for sign in alike())
    assert len(syllables()) > 6_000
    assert syllables()["傻"] == ("sha",)
    assert parts().whole["弓虽"] == "强"
    assert pictures()["🐶"] == "狗"


@pytest.mark.parametrize("signs", ["@$", "@!", "1!", "a!", "a1", "|@"])
def test_a_text_of_signs_takes_no_time(signs: str) -> None:
    began = time.perf_counter()
    views(signs * LONGEST)
    assert time.perf_counter() - began < 1.5
