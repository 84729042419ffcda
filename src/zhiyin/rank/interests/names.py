"""A name for an interest: rules always, and a language model where one is configured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.errors import LlmError
from zhiyin.ports import Answer, LanguageModels, Options, Progress, Render
from zhiyin.rank.interests.terms import fold, terms
from zhiyin.types import Job, Tier

PROMPT = "interest_name"
LONGEST = 40
"""Characters of a name."""
MOST_WORDS = 6
SHOWN = 12
"""Items a model is shown."""
SPOKEN = 0.25
"""A word is in a name that rules make where this share of the interest's items say it: what sets it apart from others
may still be true of few of them."""
AGREED = 2
"""Items that must say a word before a name may take it from them: one title alone names nothing."""
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1, "maxLength": LONGEST}},
    "required": ["name"],
    "additionalProperties": False,
}
FEW_SHOT = {
    "en": "Items: Toy Story; Aladdin; The Lion King\nShelf: Animation for children\n\n"
    "Items: Steel Frying Pan; Chef Knife; Cutting Board\nShelf: Kitchen tools\n\nItems: {items}\nShelf:",
    "zh": "物品：玩具总动员；阿拉丁；狮子王\n类别：儿童动画\n\n"
    "物品：不锈钢炒锅；菜刀；砧板\n类别：厨房用具\n\n物品：{items}\n类别：",
}
NEUTRAL = {"en": "one item; another item; a third item", "zh": "一件物品；另一件物品；第三件物品"}
GENERAL = {"en": "What many people take", "zh": "大众之选"}
UNKNOWN = {"en": "Interest", "zh": "兴趣"}

_ALLOWED = re.compile(r"[^\W\d_]|[ '’&,、，·/()（）\-]|与|和")


@dataclass(frozen=True)
class Described:
    """What a name is made of: ``kinds`` and ``words`` best first, ``titles`` of the items that stand for it, and
    ``kinds_of`` the categories of each of those."""

    words: Sequence[str]
    kinds: Sequence[str]
    titles: Sequence[str]
    kinds_of: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Name:
    text: str
    tier: Tier
    note: str | None = None


def candidate_names(described: Described, language: str) -> list[str]:
    """Names that rules can make, best first: one or two categories, a category with a word, words."""
    kinds = list(described.kinds)
    words = [word for word in described.words if word not in kinds and said_by(word, described) >= SPOKEN]
    both = " & " if language == "en" else "、"
    found = [both.join(kinds[:2])] if kinds else []
    found += [f"{kinds[0]}: {word}" if language == "en" else f"{kinds[0]}：{word}" for word in words[:2] if kinds]
    found += [both.join(words[:size]) for size in (2, 3) if len(words) >= size or not kinds]
    found += kinds + words
    return [name for name in dict.fromkeys(map(_shortened, found)) if name]


def said_by(word: str, described: Described) -> float:
    """Share of the items that stand for an interest whose title or categories say ``word``, in [0, 1]."""
    key = fold(word)
    held = [
        key in map(fold, kinds) or key in fold(title)
        for title, kinds in zip(described.titles, described.kinds_of, strict=True)
    ]
    return sum(held) / max(1, len(held))


def names(
    described: Sequence[Described],
    taken: set[str],
    language: str,
    models: LanguageModels,
    render: Render | None,
    *,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> list[Name]:
    """A name for each, different from each other and from ``taken``. Whatever a model answers, the rules' names stand
    where it does not hold."""
    tier = models.tier(Job.INTERESTS)
    options = [candidate_names(one, language) for one in described]
    if tier is Tier.REMOTE and render is not None:
        wished = _written(described, language, models, render, seconds, progress)
    elif tier is not Tier.NONE and models.can_score(Job.INTERESTS):
        wished = _likeliest(described, options, language, models, seconds, progress)
    else:
        why = "no way to ask the configured model for names" if tier is not Tier.NONE else None
        wished = [Name("", Tier.NONE, why) for _ in described]
    used = {fold(name) for name in taken}
    result = []
    for one, name, others in zip(described, wished, options, strict=True):
        if not name.text or fold(name.text) in used:
            note = name.note or ("its name is another interest's" if name.text else None)
            name = Name(_free([*others, *by_example(one, language)], used, language), Tier.NONE, note)
        used.add(fold(name.text))
        result.append(name)
    return result


def by_example(described: Described, language: str) -> list[str]:
    """Names that tell an interest from others of the same kind by an item that stands for it."""
    if not described.kinds:
        return []
    marks = "《{}》" if language == "zh" else "“{}”"
    found = [f"{described.kinds[0]} ({marks.format(title)})" for title in described.titles if title]
    return [name for name in found if _shortened(name) == name]


def holds(name: str, described: Described) -> str | None:
    """None where ``name`` may be used, else why not. It must share a word with what it names, and must not take words
    from a single title, which may say anything."""
    text = " ".join(name.split())
    if not text or len(text) > LONGEST or len(text.split()) > MOST_WORDS:
        return "too long, or empty"
    if any(not _ALLOWED.match(character) for character in text):
        return "signs that no name needs"
    said: Counter[str] = Counter()
    for title, kinds in zip(described.titles, described.kinds_of, strict=True):
        said.update({_stem(term) for part in (title, *kinds) for term in terms(part)})
    agreed = {_stem(term) for part in (*described.words, *described.kinds) for term in terms(part)}
    agreed |= {term for term, count in said.items() if count >= AGREED}
    spoken = {_stem(term) for term in terms(text)}
    if not spoken & agreed:
        return "shares no word with what it names"
    if alone := sorted(term for term in spoken if term in said and term not in agreed and not _inside(term, agreed)):
        return f"takes '{alone[0]}' from a single title"
    return None


def _inside(term: str, agreed: set[str]) -> bool:
    """Whether a pair or a longer run is made of parts that are agreed on."""
    return " " in term and all(_stem(word) in agreed for word in term.split())


def _written(
    described: Sequence[Described],
    language: str,
    models: LanguageModels,
    render: Render,
    seconds: float | None,
    progress: Progress | None,
) -> list[Name]:
    asked = [
        render(
            PROMPT,
            language=language,
            schema=SCHEMA,
            words=list(one.words),
            categories=list(one.kinds),
            items=list(one.titles[:SHOWN]),
        )
        for one in described
    ]
    answers = models.complete(Job.INTERESTS, asked, seconds=seconds, progress=progress)
    return [_checked(answer, one) for answer, one in zip(answers, described, strict=True)]


def _checked(answer: Answer | LlmError, described: Described) -> Name:
    if isinstance(answer, LlmError):
        return Name("", Tier.NONE, answer.line)
    data = answer.data if isinstance(answer.data, dict) else {}
    name = data.get("name")
    if not isinstance(name, str):
        return Name("", Tier.NONE, "the model's answer holds no name")
    why = holds(name, described)
    return (
        Name(" ".join(name.split()), answer.tier)
        if why is None
        else Name("", Tier.NONE, f"its name was refused: {why}")
    )


def _likeliest(
    described: Sequence[Described],
    options: Sequence[Sequence[str]],
    language: str,
    models: LanguageModels,
    seconds: float | None,
    progress: Progress | None,
) -> list[Name]:
    """The candidate whose likelihood after the items rises most over that after items that say nothing, per token."""
    joint = "; " if language == "en" else "；"
    before = " " if language == "en" else ""
    asked = []
    for one, names_ in zip(described, options, strict=True):
        choices = tuple(before + name for name in names_)
        shown = joint.join(_one_line(title) for title in one.titles[:SHOWN])
        asked += [
            Options(f"{PROMPT}@1.{language}", FEW_SHOT[language].format(items=items), choices)
            for items in (shown, NEUTRAL[language])
        ]
    filled = [place for place, names_ in enumerate(options) if names_]
    answers = models.likelihoods(
        Job.INTERESTS,
        [asked[2 * place + half] for place in filled for half in (0, 1)],
        seconds=seconds,
        progress=progress,
    )
    result = [Name("", Tier.NONE) for _ in described]
    for number, place in enumerate(filled):
        told, neutral = answers[2 * number], answers[2 * number + 1]
        if isinstance(told, LlmError) or isinstance(neutral, LlmError):
            failed = told if isinstance(told, LlmError) else neutral
            assert isinstance(failed, LlmError)
            result[place] = Name("", Tier.NONE, failed.line)
            continue
        gain = (told.logs - neutral.logs) / np.maximum(told.tokens, 1)
        if not np.isfinite(gain).all():
            result[place] = Name("", Tier.NONE, "the model's likelihoods are no numbers")
            continue
        result[place] = Name(options[place][int(gain.argmax())], told.tier)
    return result


def _free(options: Sequence[str], used: set[str], language: str) -> str:
    """The first of ``options`` that is not in use; a numbered name where all are."""
    for name in options:
        if fold(name) not in used:
            return name
    stem = options[0] if options else UNKNOWN[language]
    number = 2 if options else 1
    while fold(f"{stem} {number}") in used:
        number += 1
    return f"{stem} {number}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


def _stem(term: str) -> str:
    """A word without plural endings, so that "comedies" and "comedy" are one."""
    if not term.isascii() or len(term) < 4 or term.endswith("ss"):
        return term
    return f"{term[:-3]}y" if term.endswith("ies") else term.removesuffix("s")
