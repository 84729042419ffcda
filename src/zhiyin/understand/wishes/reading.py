"""Pieces made into wishes, by rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zhiyin.types import Wish
from zhiyin.understand.wishes.lexing import CONTENT, Kind, Lexeme, lex
from zhiyin.understand.wishes.pieces import AGAINST, NO, ONLY, Piece, pieces_of
from zhiyin.understand.wishes.vocabulary import (
    ANY,
    CATEGORY,
    ITEM,
    MAKERS,
    TITLE,
    TOPIC,
    YEAR,
    Term,
    Vocabulary,
    ways_to_write,
)
from zhiyin.understand.wishes.words import Key, is_han, tokens
from zhiyin.understand.wishes.years import bounds_of

WEIGHTS = {
    "want": 1.0, "title": 1.0, "only": 1.0, "more": 0.6, "much_more": 1.0, "bit_more": 0.3,
    "no": -1.0, "less": -0.6, "much_less": -1.0, "bit_less": -0.3,
}  # fmt: skip
"""What each cue makes of a wish."""
NEAR_TITLE = 88.0
"""A marked title counts as one of the catalogue from this similarity in per cent (rapidfuzz ratio)."""
MOST_WISHES = 40


@dataclass
class Read:
    """What rules make of a request. ``unknown`` are titles that the catalogue does not have, ``left`` phrases that no
    name of the catalogue covers (they are wishes of field "any")."""

    wishes: list[Wish] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    corrected: dict[str, str] = field(default_factory=dict)
    k: int | None = None


def read(text: str, vocabulary: Vocabulary) -> Read:
    """Wishes of ``text`` in the order said, none twice."""
    lexed = lex(text, vocabulary)
    result = Read(corrected=lexed.corrected, k=lexed.k)
    pieces = pieces_of(lexed.lexemes)
    whole = len(pieces) == 1 and all(one.kind in (Kind.TITLE, Kind.STOP) for one in lexed.lexemes)
    for piece in pieces:
        result.wishes += _wishes(piece, lexed.text, vocabulary, result, whole)
    result.wishes = tidy(result.wishes)
    return result


def tidy(wishes: Sequence[Wish]) -> list[Wish]:
    """Each (field, text) once, a rule before a leaning and the later word before the earlier; open years that belong
    together joined."""
    kept: dict[tuple[str, str], Wish] = {}
    for wish in join_years(wishes):
        key = (wish.field, wish.text.casefold())
        if key not in kept or wish.hard or not kept[key].hard:
            kept.pop(key, None)
            kept[key] = wish
    return list(kept.values())[:MOST_WISHES]


def join_years(wishes: Sequence[Wish]) -> list[Wish]:
    """ "After 1990" and "before 1995" are one span, not a choice of two."""
    result: list[Wish] = []
    for wish in wishes:
        last = next((one for one in reversed(result) if one.field == YEAR and one.weight > 0), None)
        if wish.field == YEAR and wish.weight > 0 and last is not None:
            first, second = bounds_of(last.text), bounds_of(wish.text)
            if first and second and {first[0] == 0, second[0] == 0} == {True, False}:
                low, high = max(first[0], second[0]), min(first[1], second[1])
                if {first[1] == 9999, second[1] == 9999} == {True, False} and low <= high:
                    result[result.index(last)] = Wish(f"{low}-{high}", wish.weight, last.hard and wish.hard, YEAR)
                    continue
        result.append(wish)
    return result


def _wishes(piece: Piece, text: str, vocabulary: Vocabulary, result: Read, whole: bool) -> list[Wish]:
    weight, hard = WEIGHTS[piece.cue], piece.cue in (NO, ONLY)
    content = [one for one in piece.content if one.kind in CONTENT]
    titles = [one for one in content if one.kind is Kind.TITLE]
    found = [_title_wish(one, weight, piece.cue, vocabulary, result, whole) for one in titles]
    rest = [one for one in content if one.kind is not Kind.TITLE]
    years = [one for one in rest if one.kind is Kind.YEAR]
    words = [one for one in rest if one.kind is Kind.WORD and one.key]
    terms = [one for one in rest if one.kind is Kind.TERM]
    if not rest:
        return found
    if piece.by and (made := _maker_wishes(words + terms, text, weight, hard, vocabulary, result)):
        return found + made + [Wish(one.text, weight, hard, YEAR) for one in years]
    if piece.titled and not titles and not terms and words and piece.cue not in ("less", "more"):
        if (named := _near_title(_phrase(words, text), vocabulary)) is not None:
            return [*found, Wish(named, weight, piece.cue == NO, ITEM)]
        if _capitals(words):
            phrase = _phrase(words, text)
            result.unknown.append(phrase)
            return [*found, Wish(phrase, weight, False, ITEM)]
    if years and piece.cue in AGAINST and (terms or words):
        return [*found, Wish(_whole(piece, text), weight, hard, ANY)]
    # A plain wish for years is a rule: films of another decade are no answer to "from the 90s".
    firm = hard or piece.cue == "want"
    found += [Wish(one.text, weight, firm and one.sure, YEAR) for one in years]
    if not terms and not words:
        return found
    if not words and (len(terms) == 1 or piece.cue not in AGAINST | {ONLY}):
        return found + [wish for one in terms for wish in term_wishes(one.key, one.text, weight, hard, vocabulary)]
    phrase = _phrase([one for one in rest if one.kind is not Kind.YEAR], text)
    if words:
        result.left.append(phrase)
    if piece.cue == ONLY and words:
        # That an item is slow or warm nobody can tell for sure: the rule holds for the names, the rest is a leaning.
        found += [wish for one in terms for wish in term_wishes(one.key, one.text, weight, True, vocabulary)]
        return [*found, Wish(phrase, weight, False, ANY)]
    return [*found, Wish(phrase, weight, hard, ANY)]


def term_wishes(key: Key, said: str, weight: float, hard: bool, vocabulary: Vocabulary) -> list[Wish]:
    """A wish for what the catalogue calls so: its category first, else a topic, else attributes; else for the word."""
    terms = vocabulary.named(key)
    for group in (CATEGORY, TOPIC):
        if kinds := [term for term in terms if term.field == group]:
            return [Wish(term.name, weight, hard, term.field) for term in _first_by_name(kinds)]
    if terms:
        best = max(terms, key=lambda term: (term.field in MAKERS, term.count, term.field))
        return [Wish(best.name, weight, hard, best.field)]
    return [Wish(said, weight, hard, ANY)]


def _first_by_name(terms: Sequence[Term]) -> list[Term]:
    """One term stands for all of its concept: the one most often used."""
    return [max(terms, key=lambda term: (term.count, term.name))]


def _maker_wishes(
    content: Sequence[Lexeme], text: str, weight: float, hard: bool, vocabulary: Vocabulary, result: Read
) -> list[Wish]:
    """ "by X": the attribute that names makers and has X among its values, as a whole name or as words of one."""
    if not content:
        return []
    phrase = _phrase(content, text)
    asked = vocabulary.lexicon.key(phrase)
    hits: dict[str, int] = {}
    for (attribute, value), name in vocabulary.keys.items():
        if attribute in MAKERS and holds_words(name, asked):
            hits[attribute] = hits.get(attribute, 0) + len(vocabulary.rows[attribute, value])
    if hits:
        return [Wish(phrase, weight, hard, max(hits, key=lambda one: (hits[one], one)))]
    result.left.append(phrase)
    return [Wish(phrase, weight, hard, ANY)]


def holds_words(name: Key, asked: Key) -> bool:
    """Whether ``asked`` stands in ``name`` as whole words side by side."""
    return bool(asked) and any(name[at : at + len(asked)] == asked for at in range(len(name) - len(asked) + 1))


def _title_wish(lexeme: Lexeme, weight: float, cue: str, vocabulary: Vocabulary, result: Read, whole: bool) -> Wish:
    rows = vocabulary.title_rows.get(lexeme.key)
    name = _best_of(rows, lexeme.text, vocabulary) if rows else _near_title(lexeme.text, vocabulary)
    if name is None:
        result.unknown.append(lexeme.text)
        return Wish(lexeme.text, weight, False, ITEM)
    # Titles are compared by name; "not Fargo" is a rule about one item.
    return Wish(name, weight, cue == NO, TITLE if whole else ITEM)


def _best_of(rows: Sequence[int], text: str, vocabulary: Vocabulary) -> str:
    """Of titles that fold alike ("Alien", "Aliens"), the one written as asked; else the first."""
    names = [vocabulary.titles[row] for row in rows]
    same = [name for name in names if text.casefold() in {way.casefold() for way in ways_to_write(name)}]
    return (same or names)[0]


def _near_title(text: str, vocabulary: Vocabulary) -> str | None:
    """The catalogue's title closest to ``text``, where one is close enough; the first of equals."""
    from rapidfuzz import fuzz, process

    key = vocabulary.lexicon.key(text)
    if rows := vocabulary.title_rows.get(key):
        return _best_of(rows, text, vocabulary)
    written = " ".join(key)
    if len(written) < 5 or vocabulary.knows(key):
        return None
    spelt = {" ".join(other): rows[0] for other, rows in vocabulary.title_rows.items()}
    found = process.extractOne(written, spelt.keys(), scorer=fuzz.ratio, score_cutoff=NEAR_TITLE)
    return vocabulary.titles[spelt[found[0]]] if found else None


def _phrase(content: Sequence[Lexeme], text: str) -> str:
    """From the first to the last of ``content``, in whatever order it is given, as written; marks of years left out."""
    said = text[min(one.start for one in content) : max(one.end for one in content)]
    return " ".join("".join(character for character in said if not "\ue000" <= character <= "\uf8ff").split())


def _whole(piece: Piece, text: str) -> str:
    """The piece with its years written out."""
    inside = [one for one in piece.content if one.kind is not Kind.STOP]
    parts = [one.text for one in inside if one.key or one.kind is Kind.YEAR]
    glue = "" if all(is_han(part[0]) for part in parts) else " "
    return glue.join(parts)


def _capitals(words: Sequence[Lexeme]) -> bool:
    """Whether Latin words are written as a name."""
    heads = [token.text[0] for one in words for token in tokens(one.text) if not is_han(token.text)]
    return bool(heads) and heads[0].isupper() and len(heads) == sum(len(one.key) for one in words)
