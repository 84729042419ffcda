"""A language model may add to a request what the request says, or what it knows of a title; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from zhiyin.errors import LlmError, LlmTimeout, LlmUnreachable
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, Likelihoods, NoLanguageModels, Options, Progress, Prompt
from zhiyin.types import Job, Tier, Wish
from zhiyin.understand.wishes.asking import KNOWLEDGE, schema_of
from zhiyin.understand.wishes.parse import parse

MISSION = "我喜欢看科幻电影，最近看了《星际穿越》和《流浪地球》，不要恐怖片"


class Server(NoLanguageModels):
    """A server's model that answers ``data``, or fails."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.asked: list[Prompt] = []

    def tier(self, job: Job) -> Tier:
        return Tier.REMOTE

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        self.asked += prompts
        if isinstance(self.data, LlmError):
            return [self.data for _ in prompts]
        return [Answer("", self.data, Tier.REMOTE, "m", False, 1, 1) for _ in prompts]


class Small(NoLanguageModels):
    """A model in this process; ``rate`` gives the log-likelihood of one option after a prefix."""

    def __init__(self, rate: Callable[[str, str], float]) -> None:
        self.rate = rate
        self.asked: list[Options] = []

    def tier(self, job: Job) -> Tier:
        return Tier.EMBEDDED

    def can_score(self, job: Job) -> bool:
        return True

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        self.asked += asked
        return [
            Likelihoods(
                np.array([self.rate(one.prefix, option) for option in one.options], dtype=np.float32),
                np.ones(len(one.options), dtype=np.int32),
                Tier.EMBEDDED,
                "m",
                False,
                1,
            )
            for one in asked
        ]


def said(text: str, degree: str = "want", field: str = "category") -> dict[str, str]:
    return {"text": text, "degree": degree, "field": field}


def test_a_server_adds_what_it_knows_of_a_title(films: Any) -> None:
    data = {
        "wishes": [said("science fiction"), said("Horror", "never")],
        "titles": [{"title": "流浪地球", "kinds": ["Sci-Fi", "Adventure"]}, {"title": "Titanic", "kinds": ["Drama"]}],
    }
    server = Server(data)
    asked = parse(MISSION, films.vocabulary, server, render=render)
    assert asked.tier is Tier.REMOTE
    assert Wish("Sci-Fi", 1.0, False, "category") in asked.wishes
    assert Wish("Horror", -1.0, True, "category") in asked.wishes
    assert Wish("Adventure", KNOWLEDGE, False, "category") in asked.wishes
    # A title that nobody asked about says nothing.
    assert not any(wish.text == "Drama" for wish in asked.wishes)
    prompt = server.asked[0]
    assert prompt.schema == schema_of(films.vocabulary)
    assert "《星际穿越》" in prompt.user
    assert prompt.user.count("<data>") == prompt.user.count("</data>") == 3


BAD: list[Any] = [
    None,
    "wishes",
    [],
    {},
    {"wishes": []},
    {"wishes": [], "titles": [], "more": 1},
    {"wishes": [said("Western")], "titles": []},  # not in the request
    {"wishes": [said("Sci-Fi", "always")], "titles": []},
    {"wishes": [said("Sci-Fi", "want", "item_id")], "titles": []},
    {"wishes": [said("1990-1999", "want", "year")], "titles": []},
    {"wishes": [said("科幻", "want", "year")], "titles": []},
    {"wishes": [{"text": "科幻"}], "titles": []},
    {"wishes": [said(""), said("科幻")], "titles": []},
    {"wishes": [said("科幻")] * 21, "titles": []},
    {"wishes": [], "titles": [{"title": "流浪地球", "kinds": ["No such kind"]}]},
    {"wishes": [], "titles": [{"title": "流浪地球", "kinds": [7]}]},
    LlmTimeout("no answer in 2 s"),
    LlmUnreachable("HTTP 500"),
]


@pytest.mark.parametrize("data", BAD, ids=str)
def test_what_cannot_be_used_leaves_the_rules_reading(films: Any, data: Any) -> None:
    plain = parse(MISSION, films.vocabulary)
    asked = parse(MISSION, films.vocabulary, Server(data), render=render)
    assert asked.wishes == plain.wishes
    assert asked.tier is Tier.NONE
    assert asked.note == plain.note
    assert asked.failed
    if isinstance(data, LlmError):
        assert asked.failed == data.line


def test_a_server_cannot_take_back_a_rule_or_shut_the_catalogue(films: Any) -> None:
    data = {"wishes": [said("Horror", "more"), said("科幻", "only")], "titles": []}
    asked = parse(MISSION, films.vocabulary, Server(data), render=render)
    assert [wish for wish in asked.wishes if wish.hard] == [Wish("Horror", -1.0, True, "category")]
    assert [wish.weight for wish in asked.wishes if wish.text == "Horror"] == [-1.0]


def test_a_small_model_chooses_among_categories(films: Any) -> None:
    def rate(prefix: str, option: str) -> float:
        known = "流浪地球" in prefix or "wormholes" in prefix
        return 0.0 if known and "Sci-Fi" in option else -9.0 if known else -3.0

    asked = parse("看了《流浪地球》", films.vocabulary, Small(rate))
    assert asked.tier is Tier.EMBEDDED
    assert asked.wishes[-1] == Wish("Sci-Fi", KNOWLEDGE, False, "category")
    small = Small(rate)
    asked = parse("something about wormholes", films.vocabulary, small)
    assert asked.wishes[-1] == Wish("Sci-Fi", KNOWLEDGE, False, "category")
    assert all(len(one.options) <= 20 for one in small.asked)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("-inf")])
def test_a_small_model_that_is_not_sure_adds_nothing(films: Any, value: float) -> None:
    plain = parse("看了《流浪地球》", films.vocabulary)
    asked = parse("看了《流浪地球》", films.vocabulary, Small(lambda prefix, option: value))
    assert asked.wishes == plain.wishes
    if value != 0:
        assert "no number" in (asked.failed or "")
        assert asked.tier is Tier.NONE


def test_nothing_unsure_asks_nothing(films: Any) -> None:
    small = Small(lambda prefix, option: 0.0)
    assert parse("more comedies, no horror", films.vocabulary, small).tier is Tier.NONE
    assert small.asked == []
