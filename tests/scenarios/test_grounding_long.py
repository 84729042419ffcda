"""Texts that nobody writes, and somebody sends: they take no time, and fail nowhere."""

from __future__ import annotations

import time

import pytest

from zhiyin.explain.numbers import numbers
from zhiyin.scenarios.content.writing.article import Article
from zhiyin.scenarios.content.writing.headlines import LONGEST, candidates
from zhiyin.scenarios.grounding import Fact, Source, check

SOURCE = Source([Fact("title", "Acme cotton shirt, 12 oz"), Fact("weight", "12 oz"), Fact("material", "cotton")])


@pytest.mark.parametrize(
    "text",
    [
        "1" * 40 + "a1",
        "a-" * 20_000,
        "1-" * 5_000,
        "12," * 5_000,
        "1" + " " * 50_000 + "b",
        "hundred " * 2_000,
        "零一" * 10_000,
        "一万" * 5_000,
        "9" * 6_000 + "/3",
        "1/" + "9" * 6_000,
    ],
    ids=lambda text: text[:6],
)
def test_a_check_takes_no_time(text: str) -> None:
    began = time.perf_counter()
    for language in ("en", "zh"):
        check(text, SOURCE, language)
    assert time.perf_counter() - began < 5


def test_what_is_no_number_comes_to_infinity() -> None:
    assert [one.value for one in numbers("一万" * 500)] == [5_000_000]
    assert [one.value for one in numbers("九" * 500)] == [float("inf")]
    assert [one.value for one in numbers("hundred " * 500)] == [float("inf")]


def test_prices_keep_their_signs() -> None:
    source = Source([Fact("price", "$ 12.50")])
    assert check("It costs $ 12.50.", source, "en", allowed=["costs"]).kept
    assert not check("It costs € 12.50.", source, "en", allowed=["costs"]).kept


def test_no_headline_is_made_of_a_list_without_end() -> None:
    article = Article.of("The city council voted to close the street, people say. " + "one and two, " * 2_000, "", "en")
    assert any(len(one.text) > LONGEST for one in article.sentences)
    began = time.perf_counter()
    found = candidates(article, [])
    assert time.perf_counter() - began < 2
    assert all(place == 0 for one in found for place in one.sentences)
