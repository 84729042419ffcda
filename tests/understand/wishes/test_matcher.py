"""What a rule lets through, to the item, and how well items answer a wish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zhiyin.errors import UsageError
from zhiyin.types import Wish
from zhiyin.understand.wishes.matcher import TEXT, Matcher
from zhiyin.understand.wishes.parse import parse
from zhiyin.understand.wishes.rank import EDIT, rank, scored, standardised
from zhiyin.understand.wishes.vocabulary import Vocabulary, by_line, ways_to_write

MISSION = "我喜欢看科幻电影，最近看了《星际穿越》和《流浪地球》"


def left_out(books: Matcher, text: str) -> set[int]:
    return set(np.flatnonzero(~books.allowed(parse(text, books.vocabulary).wishes)).tolist())


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("no horror", {2, 3, 4, 6}),  # two by category, two by the words of their titles
        ("不要恐怖", {2, 3, 4, 6}),
        ("nothing by Stephen King", {2, 3}),
        ("no books by King", {2, 3}),
        ("but not by Jane Doe", {4}),  # a by-line in the title
        ("不要刘慈欣的书", {0, 1}),
        ("不想看科幻", {0, 1}),
        ("no science fiction", {0, 1}),
        ("nothing published by Random House", {7}),
        ("nothing about space travel", {7}),  # a topic
        ("no poetry", {5}),
        ("not calm", {7}),  # an attribute that was read
        ("no misery", {3}),  # a word of a title
        ("only poetry", {0, 1, 2, 3, 4, 6, 7}),
        ("only science fiction or poetry", {2, 3, 4, 6, 7}),
        ("before 1980", {0, 1, 3, 4, 5, 6, 7}),  # what has no year is of no year
        ("nothing before 1980", {2}),  # ... and is not removed either
        ("不要《三体》", {0}),
        ("no horror from the 80s", {3}),
        ("no gardening", set()),
    ],
)
def test_rules_are_obeyed_exactly(books: Matcher, text: str, gone: set[int]) -> None:
    assert left_out(books, text) == gone


def test_leanings_remove_nothing(books: Matcher) -> None:
    for text in ("less horror", "更多科幻", "I like poetry", "恐怖少一点"):
        assert left_out(books, text) == set()


def test_every_category_of_the_films_in_both_languages(films: Any) -> None:
    """ "No X" leaves nothing of X, and takes besides only what has X in its title."""
    matcher = Matcher(films.catalogue, films.vocabulary)
    for category in films.vocabulary.categories:
        if category == "unknown":
            continue
        names = [category, *films.vocabulary.lexicon.names_like(category)]
        assert len(names) > 2, f"the lexicon does not know {category}"
        for name in names:
            wishes = parse(f"不要{name}" if name[0] > "\u3000" else f"no {name}", films.vocabulary).wishes
            assert [wish.field for wish in wishes] == ["category"], name
            gone = set(np.flatnonzero(~matcher.allowed(wishes)).tolist())
            assert films.rows(category) <= gone
            for row in gone - films.rows(category):
                words = films.vocabulary.title_words[row]
                assert set(films.vocabulary.lexicon.key(category)) <= set(words)


def test_affinities_and_scores_are_bounded(matcher: Matcher) -> None:
    for text in ("more sci-fi, less horror", MISSION, "slow science fiction", "dinosaurs", "like Fargo", "about 1990"):
        wishes = parse(text, matcher.vocabulary).wishes
        for wish in wishes:
            affinity = matcher.affinity(wish)
            assert affinity.dtype == np.float32
            assert affinity.shape == (matcher.n_items,)
            assert 0 <= affinity.min() <= affinity.max() <= 1
        scores = matcher.scores(wishes)
        assert -1 <= scores.min() <= scores.max() <= 1
    assert not matcher.scores([]).any()


def test_saying_so_is_worth_more_than_sounding_like_it(matcher: Matcher, films: Any) -> None:
    affinity = matcher.affinity(Wish("Horror", 1.0, False, "category"))
    said = np.zeros(matcher.n_items, dtype=np.bool_)
    said[list(films.rows("Horror"))] = True
    assert (affinity[said] == 1).all()
    assert affinity[~said].max() <= TEXT


@pytest.mark.parametrize("with_history", [False, True])
def test_the_science_fiction_example(matcher: Matcher, films: Any, with_history: bool) -> None:
    """Titles that the catalogue does not have; every film that comes out is science fiction of the catalogue."""
    asked = parse(MISSION, matcher.vocabulary)
    base = np.random.default_rng(1).normal(size=matcher.n_items).astype(np.float32) if with_history else None
    ranked = rank(asked.wishes, matcher, 10, base=base)
    assert len(set(ranked.rows.tolist())) == 10
    assert set(ranked.rows.tolist()) <= films.rows("Sci-Fi")
    assert all(parts[0].wish.text == "Sci-Fi" for parts in ranked.parts)
    english = parse('I like science fiction films. I just watched "Interstellar".', matcher.vocabulary)
    assert set(rank(english.wishes, matcher, 10, base=base).rows.tolist()) <= films.rows("Sci-Fi")


def test_a_chinese_request_finds_english_titles_by_meaning(matcher: Matcher) -> None:
    """No category says "space travel": the multilingual vectors of titles and categories do."""
    rows = rank(parse("想看关于太空旅行的片子", matcher.vocabulary).wishes, matcher, 5).rows
    assert "Lost in Space" in [matcher.catalogue.titles[row] for row in rows]
    rows = rank(parse("movies about dinosaurs", matcher.vocabulary).wishes, matcher, 3).rows
    assert "Jurassic Park" in [matcher.catalogue.titles[row] for row in rows]


def test_like_a_film_gives_its_like_and_not_itself(matcher: Matcher) -> None:
    wishes = parse("movies like Toy Story", matcher.vocabulary).wishes
    ranked = rank(wishes, matcher, 10)
    assert "Toy Story" not in [matcher.catalogue.titles[row] for row in ranked.rows]
    assert all("Animation" in matcher.catalogue.categories[row] for row in ranked.rows[:5])
    kept = rank(wishes, matcher, 1, keep_named=True)
    assert matcher.catalogue.titles[kept.rows[0]] == "Toy Story"


def test_an_edit_leans_and_a_request_decides(matcher: Matcher, films: Any) -> None:
    wishes = [Wish("Horror", -0.6, False, "category")]
    base = np.random.default_rng(0).uniform(0, 1, matcher.n_items).astype(np.float32)
    horror = sorted(films.rows("Horror"))
    base[horror[:10]] = 1.05
    before = rank([], matcher, 10, base=base).rows
    after = rank(wishes, matcher, 10, base=base, weight=EDIT).rows
    assert set(before.tolist()) <= set(horror)
    assert not set(after.tolist()) & set(horror)


def test_lists_hold_what_is_allowed_and_no_more(books: Matcher) -> None:
    wishes = parse("only science fiction", books.vocabulary).wishes
    assert sorted(rank(wishes, books, 10).rows.tolist()) == [0, 1]
    allowed = np.ones(books.n_items, dtype=np.bool_)
    allowed[0] = False
    assert rank(wishes, books, 10, allowed=allowed).rows.tolist() == [1]
    base = np.full(books.n_items, -np.inf, dtype=np.float32)
    assert rank([], books, 3, base=base).rows.tolist() == []
    short = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    scores, candidates = scored([], books, base=short)
    assert candidates.all()
    assert np.isfinite(scores).all()
    with pytest.raises(UsageError):
        rank(wishes, books, 0)


def test_popularity_orders_what_wishes_leave_alike(books: Matcher) -> None:
    wishes = parse("science fiction", books.vocabulary).wishes
    popularity = np.array([1, 5, 100, 0, 0, 0, 0, 0], dtype=np.float32)
    assert rank(wishes, books, 2, popularity=popularity).rows.tolist() == [1, 0]


def test_standardised_is_bounded_and_flat_where_there_is_nothing() -> None:
    base = np.array([0, 0, 0, 100, -np.inf], dtype=np.float32)
    values = standardised(base, np.array([True, True, True, True, False]))
    assert -1 <= values.min() <= values.max() <= 1
    assert not standardised(np.ones(3, dtype=np.float32), np.ones(3, dtype=np.bool_)).any()


def test_vocabulary(books: Matcher, films: Any) -> None:
    vocabulary = books.vocabulary
    assert vocabulary.year_range == (1977, 2008)
    assert vocabulary.years.tolist() == [2008, 2004, 1977, 1984, 0, 0, 0, 1980]
    assert vocabulary.categories["科幻"] == 2
    assert {"author", "publisher", "mood", "topic", "by", "any"} <= vocabulary.fields
    assert films.vocabulary.year_range == (1922, 1998)
    assert by_line("《三体》刘慈欣 著") == ["刘慈欣"]
    assert ways_to_write("Usual Suspects, The") == ["Usual Suspects, The", "The Usual Suspects", "Usual Suspects"]
    assert "Se7en" in ways_to_write("Seven (Se7en)")


def test_attributes_that_are_no_objects_count_as_none(books: Matcher) -> None:
    odd = ["no json", "[1]", "null", '{"category": "x"}', '{"a": {"b": 1}}', "{", '{"author": null}', "[" * 5000]
    vocabulary = Vocabulary.of(books.catalogue, odd)
    assert "category*" in vocabulary.fields
    assert "x" not in vocabulary.categories
