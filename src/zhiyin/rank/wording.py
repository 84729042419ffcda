"""The words round the data: from the prompt file ``rerank``, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from zhiyin.ports import Prompt
from zhiyin.rank.listwise import schema


class Words(BaseModel):
    """One language. Braces name what is put in; a title comes alone on its line, without line breaks of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    took: str
    """Above the titles of what the person took."""
    item: str
    """{title}: one line of it."""
    about: str
    """{profile}: the text about the person."""
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
    system: str
    """What a model that follows instructions is told (listwise)."""
    candidates: str
    """Above the numbered candidates (listwise)."""


class Wording:
    """``told`` is the parsed prompt file: ``version`` and one table of ``Words`` for each of "en" and "zh". ``mark``
    puts the marks round data that a prompt shows to a model which follows instructions."""

    def __init__(self, told: Mapping[str, Any], mark: Callable[[str], str]) -> None:
        version = int(told["version"])
        self._words = {language: Words(**told[language]) for language in ("en", "zh")}
        self._mark = mark
        self.likelihood, self.yes_no, self._list = (
            f"rerank-{kind}-{version}" for kind in ("likelihood", "yes-no", "listwise")
        )
        """Names of the questions, part of every cache key."""

    def person(self, recent: Sequence[str], profile: str, language: str) -> str:
        """What is known of the person, ``recent`` oldest first."""
        words = self._words[language]
        about = words.about.format(profile=line(profile)) if profile.strip() else ""
        if not recent:
            return about
        return about + words.took + "".join(words.item.format(title=title) for title in recent)

    def next(self, language: str) -> str:
        return self._words[language].next

    def nobody(self, language: str) -> str:
        return self._words[language].nobody

    def option(self, title: str, language: str) -> str:
        return self._words[language].option.format(title=title)

    def question(self, language: str) -> str:
        return self._words[language].question

    def answered(self, title: str, yes: bool, language: str) -> str:
        words = self._words[language]
        return (words.yes if yes else words.no).format(title=title)

    def listwise(self, person: str, titles: Sequence[str], language: str) -> Prompt:
        """A prompt for the order of ``titles``, numbered from 1 as given."""
        words = self._words[language]
        numbered = "\n".join(f"{place}. {title}" for place, title in enumerate(titles, 1))
        user = f"{self._mark(person)}\n{words.candidates}\n{self._mark(numbered)}"
        n = len(titles)
        return Prompt(self._list, words.system, user, schema(n), maximum_tokens=16 + 6 * n)


def line(text: str) -> str:
    """``text`` on one line: it cannot look like a line of the prompt's own."""
    return " ".join(text.split())


def cut(text: str, characters: int) -> str:
    """``text`` on one line, at most so long."""
    return line(text)[:characters].rstrip()
