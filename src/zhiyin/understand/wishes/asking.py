"""What a language model may add to the rules' reading of a request, and what it may not.

A server's model answers in a schema. Its whole answer is dropped unless every text in it stands in the request, or is
the catalogue's name for something that does; years are those the rules found. It can add, sharpen or soften wishes. It
cannot take back a rule that the rules read, nor make one that shuts out everything else.

A model in this process answers by likelihood alone: which of the catalogue's categories fits a title that is not in the
catalogue, or a phrase that names nothing. It is believed where one category stands out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zhiyin.calibration import judge
from zhiyin.errors import LlmError, LlmNonsense, LlmOff
from zhiyin.ports import Answer, LanguageModels, Options, Render
from zhiyin.types import Job, Tier, Wish
from zhiyin.understand.wishes.asked import Asked
from zhiyin.understand.wishes.lexing import lex
from zhiyin.understand.wishes.reading import WEIGHTS, holds_words, term_wishes, tidy
from zhiyin.understand.wishes.vocabulary import ANY, CATEGORY, ITEM, TITLE, TOPIC, YEAR, Vocabulary
from zhiyin.understand.wishes.words import Key, clean, is_han

PROMPT = "query"
MOST_ASKED = 3
"""Titles and phrases that a model in this process is asked about, of each kind."""
MOST_OPTIONS = 20
"""Categories it chooses from, the most frequent first."""
MOST_FIELDS = 30
SURE = 0.6
"""Calibrated probability from which its choice is believed."""
KNOWLEDGE = 0.5
"""Weight of a wish that only the model's knowledge supports."""
_WORDS = {
    "en": ('"The Godfather" is a work of the kind: Crime\n"{}" is a work of the kind:', "Untitled"),
    "zh": ("《教父》属于这一类：Crime\n《{}》属于这一类：", "无题"),
}
_NAME = "query_kinds@1"
_DEGREES = {"more": WEIGHTS["more"], "want": 1.0, "only": 1.0, "less": WEIGHTS["less"], "never": -1.0}


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(min_length=1, max_length=200)
    degree: str
    field: str


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    title: str = Field(min_length=1, max_length=200)
    kinds: list[str] = Field(max_length=3)


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    wishes: list[_Said] = Field(max_length=20)
    titles: list[_About] = Field(max_length=10)


def with_model(
    text: str,
    plain: Asked,
    vocabulary: Vocabulary,
    models: LanguageModels,
    render: Render | None,
    seconds: float | None,
) -> Asked:
    """``plain``, the rules' reading, with what the model adds; ``plain`` itself, saying why, where it gives nothing
    that can be used. Never raises LlmError."""
    tier = models.tier(Job.QUERIES)
    try:
        if tier is Tier.REMOTE and render is not None:
            return _by_schema(text, plain, vocabulary, models, render, seconds)
        if models.can_score(Job.QUERIES):
            return _by_likelihood(plain, vocabulary, models, seconds)
        raise LlmOff("the model can neither write to a schema nor weigh options")
    except LlmError as failed:
        return replace(plain, failed=failed.line)


def schema_of(vocabulary: Vocabulary) -> dict[str, Any]:
    """JSON schema of an answer: fields and categories are those of the catalogue."""
    fields = sorted(vocabulary.fields)[:MOST_FIELDS]
    wish = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 200},
            "degree": {"enum": list(_DEGREES)},
            "field": {"enum": fields},
        },
        "required": ["text", "degree", "field"],
        "additionalProperties": False,
    }
    kinds = _options(vocabulary)
    title = {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 200},
            "kinds": {"type": "array", "maxItems": 3, "items": {"enum": kinds} if kinds else {"type": "string"}},
        },
        "required": ["title", "kinds"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "wishes": {"type": "array", "maxItems": 20, "items": wish},
            "titles": {"type": "array", "maxItems": 10, "items": title},
        },
        "required": ["wishes", "titles"],
        "additionalProperties": False,
    }


def _by_schema(
    text: str, plain: Asked, vocabulary: Vocabulary, models: LanguageModels, render: Render, seconds: float | None
) -> Asked:
    prompt = render(
        PROMPT,
        language=plain.language,
        schema=schema_of(vocabulary),
        kinds=_options(vocabulary),
        fields=sorted(vocabulary.fields)[:MOST_FIELDS],
        request=clean(text),
    )
    answer = models.complete(Job.QUERIES, [prompt], seconds=seconds)[0]
    if isinstance(answer, LlmError):
        raise answer
    read = _checked(answer)
    lexed = lex(text, vocabulary)
    said = [word for one in lexed.lexemes for word in one.key]
    wishes = [_wish(one, tuple(said), plain, vocabulary) for one in read.wishes]
    rules = [wish for wish in plain.wishes if wish.hard]
    named = [wish for wish in plain.wishes if wish.field in (ITEM, TITLE)]
    # Rules first: what they say of a thing is not said again by the model.
    taken = {(wish.field, wish.text.casefold()) for wish in (*rules, *named)}
    added = [wish for wish in wishes if (wish.field, wish.text.casefold()) not in taken]
    known = [
        wish
        for one in read.titles
        if any(_same(one.title, unknown, vocabulary) for unknown in plain.unknown)
        for kind in one.kinds
        for wish in _kind_wishes(kind, vocabulary)
    ]
    return _joined(plain, [*rules, *named, *added], known, answer.tier)


def _checked(answer: Answer) -> _Read:
    try:
        return _Read.model_validate(answer.data)
    except ValidationError as wrong:
        raise LlmNonsense(f"the answer is not what was asked for: {wrong.errors()[0]['msg']}") from wrong


def _wish(said: _Said, request: Key, plain: Asked, vocabulary: Vocabulary) -> Wish:
    """One wish of the model's, by the rules' names. Raises LlmNonsense where the request does not say it."""
    key = vocabulary.lexicon.key(said.text)
    if said.degree not in _DEGREES or said.field not in vocabulary.fields:
        raise LlmNonsense(f"the answer has a wish outside the schema: {said.degree} {said.field}")
    weight, hard = _DEGREES[said.degree], said.degree == "never"
    if said.field == YEAR:
        if any(wish.field == YEAR and wish.text == said.text for wish in plain.wishes):
            return Wish(said.text, weight, hard, YEAR)
        raise LlmNonsense("the answer has years that the request does not say")
    if not key or not (holds_words(request, key) or _translates(key, request, vocabulary)):
        raise LlmNonsense("the answer has a wish that the request does not say")
    if said.field in (CATEGORY, TOPIC, ANY):
        return term_wishes(key, clean(said.text), weight, hard, vocabulary)[0]
    return Wish(clean(said.text), weight, hard, said.field)


def _translates(key: Key, request: Key, vocabulary: Vocabulary) -> bool:
    """Whether ``key`` is a name of something that the request says by another name."""
    lexicon = vocabulary.lexicon
    concept = lexicon.concepts.get(key)
    return concept is not None and any(holds_words(request, lexicon.key(name)) for name in lexicon.names[concept])


def _same(one: str, other: str, vocabulary: Vocabulary) -> bool:
    return vocabulary.lexicon.key(one) == vocabulary.lexicon.key(other)


def _kind_wishes(kind: str, vocabulary: Vocabulary) -> list[Wish]:
    if (CATEGORY, kind) not in vocabulary.rows:
        raise LlmNonsense("the answer has a category that the catalogue does not have")
    return [Wish(kind, KNOWLEDGE, False, CATEGORY)]


def _by_likelihood(plain: Asked, vocabulary: Vocabulary, models: LanguageModels, seconds: float | None) -> Asked:
    """Categories for unknown titles and for phrases that name nothing. Each is asked against a neutral title."""
    kinds = _options(vocabulary)
    loose = [one for one in plain.left if not _terms_in(one, vocabulary)]
    asked = [*plain.unknown[:MOST_ASKED], *loose[:MOST_ASKED]]
    if len(kinds) < 2 or not asked:
        return plain
    questions = [question for one in asked for question in _questions(one, kinds)]
    given = models.likelihoods(Job.QUERIES, questions, seconds=seconds)
    failed = next((one for one in given if isinstance(one, LlmError)), None)
    if failed is not None:
        raise failed
    told = [one for one in given if not isinstance(one, LlmError)]
    if not all(np.isfinite(one.logs).all() for one in told):
        raise LlmNonsense("the model gave no number for an option")
    known: list[Wish] = []
    for own, without in zip(told[0::2], told[1::2], strict=True):
        chances = judge(own, without)
        if chances.max() >= SURE:
            known.extend(_kind_wishes(kinds[int(chances.argmax())], vocabulary))
    return _joined(plain, plain.wishes, known, Tier.EMBEDDED) if known else plain


def _questions(title: str, kinds: Sequence[str]) -> list[Options]:
    """Which kind is ``title``, and which kind is a title that says nothing?"""
    line, neutral = _WORDS["zh" if is_han(title) else "en"]
    options = tuple(("" if is_han(title) else " ") + kind for kind in kinds)
    return [Options(_NAME, line.format(_one_line(one)), options) for one in (title, neutral)]


def _joined(plain: Asked, wishes: Sequence[Wish], known: Sequence[Wish], tier: Tier) -> Asked:
    spoken = {(wish.field, wish.text) for wish in wishes}
    extra = [wish for wish in dict.fromkeys(known) if (wish.field, wish.text) not in spoken]
    return replace(plain, wishes=tidy([*wishes, *extra]), tier=tier)


def _options(vocabulary: Vocabulary) -> list[str]:
    return list(vocabulary.categories)[:MOST_OPTIONS]


def _terms_in(text: str, vocabulary: Vocabulary) -> list[Key]:
    return [one.key for one in lex(text, vocabulary).lexemes if vocabulary.knows(one.key)]


def _one_line(title: str) -> str:
    """A title as it stands in a line of its own: no quotes or marks that could end it."""
    return " ".join("".join(" " if sign in '"《》\n{}<>[]' else sign for sign in clean(title)).split())[:80]
