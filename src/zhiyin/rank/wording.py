"""The words round the data, in English and Chinese: those of a likelihood are in ``words.toml`` beside this module,
the instructions in the prompt file ``rerank_listwise``."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

from zhiyin.ports import Prompt, Render
from zhiyin.rank.listwise import schema

LISTWISE = "rerank_listwise"
TOKENS_A_NUMBER = 6
"""Of the answer, for one candidate's number with what stands round it."""


class Words(BaseModel):
    """One language. Braces name what is put in; a title comes alone on its line, without line breaks of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    about: str
    """{profile}: the text about the person."""
    took: str
    """Above the titles of what the person took."""
    item: str
    """{title}: one line of it."""
    next: str
    """Behind all this, in front of a candidate (likelihood)."""
    nobody: str
    """In front of a candidate where no person is known (likelihood)."""
    option: str
    """{title}: the candidate itself (likelihood)."""
    question: str
    """Behind the person, in front of a candidate (yes_no)."""
    yes: str
    """{title}: a candidate that is liked (yes_no)."""
    no: str
    """{title}: a candidate that is not (yes_no). Differs from ``yes`` at its end only."""


class WordFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    en: Words
    zh: Words


class Wording:
    def __init__(self, render: Render) -> None:
        self._render = render
        self._file = _words()
        self.likelihood, self.yes_no = (f"rerank_{way}@{self._file.version}" for way in ("likelihood", "yes_no"))
        """Names of the questions, part of every cache key."""

    def words(self, language: str) -> Words:
        return self._file.zh if language == "zh" else self._file.en

    def person(self, recent: Sequence[str], profile: str, language: str) -> str:
        """What is known of the person, ``recent`` oldest first."""
        words = self.words(language)
        about = words.about.format(profile=line(profile)) if profile.strip() else ""
        if not recent:
            return about
        return about + words.took + "".join(words.item.format(title=title) for title in recent)

    def option(self, title: str, language: str) -> str:
        return self.words(language).option.format(title=title)

    def answered(self, title: str, yes: bool, language: str) -> str:
        words = self.words(language)
        return (words.yes if yes else words.no).format(title=title)

    def listwise(self, recent: Sequence[str], profile: str, titles: Sequence[str], language: str) -> Prompt:
        """A prompt for the order of ``titles``, which are numbered from 1 as given."""
        n = len(titles)
        return self._render(
            LISTWISE,
            language=language,
            schema=schema(n),
            maximum_tokens=16 + TOKENS_A_NUMBER * n,
            recent=recent,
            profile=line(profile),
            candidates=titles,
        )


@cache
def _words() -> WordFile:
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return WordFile(**tomllib.loads(text))


def line(text: str) -> str:
    """``text`` on one line: it cannot look like a line of the prompt's own."""
    return " ".join(text.split())


def cut(text: str, characters: int) -> str:
    """``text`` on one line, at most so long."""
    return line(text)[:characters].rstrip()
