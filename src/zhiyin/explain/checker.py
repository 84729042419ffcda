"""Whether a sentence says only what its evidence says. It knows nothing of who wrote the sentence.

A sentence holds where every id it cites is there and is spoken of; every quoted string is a title or name of the
evidence cited; every number is one of that evidence's, in the role it has there; what it says the person did to an
item is what they did; and every other word is either one that claims nothing or one that the cited facts allow. Names
must be quoted, so an unquoted one counts as an unknown word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from zhiyin.explain.evidence import Evidence, Kind
from zhiyin.explain.numbers import Number, numbers
from zhiyin.explain.sentences import percent
from zhiyin.explain.text import folded, forms, is_cut_from
from zhiyin.explain.vocabulary import allowed_words, generic_verbs, specific_verbs, verb_phrases
from zhiyin.scripts import Language, is_han

LONGEST = 400
"""Characters of one sentence."""

_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|《([^》]*)》|「([^」]*)」|『([^』]*)』')
_PUNCTUATION = set(" ,.;:!?()'-。、—·")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_QUOTE, _NUMBER, _PHRASE = "\ue000", "\ue001", "\ue002"
_SPOKEN_OF_TREND = {"en": ("popular", "recently"), "zh": ("热门", "近期")}
_FEWEST = {"en": 2, "zh": 2}
"""Words (en) or characters (zh) of the language that must be there outside the quotes."""


@dataclass(frozen=True)
class _Reading:
    """A sentence taken apart: ``rest`` is the text in lower case with a mark for each of ``quotes`` and ``found``."""

    rest: str
    quotes: list[str]
    found: list[Number]
    numbered: str
    """As ``rest``, with the numbers still written out: ``found`` has its places here."""


def problem(text: str, cites: Sequence[str], evidence: Mapping[str, Evidence], language: Language) -> str | None:
    """Why ``text`` may not be shown as standing on the ids ``cites`` of ``evidence``; None where it may."""
    return next(_problems(text, cites, evidence, language), None)


def _problems(text: str, cites: Sequence[str], evidence: Mapping[str, Evidence], language: Language) -> Iterator[str]:
    if not cites:
        yield "it cites no evidence"
        return
    for key in cites:
        if key not in evidence:
            yield f"it cites '{key}', which is no evidence here"
            return
    if len(text) > LONGEST:
        yield f"it is longer than {LONGEST} characters"
    if any(unicodedata.category(one)[0] == "C" for one in text):
        yield "it holds characters that cannot be seen"
        return
    cited = [evidence[key] for key in dict.fromkeys(cites)]
    reading = _read(text, language)
    yield from _wrong_language(reading, language)
    yield from _wrong_quotes(reading, cited)
    yield from _wrong_numbers(reading, cited)
    yield from _wrong_direction(reading)
    yield from _wrong_actions(reading, cited, language)
    yield from _wrong_words(reading, allowed_words(cited, language), language)
    yield from _left_out(reading, cited, language)


def _read(text: str, language: Language) -> _Reading:
    wide = unicodedata.normalize("NFKC", text).replace("’", "'").replace("–", "-")
    quotes = [next(part for part in match.groups() if part is not None) for match in _QUOTED.finditer(wide)]
    plain = unicodedata.normalize("NFKC", _QUOTED.sub(_QUOTE, wide).casefold())
    # Phrases with a numeral in them are no numbers; neither is "this one".
    plain = re.sub(r"\b(this|that) one\b", r"\1", plain)
    for phrase in ("一样", "一起", "两者"):
        plain = plain.replace(phrase, _PHRASE)
    found = numbers(plain)
    rest, end = "", 0
    for number in found:
        # With a Chinese number goes its measure word, and the sign of an ordinal.
        start = number.start - (plain[end : number.start][-1:] == "第")
        rest, end = rest + plain[end:start] + _NUMBER, number.end
        end += plain[end : end + 1] in ("位", "名", "个", "人")
    return _Reading(rest + plain[end:], quotes, found, plain)


def _wrong_language(reading: _Reading, language: Language) -> Iterator[str]:
    han = sum(map(is_han, reading.rest)) + 2 * reading.rest.count(_PHRASE)
    words = [word for word in _WORD.findall(reading.rest) if not any(map(is_han, word))]
    if (han if language == "zh" else len(words)) < _FEWEST[language] or (words if language == "zh" else han):
        yield f"it is not in the language asked for ({language})"


def _wrong_quotes(reading: _Reading, cited: list[Evidence]) -> Iterator[str]:
    for quoted in reading.quotes:
        if not _named(quoted, cited):
            yield f"it quotes '{quoted}', which no cited evidence holds"


def _named(quoted: str, cited: Sequence[Evidence]) -> list[Evidence]:
    """The evidence that ``quoted`` is the title or a name of."""
    return [
        one
        for one in cited
        if any(folded(quoted) in forms(name) or is_cut_from(quoted, name) for name in (one.title, *one.names) if name)
    ]


def _wrong_numbers(reading: _Reading, cited: list[Evidence]) -> Iterator[str]:
    counted = [one for one in cited if one.kind in (Kind.TOGETHER, Kind.TREND)]
    if len(counted) > 1:
        yield "it speaks of two groups of people at once"
    for number in reading.found:
        before, after = reading.numbered[: number.start], reading.numbered[number.end :]
        role = _role(number, before, after)
        right = {value for one in cited if (value := _value(one, role)) is not None}
        if number.value not in right:
            written = reading.numbered[number.start : number.end]
            yield f"it says '{written}' ({role}), which no cited evidence does"


def _wrong_direction(reading: _Reading) -> Iterator[str]:
    """Of those who took the title so many took the item shown; never the other way round."""
    roles = []
    for number in reading.found:
        before, after = reading.numbered[: number.start], reading.numbered[number.end :]
        roles.append((_role(number, before, after), number))
    totals = [number for role, number in roles if role == "total"]
    counts = [number for role, number in roles if role == "count"]
    if len(totals) == 1 and len(counts) == 1:
        total, count = totals[0], counts[0]
        group = reading.numbered[: count.start] if total.start < count.start else reading.numbered[total.end :]
        first = re.search(rf"{_QUOTE}|\b(?:this|it)\b|[它此这]", group)
        if first is None or first[0] != _QUOTE:
            yield "it turns round who chose what"


def _role(number: Number, before: str, after: str) -> str:
    if number.percent:
        return "percent"
    if re.match(r"\s*(?:days?\b|天|日)", after):
        return "days"
    if number.ordinal or re.search(r"(?:\bnumber|\bno\.|\branks?|\branked|第)\s*$", before):
        return "rank"
    if re.search(r"\bof (?:the |all )?$", before) or re.match(r"[^,。\d]*人?(?:之中|其中|中)", after):
        return "total"
    return "count"


def _value(evidence: Evidence, role: str) -> float | None:
    if role == "percent":
        return None if evidence.share is None else float(percent(evidence.share))
    value = {"days": evidence.days, "rank": evidence.rank, "total": evidence.total, "count": evidence.count}[role]
    return None if value is None else float(value)


def _wrong_actions(reading: _Reading, cited: list[Evidence], language: Language) -> Iterator[str]:
    """A specific action (bought, 看过) belongs to the title next after it, or to the one before where none follows it
    without another action between."""
    edge = r"(?<!\w){}(?!\w)" if language == "en" else "{}"
    phrases = sorted(specific_verbs(language) | generic_verbs(language), key=len, reverse=True)
    pattern = re.compile("|".join(edge.format(re.escape(phrase)) for phrase in phrases) + f"|{_QUOTE}")
    waiting: list[str] = []
    last, place = "", -1
    for match in pattern.finditer(reading.rest):
        if match[0] != _QUOTE:
            last = match[0]
            for quoted in waiting:
                yield from _wrong_action(last, quoted, cited, language)
            waiting = []
            continue
        place += 1
        quoted = reading.quotes[place]
        if any(folded(quoted) in forms(one.title) for one in cited if one.title):
            if last:
                yield from _wrong_action(last, quoted, cited, language)
            else:
                waiting.append(quoted)


def _wrong_action(phrase: str, quoted: str, cited: list[Evidence], language: Language) -> Iterator[str]:
    if phrase in generic_verbs(language):
        return
    events = [one for one in _named(quoted, cited) if one.kind is Kind.EVENT]
    if not any(phrase in verb_phrases(one, language) for one in events):
        yield f"it says '{phrase}' of '{quoted}', which no cited event does"


def _wrong_words(reading: _Reading, allowed: set[str], language: Language) -> Iterator[str]:
    rest = reading.rest
    if language == "en":
        for word in _WORD.findall(rest):
            if word not in allowed:
                yield f"it says '{word}', which no cited evidence does"
        rest = _WORD.sub("", rest)
    else:
        for run in re.findall(r"[㐀-䶿一-鿿〇]+", rest):
            if unknown := _not_made_of(run, allowed):
                yield f"it says '{unknown}', which no cited evidence does"
        rest = re.sub(r"[㐀-䶿一-鿿〇]", "", rest)
    for one in rest:
        if one not in _PUNCTUATION and one not in (_QUOTE, _NUMBER, _PHRASE):
            yield f"it holds '{one}'"


def _not_made_of(run: str, phrases: set[str]) -> str:
    """What is left of ``run`` behind the longest beginning that can be put together out of ``phrases``; "" for all."""
    reached = {0}
    longest = max(map(len, phrases))
    for start in range(len(run)):
        if start in reached:
            reached |= {start + size for size in range(1, longest + 1) if run[start : start + size] in phrases}
    end = max(place for place in reached if place <= len(run))
    return run[end:]


def _left_out(reading: _Reading, cited: list[Evidence], language: Language) -> Iterator[str]:
    """Evidence that is cited must be spoken of, or the citation says nothing."""
    said = {folded(quoted) for quoted in reading.quotes}
    values = {number.value for number in reading.found}

    def quotes(name: str) -> bool:
        return bool(said & forms(name)) or any(is_cut_from(quoted, name) for quoted in reading.quotes)

    for one in cited:
        named = any(quotes(name) for name in one.names)
        spoken = {
            Kind.EVENT: quotes(one.title),
            Kind.ATTRIBUTE: quotes(one.title) and named,
            Kind.TOGETHER: quotes(one.title) and one.count in values,
            Kind.TREND: one.count in values or any(word in reading.rest for word in _SPOKEN_OF_TREND[language]),
            Kind.WISH: named,
            Kind.INTEREST: named,
        }
        if not spoken[one.kind]:
            yield f"it cites '{one.id}' and does not speak of it"
