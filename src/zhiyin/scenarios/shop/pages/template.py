"""The tier without a language model: a page out of sentences that are filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from zhiyin.scenarios.shop.pages.asked import (
    BULLETS,
    DESCRIPTION_WIDTH,
    QUESTIONS,
    SENTENCES,
    TITLE_WIDTH,
    Length,
    PageRequest,
)
from zhiyin.scenarios.shop.pages.draft import Draft, cut, fitted, width
from zhiyin.scenarios.shop.pages.facts import PageFacts, Told, emphasis
from zhiyin.scripts import Language

TOGETHER = 3
"""Attributes in one sentence."""
CATEGORIES = 3
"""Categories in one sentence: the most special ones stand last in a catalogue."""
LONGEST_TITLE = 150


@cache
def wording(language: Language) -> dict[str, Any]:
    told = tomllib.loads((files("zhiyin.scenarios.shop.pages") / "wording.toml").read_text(encoding="utf-8"))
    found: dict[str, Any] = told[language]
    return found


class Template:
    """Pages of one item. ``wanted`` are the reader's interests (words to weight): what they name comes first."""

    def __init__(self, facts: PageFacts, request: PageRequest, wanted: Mapping[str, float], title: str) -> None:
        self._facts, self._request, self._title = facts, request, title
        self._words = wording(request.language)
        self._tone = self._words[request.tone]
        everything = [*facts.categories, *facts.told]
        weights = dict(zip(map(id, everything), emphasis(everything, wanted), strict=True))
        # Stable: what nobody asks for keeps its order.
        self.told = sorted(facts.told, key=lambda one: -weights[id(one)])
        self.met = sorted((one for one in everything if weights[id(one)] > 0), key=lambda one: -weights[id(one)])
        last = facts.categories[-CATEGORIES:]
        met = [one for one in self.met if one.role == "category" and one not in last][: CATEGORIES - 1]
        self.categories = [*met, *last][:CATEGORIES]

    def ways(self) -> list[list[str]]:
        """Sentences of the description in order, each in every way there is of saying it."""
        kinds = self._listed(self.categories)
        # A title that ends in a stop would end the sentence.
        title = self._title.rstrip(".。!！?？ ") or self._title
        ways = [self._fill("opening" if kinds else "bare", title=title, categories=kinds)]
        if self.met:
            ways.append(self._fill("reader", value=self.met[0].shown))
        told = self.told
        if self._request.length is Length.SHORT:
            told = [one for one in told if one.value not in self._title]
        ways += [[self._sentence(told[start : start + TOGETHER])] for start in range(0, len(told), TOGETHER)]
        own = [[sentence] for sentence in self._facts.own]
        most = SENTENCES[self._request.length]
        return [*ways[: max(1, most - len(own))], *own][:most]

    def draft(self, description: Sequence[str] | None = None) -> Draft:
        """The page, with ``description`` in place of the first way of each sentence."""
        said = list(description) if description is not None else [ways[0] for ways in self.ways()]
        length = self._request.length
        return Draft(
            cut(self._title, LONGEST_TITLE),
            [self._bullet(one) for one in self._points()[: BULLETS[length]]],
            said,
            [self._question(one) for one in self._points()[: QUESTIONS[length]]],
            self._meta_title(),
            fitted(said, DESCRIPTION_WIDTH, "" if self._request.language == "zh" else " "),
        )

    def _points(self) -> list[Told]:
        """What bullets and questions are about: what the reader asks for, then attributes, categories as one."""
        kinds = [Told("category", "category", "", self._listed(self.categories))] if self.categories else []
        first = [one for one in self.met if one.role != "category"]
        asked = bool(self.met) and self.met[0].role == "category"
        rest = [one for one in self.told if one not in first]
        return [*kinds, *first, *rest] if asked else [*first, *rest[:1], *kinds, *rest[1:]]

    def _bullet(self, one: Told) -> str:
        colon = "：" if self._request.language == "zh" else ": "
        return f"{self._label(one)}{colon}{one.shown}"

    def _question(self, one: Told) -> tuple[str, str]:
        asked = self._words["questions"]
        question, answer = asked.get(one.role, asked["other"])
        label = self._label(one)
        label = label.lower() if self._request.language == "en" else label
        return question.format(label=label), answer.format(label=label, value=_open(one.shown))

    def _sentence(self, some: Sequence[Told]) -> str:
        clauses = []
        for one in some:
            clause = self._words["clauses"].get(one.role, self._words["clauses"]["other"])
            clauses.append(clause.format(label=self._label(one), value=_open(one.shown)))
        if self._request.language == "zh":
            return "，".join(clauses) + "。"
        said: str = ", ".join(clauses[:-1]) + (", and " if len(clauses) > 1 else "") + clauses[-1]
        return said[0].upper() + said[1:] + "."

    def _fill(self, part: str, **values: str) -> list[str]:
        return [way.format(**values) for way in self._tone[part]]

    def _label(self, one: Told) -> str:
        label: str | None = self._words["labels"].get(one.role)
        return label or one.key.replace("_", " ").replace(".", " ").capitalize()

    def _listed(self, some: Sequence[Told]) -> str:
        names = list(dict.fromkeys(one.shown for one in some))
        if self._request.language == "zh":
            return "、".join(names)
        return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else ""

    def _meta_title(self) -> str:
        title = self._title
        for one in reversed(self.categories):
            more = f"{title} | {one.shown}"
            if width(more) <= TITLE_WIDTH and one.shown.casefold() not in title.casefold():
                return more
        return title


def _open(value: str) -> str:
    """Without a stop at its end, which would end the sentence."""
    return value.rstrip(".。 ") or value
