"""A profile in words: a sentence for each interest that stands out, by template, or by a model where it holds."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zhiyin.errors import LlmError
from zhiyin.ports import Answer, LanguageModels, Render
from zhiyin.types import Job, Tier
from zhiyin.understand.profiles.view import READ, Statement, Weighed

PROMPT = "profile_text"
MOST = 5
"""Interests that are put in words."""
STANDS_OUT = 1.5
"""Times an even share from which an interest stands out, ..."""
ENOUGH = 0.15
"""... or this share of the whole, where that is less."""
UNSURE = 0.4
"""Below this confidence a sentence says so."""
TITLES = 2
"""Titles named in a sentence."""
LONGEST = 240
LANGUAGES = ("en", "zh")
SCHEMA = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "maxItems": MOST,
            "items": {
                "type": "object",
                "properties": {"interest": {"type": "string"}, "text": {"type": "string", "maxLength": LONGEST}},
                "required": ["interest", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}

TEMPLATES = {
    "en": {
        "steady": "You like {name}{titles}.",
        "rising": "Of late you turn more to {name}{titles}.",
        "falling": "You like {name}, though less of late than before{titles}.",
        "perhaps": "Perhaps: ",
        "titles": ", as {list} show",
        "one": ", as {list} shows",
        "join": " and ",
        "quote": "“{}”",
        "nothing": "Nothing is known of you yet.",
        "general": "So far you go along with what many people take.",
        "space": " ",
    },
    "zh": {
        "steady": "您喜欢“{name}”{titles}。",
        "rising": "您近来更偏爱“{name}”{titles}。",
        "falling": "您喜欢“{name}”，不过近来比以前少了{titles}。",
        "perhaps": "可能：",
        "titles": "，例如{list}",
        "one": "，例如{list}",
        "join": "和",
        "quote": "《{}》",
        "nothing": "目前对您还一无所知。",
        "general": "到目前为止，您的选择与大众相近。",
        "space": "",
    },
}
FILLER = frozenset(
    (
        "you your yours a an the and or but of in on to at by for from with as is are was were be been have has had it "
        "its this that these those which like likes liked love loves enjoy enjoys enjoyed prefer prefers favour favor "
        "favourite favorite interest interests interested taste tastes into often mostly mainly also still too very "
        "more less most much many some lately recently late recent now currently before than used turn turned turning "
        "show shows shown seen such especially particularly perhaps maybe though although while long time always "
        "choose chose chosen pick picked watch watched read reading listen listened buy bought take took"
    ).split()
)
FILLER_ZH = frozenset(
    "您你的是在了也都和与及或但对很更最喜欢爱偏好兴趣近来最近现在以前比较多少些常一直尤其特别例如比如可能或许看过读听买选择"
    "类型作品倾向于关注感到有着并且还不过减退增加上升下降长期以来经常主要其中"
)
LATELY = re.compile(r"\b(?:lately|recently|late|recent|now|currently|turn\w*)\b|近来|最近|现在")
FEWER = re.compile(r"\b(?:less|used to|before)\b|减退|减少|以前|下降")
_QUOTED = re.compile(r"[“\"「《]([^”\"」》]+)[”\"」》]")
_WORD = re.compile(r"[^\W\d_]+")
_HAN = re.compile(r"[㐀-䶿一-鿿]")


@dataclass(frozen=True)
class Worded:
    """``note`` says why the configured model did not word all of it, None where it did or none is configured."""

    statements: list[Statement]
    tier: Tier
    note: str | None


def language_for(attributes: str, titles: Sequence[str]) -> str:
    """ "zh" or "en": by the person's attributes (a JSON object with "language", "lang" or "locale"), else by the titles
    of what they took, a Chinese character counting as two letters; English where neither tells."""
    try:
        told = json.loads(attributes)
    except ValueError:
        told = None
    if isinstance(told, dict):
        for key in ("language", "lang", "locale"):
            value = told.get(key)
            if isinstance(value, str) and value[:2].casefold() in LANGUAGES:
                return value[:2].casefold()
            if isinstance(value, str) and value.strip().casefold() in ("chinese", "中文", "汉语"):
                return "zh"
    text = "".join(titles)
    han = len(_HAN.findall(text))
    return "zh" if han and 2 * han >= sum(map(str.isalpha, text)) - han else "en"


def standing_out(read: Sequence[Weighed], most: int = MOST) -> list[Weighed]:
    """Interests worth a sentence: weighty enough, with something behind them, not muted."""
    even = min(STANDS_OUT / max(1, len(read)), ENOUGH)
    found = [one for one in read if max(one.long_term, one.now) >= even and not one.general and one.evidence]
    return [one for one in found if one.edited != "muted"][:most]


def by_template(one: Weighed, language: str) -> Statement:
    words = TEMPLATES[language]
    titles = [event.title for event in one.evidence if event.title]
    shown = [words["quote"].format(title) for title in dict.fromkeys(titles)][:TITLES]
    behind = words["one" if len(shown) == 1 else "titles"].format(list=words["join"].join(shown)) if shown else ""
    sentence = words[one.trend].format(name=one.name, titles=behind)
    if one.confidence < UNSURE:
        sentence = words["perhaps"] + sentence
    return Statement(one.id, sentence, READ, [one.id], one.confidence, one.evidence)


def put_in_words(
    read: Sequence[Weighed],
    language: str,
    models: LanguageModels,
    render: Render | None,
    seconds: float | None = None,
) -> Worded:
    """Sentences for what stands out of ``read``; those of the model where they hold, the templates' otherwise."""
    chosen = standing_out(read)
    plain = [by_template(one, language) for one in chosen]
    if models.tier(Job.PROFILES) is not Tier.REMOTE or not chosen:
        # A small model in this process is asked for likelihoods, not for prose.
        return Worded(plain, Tier.NONE, None)
    if render is None:
        return Worded(plain, Tier.NONE, "no way to ask the configured model for a text")
    facts = [
        json.dumps(
            {
                "interest": one.id,
                "name": one.name,
                "trend": one.trend,
                "titles": [e.title for e in one.evidence if e.title],
            },
            ensure_ascii=False,
        )
        for one in chosen
    ]
    asked = render(PROMPT, language=language, schema=SCHEMA, facts=facts)
    answer = models.complete(Job.PROFILES, [asked], seconds=seconds)[0]
    if isinstance(answer, LlmError):
        return Worded(plain, Tier.NONE, answer.line)
    return _checked(answer, chosen, plain, language)


def _checked(answer: Answer, chosen: Sequence[Weighed], plain: list[Statement], language: str) -> Worded:
    data = answer.data if isinstance(answer.data, dict) else {}
    told = data.get("sentences")
    written: dict[str, str] = {}
    note = None
    for one in told if isinstance(told, list) else []:
        if isinstance(one, dict) and isinstance(one.get("text"), str) and isinstance(one.get("interest"), str):
            written.setdefault(one["interest"], " ".join(one["text"].split()))
    statements = []
    for interest, template in zip(chosen, plain, strict=True):
        text = written.get(interest.id, "")
        why = refused(text, interest, language)
        statements.append(template if why else replace(template, text=text))
        note = note or (f"the model's sentence on {interest.name} was refused: {why}" if why else None)
    tier = answer.tier if any(new is not old for new, old in zip(statements, plain, strict=True)) else Tier.NONE
    return Worded(statements, tier, note)


def refused(text: str, one: Weighed, language: str) -> str | None:
    """None where ``text`` says of the interest what is known and nothing else, else what is wrong with it.

    It must hold the name. What is left without the name, its words and titles of the evidence must be words that say
    liking and its course, out of a closed list.
    """
    if not text or len(text) > LONGEST:
        return "empty, or too long"
    folded = _folded(text)
    if _folded(one.name) not in folded:
        return "does not name it"
    titles = {_folded(event.title) for event in one.evidence if event.title}
    for quoted in _QUOTED.findall(folded):
        if quoted.strip(" .,。，") not in titles | {_folded(one.name)}:
            return f"quotes '{quoted}', which is not behind it"
    rest = folded
    for known in sorted([*titles, _folded(one.name), *map(_folded, one.words)], key=len, reverse=True):
        rest = rest.replace(known, " ")
    if re.search(r"\d|https?|www|@|[<>{}\[\]]", rest):
        return "holds signs that no such sentence needs"
    if alien := [word for word in _WORD.findall(_HAN.sub(" ", rest)) if word not in FILLER]:
        return f"says '{alien[0]}', which is not known"
    if alien := [sign for sign in _HAN.findall(rest) if sign not in FILLER_ZH]:
        return f"says '{alien[0]}', which is not known"
    if LATELY.search(rest) and one.trend == "steady":
        return "speaks of a change that is not there"
    if FEWER.search(rest) and one.trend != "falling":
        return "speaks of a change that is not there"
    return None


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
