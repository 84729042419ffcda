"""Words of a sentence held against the source's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from zhiyin.scenarios.grounding.folding import HAN
from zhiyin.scenarios.grounding.lexicon import claims
from zhiyin.scenarios.grounding.marks import Kind, Mark, Problem
from zhiyin.scenarios.grounding.quantities import codes
from zhiyin.scenarios.grounding.reading import Word, chinese_denials, scopes, words_of
from zhiyin.scenarios.grounding.sentence import BLANK, Reading
from zhiyin.scenarios.grounding.source import LONGEST_PIECE, Source
from zhiyin.scripts import Language
from zhiyin.understand.items.attributes import SYNONYMS

TITLED = 0.6
"""Share of capitalised words from which capitals are a headline's and tell no names."""
_ANSWERS = frozenset(
    "yes|no|sure|of course|yes it is|yes it does|no it is not|no it isnt|it does|it is|it can|是|是的|不是|对|不|会|能|"
    "可以|当然|有|没有".split("|")
)
_RUN = re.compile(f"[{HAN}]+")
_OTHER = re.compile(rf"[^\W\d_a-zà-ɏ{HAN}\ue000]")
_CONTAINS = re.compile(r"\bcontains?\s+|(?<![不无])(?:含有|采用)")
_FRESH = re.compile(r"(?:^|[.:;!?\"(\[*•·|/\n-])\s*$")
_LABELLED: dict[str, set[str]] = {
    **{name: {name} for name in "brand author director actors artist publisher color material".split()},
    **{name: {name} for name in "country language format year count".split()},
    **{name: {"size", "volume", "weight"} for name in ("size", "volume", "weight")},
}
"""What is introduced by its name, and the attributes that it may be: measures are called by each other's names."""
_NOT_IN_IT = frozenset(
    "brand category color author director actors artist publisher country language format year".split()
)
"""Attributes that nothing contains."""


def _labels(role: str) -> re.Pattern[str]:
    """What introduces an attribute by its name: "the director is", 导演：."""
    names = SYNONYMS[role].split()
    latin = "|".join(re.escape(name.replace("_", " ")) for name in names if name.isascii())
    han = "|".join(name for name in names if not name.isascii())
    return re.compile(rf"\b(?:{latin})(?: is| are|:)\s+(?:the )?|(?:{han})(?:是|为|:)\s*")


_ASKED: tuple[tuple[re.Pattern[str], set[str], bool], ...] = (
    *((_labels(role), wanted, False) for role, wanted in _LABELLED.items()),
    (re.compile(r"\bmade (?:of|from)\s+"), {"material"}, True),
    (re.compile(r"\bwritten by\s+"), {"author"}, True),
    (re.compile(r"\bdirected by\s+"), {"director"}, True),
    (re.compile(r"\bstarring\s+|(?<!没有)由(?=.{1,20}(?:主演|出演))"), {"actors"}, True),
    (re.compile(r"\b(?:manufactured|sold|made) by\s+|由(?=.{1,20}(?:生产|制造|出品))"), {"brand", "publisher"}, False),
    (re.compile(r"\b(?:made|manufactured) in\s+(?:the )?"), {"country"}, True),
    (
        re.compile(r"\bcomes? from\s+(?:the )?|来自"),
        {"brand", "country", "publisher", "author", "artist", "director", "actors", ""},
        False,
    ),
)
"""What introduces an attribute, the attributes that may stand there ("" where a free text may speak of it), and whether
a source without that attribute must have these words itself."""


def scripts(reading: Reading) -> Iterator[Problem]:
    """Letters of no script that is read here may look like others (Cyrillic, Greek): nobody could check them."""
    if (match := _OTHER.search(reading.rest)) is not None and unicodedata.category(match[0])[0] == "L":
        yield Problem("hidden", reading.said(*match.span()), f"it holds the letter '{match[0]}', which is not checked")


def alone(reading: Reading) -> Iterator[Problem]:
    """ "Yes." answers a question that stands elsewhere: alone it cannot be checked."""
    said = "".join(one for one in reading.folded.text if one.isalnum() or one == " ").strip()
    if said in _ANSWERS:
        yield Problem("denial", reading.raw, "it answers without saying what")


def quoted(reading: Reading, source: Source) -> Iterator[Problem]:
    for said in reading.misquoted:
        yield Problem("quotation", said, f"'{said}' is no title or value of the source")


def latin(reading: Reading, source: Source, neutral: frozenset[str], language: Language) -> Iterator[Problem]:
    text = reading.rest
    for start, end in codes(text):
        said = reading.said(start, end)
        yield Problem("name", said, f"the source has no '{said}'")
    words = words_of(text)
    denials = scopes(text, words)
    refused = {place for _, reached in denials for place in reached}
    deniers = {place for place, _ in denials}
    yield from _claims(reading, source)
    headline = _is_headline(reading, words)
    for place, word in enumerate(words):
        known = source.words.get(word.stem, {})
        said = reading.said(word.start, word.end)
        if place in deniers:
            continue
        if word.stem in neutral and not (said[0].isupper() and not headline and _is_name(reading, word)):
            continue
        if known and (place in refused) in known:
            reading.mark(word.start, word.end, tuple(known[place in refused]))
        elif known:
            denies = "denies" if place in refused else "affirms"
            yield Problem("denial", said, f"it {denies} '{said}', which the source does not")
        else:
            kind: Kind = "name" if said[0].isupper() and word.start and not headline else _kind(word.text)
            yield Problem(kind, said, f"the source does not say '{said}'")
    for place, reached in denials:
        if not any(words[one].stem in source.words for one in reached):
            said = reading.said(words[place].start, words[place].end) if place >= 0 else "0 %"
            yield Problem("denial", said, "it denies something that the source does not speak of")


def _claims(reading: Reading, source: Source) -> Iterator[Problem]:
    """Phrases; single words are seen to one by one."""
    for start, end, kind in claims("en").find(reading.claimed):
        phrase = reading.claimed[start:end]
        if re.fullmatch(r"\w+", phrase) is None and not any(_speaks(fact.spoken, phrase) for fact in source.facts):
            named: Kind = "material" if kind == "material" else "claim"
            yield Problem(named, reading.said(start, end), f"the source does not claim '{reading.said(start, end)}'")


def _speaks(spoken: str, phrase: str) -> bool:
    pattern = r"[\s-]+".join(map(re.escape, re.split(r"[\s-]+", phrase)))
    return re.search(rf"(?<!\w){pattern}(?!\w)", spoken) is not None


def _is_headline(reading: Reading, words: list[Word]) -> bool:
    """Whether capitals tell nothing: nearly all words have them."""
    raw = [reading.said(word.start, word.end) for word in words]
    long = [one for one in raw if len(one) > 3]
    return len(long) >= 3 and sum(one[0].isupper() for one in long) >= TITLED * len(long)


def _is_name(reading: Reading, word: Word) -> bool:
    """Whether a capital is no beginning of a sentence, a line or a quotation, nor the pronoun I."""
    if word.text == "i" or word.text.startswith("i'"):
        return False
    return _FRESH.search(reading.folded.text[: word.start]) is None


def _kind(word: str) -> Kind:
    for start, end, kind in claims("en").find(word):
        if start == 0 and end == len(word):
            return "material" if kind == "material" else "claim"
    return "word"


def chinese(reading: Reading, source: Source, neutral: frozenset[str]) -> Iterator[Problem]:
    text = reading.rest
    claimed = reading.claimed
    covers = [
        range(match.start(), match.end())
        for name in source.translated
        for match in re.finditer(re.escape(name), claimed)
    ]
    for start, end, kind in claims("zh").find(claimed):
        said = claimed[start:end]
        told = said in source.pieces or any(said in whole for whole in source.running)
        if not told and not any(start in cover and end - 1 in cover for cover in covers):
            named: Kind = "material" if kind == "material" else "claim"
            yield Problem(named, said, f"the source does not say '{said}'")
    yield from _denials(text, source)
    for start, what in chinese_denials(text):
        size = text.index(what, start) - start
        text = text[:start] + BLANK * size + text[start + size :]
    for run in _RUN.finditer(text):
        left = _composed(reading, run.start(), run[0], source, neutral)
        if left:
            yield Problem("word", left, f"the source does not say '{left}'")


def _denials(text: str, source: Source) -> Iterator[Problem]:
    known = {what for whole in source.running for _, what in chinese_denials(whole)}
    refused = chinese_denials(text)
    for _, what in refused:
        if what not in known or not what:
            yield Problem("denial", what, f"it denies '{what}', which the source does not")
    for what in source.chinese_denied:
        said = [match.start() for match in re.finditer(re.escape(what), text)]
        if said and not all(any(0 < place - start <= 3 for start, _ in refused) for place in said):
            yield Problem("denial", what, f"it affirms '{what}', which the source denies")


def _composed(reading: Reading, offset: int, run: str, source: Source, neutral: frozenset[str]) -> str:
    """What is left of ``run`` behind the longest beginning that is made of neutral phrases and pieces of the source;
    "" for all of it, and then the pieces are marked."""
    longest = max(LONGEST_PIECE, max(map(len, source.translated), default=0))
    best: list[tuple[int, int, tuple[int, ...]] | None] = [None] * (len(run) + 1)
    cost = [0] + [len(run) * 4] * len(run)
    for start in range(len(run)):
        if start and best[start] is None:
            continue
        for size in range(1, min(longest, len(run) - start) + 1):
            piece = run[start : start + size]
            places = source.pieces.get(piece, ())
            if not places and piece in source.translated:
                places = (source.translated[piece],)
            if piece in neutral:
                places = ()
            elif not places:
                continue
            # Few, long pieces: characters that happen to make a word are the last resort.
            worth = cost[start] + (2 if size > 1 else 3)
            if best[start + size] is None or worth < cost[start + size]:
                best[start + size] = (start, start + size, places)
                cost[start + size] = worth
    reached = max(place for place in range(len(run) + 1) if place == 0 or best[place] is not None)
    if reached < len(run):
        return run[reached:]
    place = len(run)
    while place:
        step = best[place]
        assert step is not None
        if step[2]:
            reading.mark(offset + step[0], offset + step[1], step[2])
        place = step[0]
    return ""


def rolled(reading: Reading, source: Source) -> Iterator[Problem]:
    """What stands behind "brand:" or "made of" must be that; where the source does not say what is, it must not be
    known as something else alone."""
    text = reading.folded.text
    marks = sorted(reading.marks, key=lambda one: one.start)
    for match in _CONTAINS.finditer(text):
        first = _behind(reading, marks, match)
        if first is not None and source.roles(first.places) & _NOT_IN_IT:
            yield _misplaced(reading, first, match)
    for pattern, wanted, strict in _ASKED:
        if pattern.search(text) is None:
            continue
        told = {place for place, fact in enumerate(source.facts) if fact.role in wanted - {""}}
        for match in pattern.finditer(text):
            first = _behind(reading, marks, match)
            if first is None:
                continue
            free = bool(source.roles(first.places) & {"", *wanted})
            if strict:
                free = free and any(match[0].strip() in source.facts[place].spoken for place in first.places)
            if not (told & set(first.places) or (free and ("" in wanted or not told))):
                yield _misplaced(reading, first, match)


def _behind(reading: Reading, marks: list[Mark], match: re.Match[str]) -> Mark | None:
    """What of the source stands directly behind ``match``."""
    low, _ = reading.folded.span(match.end(), match.end())
    return next((one for one in marks if one.start >= low and one.start - low <= 3), None)


def _misplaced(reading: Reading, first: Mark, match: re.Match[str]) -> Problem:
    said = reading.raw[first.start : first.end]
    return Problem("role", said, f"'{said}' stands behind '{match[0].strip()}', which the source does not say")


__all__ = ["BLANK", "alone", "chinese", "latin", "quoted", "rolled", "scripts"]
