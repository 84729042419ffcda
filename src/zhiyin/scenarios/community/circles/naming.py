"""A circle's name and description in Chinese and English, by the language model in use where what it says holds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from zhiyin.errors import LlmError
from zhiyin.explain.text import shortened, shown
from zhiyin.ports import Answer, LanguageModels, Render
from zhiyin.rank.interests.names import Described, names
from zhiyin.rank.interests.terms import fold
from zhiyin.scenarios.community.circles.people import People
from zhiyin.scenarios.community.circles.typical import Typical
from zhiyin.scripts import LANGUAGES, Language
from zhiyin.types import Job, Tier

PROMPT = "circle_text"
LONGEST = 300
NAMED = 2
"""Items in a name that has nothing better."""
TOLD = 3
"""Items in a description."""
SCHEMA = {
    "type": "object",
    "properties": {"description": {"type": "string", "minLength": 1, "maxLength": LONGEST}},
    "required": ["description"],
    "additionalProperties": False,
}
_QUOTED = re.compile(r"[“\"「《]([^”\"」》]+)[”\"」》]")
_NAME = re.compile(r"(?<![.!?。] )(?<!^)\b[A-Z][\w'’&-]*")
_LATIN = re.compile(r"[A-Za-z][\w'’-]+")
_SIGNS = re.compile(r"\d|https?:|www\.|@|[<>{}\[\]]")


@dataclass(frozen=True)
class Named:
    """``names`` and ``descriptions`` by language. ``tier`` is the highest that made any of them; ``fallback`` says why
    the configured model did not make all of them, None where it did or none is configured."""

    names: dict[Language, str]
    descriptions: dict[Language, str]
    tier: Tier = Tier.NONE
    fallback: str | None = None
    named_by: dict[Language, Tier] = field(default_factory=dict)


def name_circles(
    people: People,
    found: Sequence[Typical],
    sizes: Sequence[int],
    taken: dict[Language, set[str]],
    models: LanguageModels,
    render: Render,
    seconds: float,
) -> list[Named]:
    """A name and a description for each of ``found``; names differ from each other and from ``taken``."""
    described = [_described(people, one) for one in found]
    by_language = {
        language: _names(described, found, taken.get(language, set()), language, models, render, seconds)
        for language in LANGUAGES
    }
    result = []
    for place, one in enumerate(found):
        own = {language: by_language[language][place] for language in LANGUAGES}
        called = {language: own[language][0] for language in LANGUAGES}
        texts, tiers, why = _texts(one, sizes[place], called, models, render, seconds)
        tier = max([own[language][1] for language in LANGUAGES] + tiers, key=list(Tier).index)
        notes = [own[language][2] for language in LANGUAGES] + why
        named_by = {language: own[language][1] for language in LANGUAGES}
        result.append(Named(called, texts, tier, next((note for note in notes if note), None), named_by))
    return result


def _described(people: People, one: Typical) -> Described:
    titles = [people.catalogue.titles[row] or people.items.ids[row] for row in one.rows]
    return Described(one.words, one.kinds, titles, [people.catalogue.categories[row] for row in one.rows])


def _names(
    described: Sequence[Described],
    found: Sequence[Typical],
    taken: set[str],
    language: Language,
    models: LanguageModels,
    render: Render,
    seconds: float,
) -> list[tuple[str, Tier, str | None]]:
    """Categories say best what a circle is about; without any, its items do, for words of titles alone name little."""
    used = {fold(name) for name in taken}
    by_kind = [place for place, one in enumerate(described) if one.kinds or models.tier(Job.INTERESTS) is Tier.REMOTE]
    given = names([described[place] for place in by_kind], taken, language, models, render, seconds=seconds)
    by_model = dict(zip(by_kind, given, strict=True))
    result = []
    for place, one in enumerate(found):
        name = by_model.get(place)
        if name is not None and (one.kinds or name.tier is not Tier.NONE) and fold(name.text) not in used:
            text, tier, note = name.text, name.tier, name.note
        else:
            text, tier = _by_items(one, used, language), Tier.NONE
            note = name.note if name is not None else None
        used.add(fold(text))
        result.append((text, tier, note))
    return result


def _by_items(one: Typical, used: set[str], language: Language) -> str:
    titles = [shortened(shown(item.title or item.item_id)) for item in one.items]
    joint = "、" if language == "zh" else " & "
    stem = ("同好圈" if language == "zh" else "Circle") if not titles else joint.join(titles[:NAMED])
    for size in range(NAMED, len(titles) + 1):
        if fold(name := joint.join(titles[:size])) not in used:
            return name
    number = 1 if not titles else 2
    while fold(f"{stem} {number}") in used:
        number += 1
    return f"{stem} {number}"


def by_template(one: Typical, size: int, language: Language) -> str:
    """What is known of the circle, in plain words."""
    titles = [shortened(shown(item.title or item.item_id)) for item in one.items[:TOLD]]
    kinds = [interest.name for interest in one.interests]
    if language == "zh":
        taken = "、".join(f"《{title}》" for title in titles)
        text = f"{size} 人，比别人更常选{taken}" if titles else f"{size} 人彼此相连，但很少选到一起"
        text += f"，也更偏爱{'、'.join(f'“{kind}”' for kind in kinds)}" if kinds else ""
        return text + "。"
    if titles:
        text = f"{size} people who take {_listed([f'“{title}”' for title in titles])} more often than others do"
    else:
        text = f"{size} people who are linked with each other and have taken little in common"
    text += f", and care more than others for {_listed(kinds)}" if kinds else ""
    return text + "."


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _texts(
    one: Typical,
    size: int,
    called: dict[Language, str],
    models: LanguageModels,
    render: Render,
    seconds: float,
) -> tuple[dict[Language, str], list[Tier], list[str | None]]:
    plain = {language: by_template(one, size, language) for language in LANGUAGES}
    if models.tier(Job.INTERESTS) is not Tier.REMOTE or not one.items:
        # A small model in this process is asked for likelihoods, not for prose.
        return plain, [], []
    facts = json.dumps(
        {
            "typical": [item.title or item.item_id for item in one.items[:TOLD]],
            "interests": [interest.name for interest in one.interests],
            "categories": one.kinds,
        },
        ensure_ascii=False,
    )
    asked = [
        render(PROMPT, language=language, schema=SCHEMA, name=called[language], facts=facts) for language in LANGUAGES
    ]
    answers = models.complete(Job.INTERESTS, asked, seconds=seconds)
    tiers: list[Tier] = []
    notes: list[str | None] = []
    for language, answer in zip(LANGUAGES, answers, strict=True):
        text, why = _checked(answer, one, called[language], language)
        notes.append(why)
        if text is not None and isinstance(answer, Answer):
            plain[language] = text
            tiers.append(answer.tier)
    return plain, tiers, notes


def _checked(answer: Answer | LlmError, one: Typical, name: str, language: Language) -> tuple[str | None, str | None]:
    if isinstance(answer, LlmError):
        return None, answer.line
    told = answer.data.get("description") if isinstance(answer.data, dict) else None
    if not isinstance(told, str):
        return None, "the model's answer holds no description"
    text = " ".join(told.split())
    why = refused(text, one, name, language)
    return (text, None) if why is None else (None, f"its description was refused: {why}")


def refused(text: str, one: Typical, name: str, language: Language) -> str | None:
    """None where ``text`` may stand, else why not: it names what is typical of the circle and nothing else. What it
    quotes, and what it writes like a name, must be among the typical items, interests and categories."""
    if not text or len(text) > LONGEST:
        return "empty, or too long"
    known = [name, *(item.title or item.item_id for item in one.items), *(each.name for each in one.interests)]
    known += [*one.kinds, *one.words]
    whole = [fold(part) for part in known if part]
    said = fold(text)
    if not any(part in said for part in whole):
        return "says nothing of what is typical"
    for quoted in _QUOTED.findall(text):
        if not any(fold(quoted).strip(" .,。，") in part for part in whole):
            return f"quotes '{quoted}', which is not typical"
    rest = text
    for part in sorted(known, key=len, reverse=True):
        rest = re.sub(re.escape(part), " ", rest, flags=re.IGNORECASE) if part else rest
    if _SIGNS.search(rest):
        return "holds signs that no description needs"
    alien = (_LATIN if language == "zh" else _NAME).search(rest)
    return f"names '{alien.group()}', which is not known" if alien else None
