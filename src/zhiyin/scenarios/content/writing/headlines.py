"""Headlines out of an author's own sentences: shortened, or with their subject put in front. Nothing is reworded, and
nothing that limits what a sentence claims (a condition, an exception, a denial, who says so) is cut away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zhiyin.scenarios.content.writing.article import LEANS, Article
from zhiyin.scripts import Language
from zhiyin.understand.long_texts import width

LIMITS: dict[Language, tuple[int, int]] = {"zh": (8, 32), "en": (20, 90)}
"""Characters of a headline, at least and at most."""
ALIKE = 0.8
"""Share of words from which on two headlines are the same one."""

_MARKS = "。．.；;，,、:： "
_OPENING: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"^(?:此外|另外|同时|而且|并且|总之|总的来说|具体来说|与此同时|事实上|实际上|值得一提的是|需要指出的是)[，,：:]\s*"
    ),
    "en": re.compile(
        r"^(?:in addition|additionally|moreover|furthermore|also|meanwhile|at the same time|in short|overall|indeed|"
        r"in fact|as a result|finally|first|second|third|then|so|and),\s+",
        re.IGNORECASE,
    ),
}
_LIMITS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"如果|若|假如|倘若|只要|只有|除|但|不过|然而|仅|只是|只在|直到|前提|据|称|表示|认为|说|或|可能|也许|不|没|未|无|非|否|虽|尽管"
        r"|当|之前|之后|以前|以后"
    ),
    "en": re.compile(
        r"\b(?:if|unless|except|excluding|but|although|though|however|only|until|provided|may|might|could|would|"
        r"reportedly|allegedly|according|said|says|claims?|claimed|not|no|never|without|nor|or|than|whether|when|"
        r"while|before|after|because|so|that|which|who)\b|n't\b",
        re.IGNORECASE,
    ),
}
"""A part with one of these may limit what the rest says."""
_BARE: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"^(?:如果|若|假如|当|随着|由于|因|为了|为|在|从|自|对|关于|除|要|想|根据|按照|通过|和|与|跟|经过|作为)"
    ),
    "en": re.compile(
        r"^(?:if|when|while|as|since|because|although|though|after|before|in|on|at|for|with|by|from|to|unlike|like|of|according|despite)\b",
        re.IGNORECASE,
    ),
}
"""What begins so is no whole clause by itself."""
_SAYS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"(?:表示|称|说|说道|认为|指出|透露|强调|介绍|宣布|显示|发现|据悉|提醒|建议|回应|解释)$"),
    "en": re.compile(
        r"\b(?:said|says|say|told \w+|adds|added|found|shows|showed|warned|argues|argued)$", re.IGNORECASE
    ),
}
"""What ends so has yet to say what was said."""
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|do|does|did|will|can|must|should|shall|gets|got|makes|made|takes|took|gives|gave|"
    r"goes|went|comes|came|sees|saw|won|lost|sold|bought|begins|began|fell|rose|grew|keeps|kept|led|adds|ran|found|"
    r"\w{3,}ed|\w{4,}izes)\b",
    re.IGNORECASE,
)
"""An English clause has a verb; these are common, and past forms end in -ed."""
_GOES_ON: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"^\s*(?:到|至|以及|及|和|与|或|等|从而|使|让|以)"),
    "en": re.compile(r"^(?:and|to|as well|etc|including|such|like|especially)\b", re.IGNORECASE),
}
"""A part that begins so belongs to the one before it."""
_BRACKETS = re.compile(r"\s*(?:\([^()]*\)|（[^（）]*）|\[[^\[\]]*\])")
_CUTS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"(?<!\d)[，,；;：:](?!\d)|——"),
    "en": re.compile(r",\s+|;\s+|\s+[—–-]\s+|:\s+"),
}
LONGEST = 1_000
"""Characters of a sentence from which headlines are made, at most: what is longer is a list or no sentence."""


@dataclass(frozen=True)
class Headline:
    """``kind``: "title" (the author's own), "sentence" (a whole one), "shortened", "fronted" (its subject, a colon, the
    rest) or "question". ``sentences`` are the places of those it is made of; ``worth`` orders them, ``reasons`` say
    what speaks for it, in words."""

    text: str
    kind: str
    sentences: tuple[int, ...]
    worth: float = 0.0
    reasons: tuple[str, ...] = ()


def candidates(article: Article, phrases: Sequence[str]) -> list[Headline]:
    """Every headline that the sentences give, the author's title first; none twice."""
    found: dict[str, Headline] = {}
    if article.title:
        found[_key(article.title)] = Headline(article.title, "title", ())
    for place, one in enumerate(article.sentences):
        if article.worth[place] <= 0 or len(one.text) > LONGEST:
            continue
        for text, kind in _of_sentence(one.text, article.language, phrases):
            found.setdefault(_key(text), Headline(text, kind, (place,)))
    return list(found.values())


def fits(text: str, language: Language) -> bool:
    least, most = LIMITS[language]
    return least <= len(text) <= most


def held(text: str, sentence: str) -> bool:
    """Whether ``text`` is ``sentence`` with parts left out: its words in their order, at most a phrase in front."""
    front, colon, rest = text.partition("：" if "：" in text else ": ")
    parts = [rest] if colon and _in(front, sentence) and _ordered(rest, sentence) else [text]
    return all(_ordered(part, sentence) for part in parts)


def _of_sentence(sentence: str, language: Language, phrases: Sequence[str]) -> Iterator[tuple[str, str]]:
    if sentence[-1:] in "?？":
        if fits(sentence, language) and not LEANS[language].match(sentence):
            yield sentence, "question"
        return
    opened = _OPENING[language].sub("", sentence)
    if LEANS[language].match(opened):
        return
    limits = _LIMITS[language]
    bare = _trimmed(_BRACKETS.sub(lambda found: found[0] if limits.search(found[0]) else "", opened))
    bare = bare[:1].upper() + bare[1:] if language == "en" else bare
    if fits(bare, language):
        yield bare, "sentence" if len(bare) >= len(_trimmed(sentence)) - 1 else "shortened"
        yield from _fronted(bare, language, phrases)
    for shorter in _shorter(bare, language):
        if fits(shorter, language):
            yield shorter, "shortened"
            yield from _fronted(shorter, language, phrases)


def _shorter(text: str, language: Language) -> Iterator[str]:
    """The beginning up to each mark between clauses, the longest first, where nothing behind it limits what it says."""
    for cut in reversed(list(_CUTS[language].finditer(text))):
        kept, rest = text[: cut.start()], text[cut.end() :]
        if _LIMITS[language].search(rest) or _GOES_ON[language].match(rest):
            # What is cut off so far holds a limit, and so would every shorter beginning.
            return
        if cut[0].strip() in (":", "："):
            continue
        kept = _trimmed(kept)
        if _whole_clause(kept, language) and (language == "zh" or _VERB.search(_CUTS["en"].split(kept)[0])):
            yield kept


def _whole_clause(text: str, language: Language) -> bool:
    """Whether a beginning can stand alone: it is no bare opening ("In 2019", 在杭州) and opens no condition."""
    if language == "zh":
        return width(text) >= 6 and not _BARE["zh"].match(text) and not _SAYS["zh"].search(text)
    return len(text.split()) >= 4 and not _BARE["en"].match(text) and not _SAYS["en"].search(text)


def _fronted(text: str, language: Language, phrases: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A key phrase of the text that the headline already begins with is set off by a colon."""
    colon = "：" if language == "zh" else ": "
    for phrase in phrases:
        if len(phrase) >= 3 and text.casefold().startswith(phrase.casefold()):
            rest = text[len(phrase) :].lstrip("，, ")
            if (
                language == "zh"
                and rest
                and fits(phrase + colon + rest, language)
                and rest[0] not in "的地得之和与及、"
            ):
                yield f"{text[: len(phrase)]}{colon}{rest}", "fronted"
            return


def _trimmed(text: str) -> str:
    return " ".join(text.split()).rstrip(_MARKS).strip()


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _in(part: str, text: str) -> bool:
    return _key(part) in _key(text)


def _ordered(part: str, text: str) -> bool:
    """Whether the letters of ``part`` are those of ``text`` in order, in few stretches."""
    wanted, at = _key(part), 0
    whole = _key(text)
    stretches = 0
    while wanted:
        size = next((n for n in range(len(wanted), 0, -1) if wanted[:n] in whole[at:]), 0)
        if not size:
            return False
        at = whole.index(wanted[:size], at) + size
        wanted = wanted[size:]
        stretches += 1
    return stretches <= 4
