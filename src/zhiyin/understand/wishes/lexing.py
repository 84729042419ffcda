"""A request cut into lexemes: names that the catalogue knows, titles, years, cues, and the words left over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from zhiyin.understand.wishes.lexicon import Lexicon
from zhiyin.understand.wishes.spelling import corrected, corrected_han
from zhiyin.understand.wishes.vocabulary import CATEGORY, TOPIC, Vocabulary
from zhiyin.understand.wishes.words import Key, Token, clean, is_han, tokens
from zhiyin.understand.wishes.years import find_years

LONGEST = 8
"""Tokens of the longest name that is looked for outside quotes."""
MARK = 0xE000
MOST_MARKS = 200


class Kind(StrEnum):
    TERM = "term"
    TITLE = "title"
    YEAR = "year"
    WORD = "word"
    STOP = "stop"
    CUE = "cue"
    BUT = "but"
    JOIN = "join"
    BY = "by"
    COMMA = "comma"
    LIST = "list"
    END = "end"


CONTENT = frozenset({Kind.TERM, Kind.TITLE, Kind.YEAR, Kind.WORD})
_CUE_KINDS = {"but": Kind.BUT, "join": Kind.JOIN, "by": Kind.BY}


@dataclass(frozen=True)
class Lexeme:
    """``text`` as written (a year as "1990-1999"), ``key`` its folded tokens; ``value`` is the kind of a cue; ``sure``
    is False for a title that was not marked as one and for years said with "around"."""

    kind: Kind
    text: str
    start: int
    end: int
    key: Key = ()
    value: str = ""
    sure: bool = True


@dataclass
class Lexed:
    """``text`` is the cleaned request with marks in place of quotes and years."""

    text: str
    lexemes: list[Lexeme]
    corrected: dict[str, str] = field(default_factory=dict)
    k: int | None = None


_QUOTES = re.compile(
    r"《([^《》\n]{1,120})》|「([^「」\n]{1,120})」|『([^『』\n]{1,120})』|“([^“”\n]{1,120})”|\"([^\"\n]{1,120})\""
    r"|(?<![^\s(])'([A-Z0-9][^'\n]{0,118}[^'\s])'(?![^\s,.;:!?)])"
)
_K_EN = re.compile(
    r"\b(?:top|recommend|recommend me|suggest|give me|show me|find|find me|need|want|list|best)\s+"
    r"(\d{1,3}|[a-z]+)\b(?!\s*(?:year|%|stars?\b|\d))",
    re.IGNORECASE,
)
_K_EN_ITEMS = re.compile(
    r"(?<![\w-])(\d{1,3})\s+(?:[a-z-]+\s+){0,3}?(?:movies|films|books|items|songs|products|titles|articles)\b",
    re.IGNORECASE,
)
_K_ZH = re.compile(
    r"(?:推荐|来|给我|找|想看|想要|要|选|列|推)(?:我|给我|出)?\s*"
    r"(\d{1,3}|[一两三四五六七八九十]{1,2})\s*(?:部|本|个|首|件|款|条|篇)"
)


def lex(text: str, vocabulary: Vocabulary) -> Lexed:
    """Never raises: what is not understood is left as words."""
    cleaned = clean(text)
    marked, marks = _mark_quotes(cleaned, vocabulary)
    marked, k = _take_number(marked, vocabulary.lexicon)
    marked = _mark_years(marked, marks)
    found = tokens(marked, vocabulary.lexicon.fold)
    fixed = corrected(found, vocabulary)
    words = [fixed.get(token.word, token.word) for token in found]
    mixed_case = any(token.text[0].islower() for token in found if not is_han(token.text))
    lexemes: list[Lexeme] = []
    at = 0
    while at < len(found):
        if at:
            lexemes += _separator(marked[found[at - 1].end : found[at].start], found[at])
        lexeme, taken = _longest(found, words, at, marked, marks, vocabulary, lexemes, mixed_case)
        lexemes.append(lexeme)
        at += taken
    lexemes = _grown(lexemes, vocabulary.lexicon.weak)
    said = {token.text: fixed[token.word] for token in found if token.word in fixed}
    return Lexed(marked, lexemes, said, k)


def _mark_quotes(text: str, vocabulary: Vocabulary) -> tuple[str, dict[str, Lexeme]]:
    """Quoted titles become single private characters; quotes round a word the catalogue knows are dropped."""
    marks: dict[str, Lexeme] = {}

    def replace(match: re.Match[str]) -> str:
        inside = next(group for group in match.groups() if group is not None).strip()
        key = vocabulary.lexicon.key(inside)
        known = vocabulary.knows(key) and key not in vocabulary.title_rows and match.group(1) is None
        if not key or known or len(marks) >= MOST_MARKS:
            return f" {inside} "
        mark = chr(MARK + len(marks))
        marks[mark] = Lexeme(Kind.TITLE, inside, 0, 0, key)
        return mark

    return _QUOTES.sub(replace, text), marks


def _mark_years(text: str, marks: dict[str, Lexeme]) -> str:
    parts, last = [], 0
    for years in find_years(text):
        if len(marks) >= MOST_MARKS:
            break
        mark = chr(MARK + len(marks))
        marks[mark] = Lexeme(Kind.YEAR, years.text, 0, 0, (years.text,), sure=not years.soft)
        parts += [text[last : years.start], " " + mark + " "]
        last = years.end
    return "".join([*parts, text[last:]])


def _take_number(text: str, lexicon: Lexicon) -> tuple[str, int | None]:
    """How many items are asked for, and the text without that number."""
    for pattern in (_K_EN, _K_EN_ITEMS, _K_ZH):
        for match in pattern.finditer(text):
            raw = match.group(1).casefold()
            number = int(raw) if raw.isdigit() else lexicon.numbers.get(raw, 0)
            if number > 0:
                return text[: match.start(1)] + " " + text[match.end(1) :], number
    return text, None


def _separator(gap: str, following: Token) -> list[Lexeme]:
    """At most one: the strongest of what stands between two tokens."""
    here = following.start
    if "\n" in gap or re.search(r"[。！？!?;；]|\.(?:\s|$)", gap):
        return [Lexeme(Kind.END, gap, here, here)]
    if re.search(r"[,，:：()（）]|\s[-–—]+\s|——", gap):
        return [Lexeme(Kind.COMMA, gap, here, here)]
    return [Lexeme(Kind.LIST, gap, here, here)] if re.search(r"[、/|+&]", gap) else []


def _longest(
    found: Sequence[Token],
    words: Sequence[str],
    at: int,
    text: str,
    marks: dict[str, Lexeme],
    vocabulary: Vocabulary,
    before: list[Lexeme],
    mixed_case: bool,
) -> tuple[Lexeme, int]:
    """The lexeme that starts at token ``at`` and how many tokens it takes."""
    lexicon, first = vocabulary.lexicon, found[at]
    if (mark := marks.get(first.text)) is not None:
        return Lexeme(mark.kind, mark.text, first.start, first.end, mark.key, mark.value, mark.sure), 1
    for length in range(min(LONGEST, len(found) - at), 0, -1):
        tail = found[at + length - 1]
        gaps = {text[found[place].end : found[place + 1].start] for place in range(at, at + length - 1)}
        if any(re.search(r"[。！？!?;；\n，、]|\.\s", gap) for gap in gaps):
            continue
        key, raw = tuple(words[at : at + length]), text[first.start : tail.end]
        if key in vocabulary.title_rows and _reads_as_title(
            found[at : at + length], key, vocabulary, before, mixed_case
        ):
            return Lexeme(Kind.TITLE, raw, first.start, tail.end, key, sure=False), length
        if any("," in gap or "(" in gap or ":" in gap for gap in gaps):
            continue
        if key in lexicon.content:
            return Lexeme(Kind.WORD, raw, first.start, tail.end, key), length
        if _is_term(key, vocabulary) and not _inside_word(first, key, before):
            return Lexeme(Kind.TERM, raw, first.start, tail.end, key), length
        if key in lexicon.cues and not (key[:-1] in lexicon.cues and _name_starts(words, at + length - 1, vocabulary)):
            value = lexicon.cues[key]
            return Lexeme(_CUE_KINDS.get(value, Kind.CUE), raw, first.start, tail.end, key, value), length
        if key in lexicon.stop:
            return Lexeme(Kind.STOP, raw, first.start, tail.end, key), length
    if is_han(first.text) and (guess := corrected_han(words, at, vocabulary)) is not None:
        tail = found[at + 2]
        return Lexeme(Kind.TERM, text[first.start : tail.end], first.start, tail.end, guess), 3
    return Lexeme(Kind.WORD, first.text, first.start, first.end, (words[at],)), 1


def _grown(lexemes: Sequence[Lexeme], weak: frozenset[str]) -> list[Lexeme]:
    """Weak stop words made words where an unknown Chinese character follows at once."""
    grown = list(lexemes)
    for place in range(len(grown) - 2, -1, -1):
        this, following = grown[place], grown[place + 1]
        if (
            this.kind is Kind.STOP
            and this.text in weak
            and following.kind is Kind.WORD
            and following.start == this.end
            and is_han(following.text[0])
        ):
            grown[place] = Lexeme(Kind.WORD, this.text, this.start, this.end, this.key)
    return grown


def _is_term(key: Key, vocabulary: Vocabulary) -> bool:
    """Whether ``key`` names something: a concept, a category, a topic, or an attribute value that is no common word.
    What a whole catalogue consists of ("books") names nothing where no category is called so."""
    if key in vocabulary.lexicon.concepts and (key not in vocabulary.lexicon.stop or vocabulary.named(key)):
        return True
    fields = {term.field for term in vocabulary.terms.get(key, [])}
    if fields & {CATEGORY, TOPIC}:
        return True
    common = key in vocabulary.lexicon.stop or key in vocabulary.lexicon.cues
    return bool(fields) and not common and any((word.isalpha() and len(word) > 2) or is_han(word) for word in key)


def _name_starts(words: Sequence[str], at: int, vocabulary: Vocabulary) -> bool:
    """Whether the last character of a cue begins a name instead: 不要推理 is 不要 and 推理, not 不要推."""
    return is_han(words[at]) and any(
        _is_term(tuple(words[at : at + length]), vocabulary) for length in (2, 3, 4) if at + length <= len(words)
    )


def _inside_word(first: Token, key: Key, before: list[Lexeme]) -> bool:
    """Whether a name of one Chinese character only ends a longer word that nobody knows."""
    if len(key) > 1 or not is_han(key[0]) or not before:
        return False
    last = before[-1]
    return last.kind is Kind.WORD and last.end == first.start and is_han(last.text)


def _reads_as_title(
    span: Sequence[Token], key: Key, vocabulary: Vocabulary, before: list[Lexeme], mixed_case: bool
) -> bool:
    """An unquoted title needs a sign: a word such as "like" or "watched" before it, or capital letters."""
    if vocabulary.knows(key) or key in vocabulary.lexicon.stop or key in vocabulary.lexicon.cues:
        return False
    if after_title_cue(before):
        return True
    if not before and len(key) > 1:
        return True
    heads = [token.text[0] for token in span if not is_han(token.text)]
    large = [head.isupper() or head.isdigit() for head in heads]
    return mixed_case and len(key) > 1 and len(heads) == len(span) and large[0] and large[-1] and sum(large) > 1


def after_title_cue(before: list[Lexeme]) -> bool:
    """Whether a cue for titles stands last, or a title with "and" behind it."""
    for lexeme in reversed(before):
        if lexeme.kind is Kind.STOP or lexeme.kind in (Kind.JOIN, Kind.LIST, Kind.COMMA):
            continue
        return lexeme.kind is Kind.TITLE or (lexeme.kind is Kind.CUE and lexeme.value == "title")
    return False
