"""Requests in both languages, read by rules: what was written down by hand must come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.types import Tier
from zhiyin.understand.wishes.asked import Asked
from zhiyin.understand.wishes.lexicon import read_lexicon
from zhiyin.understand.wishes.parse import parse
from zhiyin.understand.wishes.vocabulary import Vocabulary
from zhiyin.understand.wishes.words import MOST
from zhiyin.understand.wishes.years import bounds_of, find_years

HERE = Path(__file__).parent
MISREAD = {
    # An idiom, taken for a wish against numbers.
    "Could you find me some good mystery films, but nothing by the numbers? No war.",
    # Four letters with a wrong one are not corrected, so the phrase is kept whole.
    "advnture and fantsy for kidz",
}


def cases() -> list[dict[str, Any]]:
    files = [HERE / "requests.jsonl", HERE / "requests_later.jsonl"]
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def wishes_of(asked: Asked) -> list[list[Any]]:
    return sorted([wish.text, wish.weight, wish.hard, wish.field] for wish in asked.wishes)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["text"])
def test_what_is_asked_is_understood(films: Any, case: dict[str, Any]) -> None:
    asked = parse(case["text"], films.vocabulary)
    right = wishes_of(asked) == sorted(case["wishes"]) and asked.k == case.get("k")
    assert right is (case["text"] not in MISREAD), wishes_of(asked)
    assert asked.tier is Tier.NONE


def test_language_and_titles_that_are_not_here(films: Any) -> None:
    asked = parse("我喜欢看科幻电影，最近看了《星际穿越》和《流浪地球》", films.vocabulary)
    assert asked.language == "zh"
    assert asked.unknown == ["星际穿越", "流浪地球"]
    assert asked.note == "not in this catalogue: 星际穿越, 流浪地球"
    assert parse("more comedies", films.vocabulary).language == "en"
    assert parse("more comedies", films.vocabulary).note is None
    assert json.loads(json.dumps(asked.to_dict()))["wishes"][0]["text"] == "Sci-Fi"


@pytest.mark.parametrize("text", ["", "   ", "!!!", "。。。", "hello", "推荐几部电影", "\x00\u200b", "《》", '""'])
def test_nothing_asked_gives_no_wish(films: Any, text: str) -> None:
    assert parse(text, films.vocabulary).empty


def test_a_long_request_is_cut(films: Any) -> None:
    asked = parse("comedy " + "x" * 3 * MOST + " no horror", films.vocabulary)
    assert all(wish.text != "Horror" for wish in asked.wishes)
    many = parse(", ".join(f"《没有的书{number}》" for number in range(400)), films.vocabulary)
    assert len(many.wishes) <= 40


CUES = [
    "no ",
    "不要",
    "more ",
    "少一点",
    "only ",
    "但是",
    ", ",
    "，",
    "or ",
    "和",
    "《",
    "》",
    '"',
    "by ",
    "90s",
    "1995年以后",
    "like ",
]
NAMES = [
    "horror",
    "科幻",
    "Toy Story",
    "war",
    "恐怖片",
    "喜剧",
    "unknown thing",
    "不知道什么",
    "{}",
    "</data>",
    "\u202e",
    "🎬",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(CUES + NAMES), st.text(max_size=12)), max_size=14))
def test_any_text_gives_wishes_within_bounds(film_words: Vocabulary, parts: list[str]) -> None:
    vocabulary = film_words
    asked = parse("".join(parts), vocabulary)
    assert asked == parse("".join(parts), vocabulary)
    for wish in asked.wishes:
        assert -1 <= wish.weight <= 1
        assert wish.weight != 0
        assert wish.field in vocabulary.fields
        assert wish.text.strip()
        assert wish.field != "year" or bounds_of(wish.text) is not None
        assert not any("\ue000" <= character <= "\uf8ff" for character in wish.text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("from the 90s", ["1990-1999"]),
        ("the early 1980s", ["1980-1984"]),
        ("the nineties", ["1990-1999"]),
        ("the 2010s", ["2010-2019"]),
        ("in 1995", ["1995-1995"]),
        ("before 2000", ["-1999"]),
        ("before the 70s", ["-1969"]),
        ("after 1995", ["1996-"]),
        ("since 1995", ["1995-"]),
        ("1995 or later", ["1995-"]),
        ("between 1990 and 1995", ["1990-1995"]),
        ("1995-1990", ["1990-1995"]),
        ("1995年以后", ["1995-"]),
        ("1995年以前", ["-1994"]),
        ("1995年的", ["1995-1995"]),
        ("一九九五年之前", ["-1994"]),
        ("九十年代", ["1990-1999"]),
        ("上世纪八十年代", ["1980-1989"]),
        ("20世纪90年代", ["1990-1999"]),
        ("本世纪一零年代", ["2010-2019"]),
        ("八九十年代", ["1980-1999"]),
        ("七十年代和九十年代", ["1970-1979", "1990-1999"]),
        ("1990年到1995年", ["1990-1995"]),
        ("iPhone 12 and 100 others", []),
        ("order 19951", []),
    ],
)
def test_years(text: str, bounds: list[str]) -> None:
    assert [years.text for years in find_years(text)] == bounds


def test_around_is_a_leaning(films: Any) -> None:
    wish = parse("comedies around 1995", films.vocabulary).wishes
    assert [one.hard for one in wish if one.field == "year"] == [False]
    assert bounds_of("-") is None
    assert bounds_of("x") is None
    assert bounds_of("1995") == (1995, 1995)


def test_the_lexicon_can_be_extended(films: Any) -> None:
    more = read_lexicon().extended([["science fiction", "space opera", "太空史诗"]])
    wider = Vocabulary.of(films.catalogue, films.attributes, lexicon=more)
    for text in ("太空史诗", "space operas"):
        assert wishes_of(parse(text, wider)) == [["Sci-Fi", 1.0, False, "category"]]
    assert wishes_of(parse("太空史诗", films.vocabulary)) == [["太空史诗", 1.0, False, "any"]]


def test_no_name_means_two_things() -> None:
    lexicon = read_lexicon()
    names = [lexicon.key(name) for line in lexicon.names for name in line]
    assert len(names) == len(set(names))
    assert not set(names) & lexicon.cues.keys()
