"""Every generator in both languages on 50 real items: what comes out says nothing that the item does not.

To put a generator under this suite, write a function from (item, language, models) to its texts by field and add it to
``GENERATORS``; ``models`` is None for the tier without a language model. Two readers go over each text: the checker
that generators use, and one that was written apart from it.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels
from zhiyin.scenarios.content.topics.questions import ALLOWED, TEMPLATES, source_of, templates
from zhiyin.scenarios.content.topics.view import Example, TopicView
from zhiyin.scenarios.content.writing.article import Article
from zhiyin.scenarios.content.writing.audience import NOBODY
from zhiyin.scenarios.content.writing.making import make
from zhiyin.scenarios.content.writing.wording import source_of as source_of_text
from zhiyin.scenarios.grounding import Source, check
from zhiyin.scenarios.shop.pages import PageRequest, Tone, load_policy, make_page
from zhiyin.scenarios.shop.pages.facts import PageFacts
from zhiyin.scripts import LANGUAGES, Language
from zhiyin.testing.independent import leftovers
from zhiyin.understand.items.source import ItemSource, item_source

SHARED = Path(__file__).parents[3] / "shared" / "data"
ITEMS = 50
Texts = list[tuple[str, str]]


@dataclass(frozen=True)
class Generator:
    """``texts`` makes them; ``source`` is what they may say of an item; ``plain`` are words of its own templates that
    the second reader does not know."""

    name: str
    texts: Callable[[ItemSource, Language, LanguageModels | None], Texts]
    source: Callable[[ItemSource, Language], Source]
    plain: tuple[str, ...] = field(default=())
    allowed: dict[Language, tuple[str, ...]] = field(default_factory=dict)
    """Words that the generator itself lets pass in its checks."""


def page_texts(item: ItemSource, language: Language, models: LanguageModels | None) -> Texts:
    tone = list(Tone)[len(item.title) % len(Tone)]
    request = PageRequest(item_id=item.item_id, language=language, tone=tone, segment=item.categories[-1:])
    return make_page(item, request, POLICY, models=models, render=render).texts()


def page_source(item: ItemSource, language: Language) -> Source:
    return PageFacts(item, language).source


def question_texts(item: ItemSource, language: Language, models: LanguageModels | None) -> Texts:
    """What starts a discussion of a topic that the item stands for."""
    return [("question", one.text) for one in templates(topic_view(item), language, 5)]


def question_source(item: ItemSource, language: Language) -> Source:
    return source_of(topic_view(item))


def topic_view(item: ItemSource) -> TopicView:
    about = item.categories[-1] if item.categories else item.title
    examples = [Example(item.item_id, item.title, 9), Example("other", about, 5)]
    return TopicView("d-1", about, "none", [about], 9, 0.5, None, 2.0, 1.5, 3.0, 0.01, True, 2, examples, [])


def draft_texts(item: ItemSource, language: Language, models: LanguageModels | None) -> Texts:
    """A draft of the item's own words, as an author might note them."""
    notes = draft_notes(item)
    made = make(Article.of(notes, item.title, language), NOBODY)
    told = [("headline", one.text) for one in made.headlines] + [("summary", made.summary), ("draft", made.draft)]
    told += [("outline", part.heading) for part in made.outline] + [("tag", one.name) for one in made.tags]
    told += [("outline", point) for part in made.outline for point in part.points]
    return [("title" if text == item.title else place, text) for place, text in told]


def draft_notes(item: ItemSource) -> str:
    return "\n".join([item.title, *item.categories])


def draft_source(item: ItemSource, language: Language) -> Source:
    return source_of_text(Article.of(draft_notes(item), item.title, language))


POLICY = load_policy()
OF_QUESTIONS = tuple(
    part
    for language in LANGUAGES
    for words in TEMPLATES[language].values()
    for one in words
    for part in re.split(r"\{\w+\}|[“”《》？，。]", one)
    if part.strip()
)
GENERATORS: list[Generator] = [
    Generator("page", page_texts, page_source),
    Generator("questions", question_texts, question_source, OF_QUESTIONS, ALLOWED),
    Generator("draft", draft_texts, draft_source),
]
"""Add yours here."""


@pytest.fixture(scope="session")
def items() -> list[ItemSource]:
    """20 products, 15 films and 15 Chinese headlines, evenly out of their files."""
    if not SHARED.is_dir():
        pytest.skip("the data folder is not beside the repository")
    with gzip.open(SHARED / "amazon_beauty" / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        products = [json.loads(line) for line in file]
    with (SHARED / "ml_latest_small" / "movies.csv").open(encoding="utf-8", newline="") as file:
        films = list(csv.DictReader(file))
    text = next((SHARED / "zh_news_titles").glob("*.txt")).read_text(encoding="utf-8")
    news = [line.split("\t")[0] for line in text.splitlines() if line]
    found = [item_source(one["item_id"], one["title"], None, one["categories"]) for one in _spread(products, 20)]
    found += [item_source(one["movieId"], one["title"], None, one["genres"].split("|")) for one in _spread(films, 15)]
    found += [item_source(str(place), title, None, ["新闻"]) for place, title in enumerate(_spread(news, 15))]
    assert len(found) == ITEMS
    return found


def _spread(rows: list, count: int) -> list:  # type: ignore[type-arg]
    return rows[:: len(rows) // count][:count]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("generator", GENERATORS, ids=lambda one: one.name)
def test_nothing_is_said_that_the_item_does_not_say(
    generator: Generator, language: Language, items: list[ItemSource]
) -> None:
    wrong, allowed = [], generator.allowed.get(language, ())
    for item in items:
        source = generator.source(item, language)
        texts = generator.texts(item, language, None)
        assert sum(bool(text) for _, text in texts) >= 2, item.title
        values = [fact.text for fact in source.facts]
        for place, text in texts:
            checked = check(text, source, language, allowed=allowed)
            wrong += [(place, text, one.why) for one in checked.removed if place != "title"]
            wrong += [(place, text, left) for left in leftovers(text, values, generator.plain)]
    assert wrong == []


def test_the_second_reader_sees_what_is_added() -> None:
    values = ["OPI Nail Lacquer, Big Apple Red, 0.5 oz", "Nail Polish", "绿茶 50克"]
    fine = ["“OPI Nail Lacquer, Big Apple Red, 0.5 oz” is listed under Nail Polish.", "类别是指甲油。", "规格：0.5 oz"]
    assert [leftovers(text, values) for text in fine] == [[], [], []]
    for text in (
        "It is waterproof.",
        "The size is 0.6 oz.",
        "The brand is Essie.",
        "Made of glass.",
        "It comes in three sizes.",
        "它防水。",
        "规格：60克",
        "品牌是多芬。",
        "含有芦荟。",
        "一共三瓶装。",
    ):
        assert leftovers(text, values), text
