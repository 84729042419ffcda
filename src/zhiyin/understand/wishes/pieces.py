"""Lexemes gathered into pieces: what is asked for together, under one cue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from zhiyin.understand.wishes.lexing import CONTENT, Kind, Lexeme

WANT, NO, ONLY, TITLE = "want", "no", "only", "title"
AGAINST = frozenset({NO, "less", "much_less", "bit_less"})
AFTER = frozenset({*AGAINST, "more", "much_more", "bit_more", ONLY})
"""Cues that may stand behind what they are about: 恐怖片少一点, "science fiction only"."""
_BREAKS = frozenset({Kind.COMMA, Kind.END, Kind.BUT})


@dataclass
class Piece:
    """``cue`` governs ``content``; ``titled``: a cue for titles stands before it; ``by``: it names a maker."""

    cue: str
    content: list[Lexeme] = field(default_factory=list)
    titled: bool = False
    by: bool = False
    clause: int = 0


class _Reader:
    def __init__(self, lexemes: Sequence[Lexeme]) -> None:
        self.lexemes = lexemes
        self.pieces: list[Piece] = []
        self.clause = 0
        self.open = Piece(WANT)

    def start(self, cue: str, *, titled: bool = False, by: bool = False) -> None:
        if self.open.content:
            self.pieces.append(self.open)
        self.open = Piece(cue, titled=titled, by=by, clause=self.clause)

    def read(self) -> list[Piece]:
        for place, lexeme in enumerate(self.lexemes):
            if lexeme.kind is Kind.CUE:
                self._cue(place, lexeme)
            elif lexeme.kind in (Kind.JOIN, Kind.LIST):
                self.start(self.open.cue, titled=self.open.titled, by=self.open.by)
            elif lexeme.kind is Kind.BY:
                # "no thrillers by X" is one thing; "thrillers by X" are two wishes that add up.
                if self.open.cue in AGAINST and any(one.kind in CONTENT for one in self.open.content):
                    self.open.content.append(Lexeme(Kind.WORD, lexeme.text, lexeme.start, lexeme.end, ()))
                else:
                    self.start(self.open.cue, by=True)
            elif lexeme.kind is Kind.COMMA:
                goes_on = self._list_goes_on(place)
                self.clause += 1
                self.start(self.open.cue if goes_on else WANT, titled=self.open.titled, by=self.open.by and goes_on)
            elif lexeme.kind in (Kind.END, Kind.BUT):
                self.clause += 1
                self.start(WANT)
            else:
                self.open.content.append(lexeme)
        self.start(WANT)
        return [piece for piece in self.pieces if any(one.kind in CONTENT for one in piece.content)]

    def _cue(self, place: int, lexeme: Lexeme) -> None:
        value = lexeme.value
        fresh = not any(one.kind in CONTENT for one in self.open.content)
        if value in AFTER and not self._content_follows(place) and self._rename(value):
            return
        if value == NO and lexeme.key[:1] == ("除",) and self._besides(place):
            value = WANT
        if value in (WANT, TITLE):
            # "never recommend", 不要推荐: the cue before keeps its say.
            cue = self.open.cue if fresh else WANT
            self.start(cue, titled=value == TITLE or lexeme.key == ("like",))
        elif fresh and self.open.cue in (NO, ONLY) and value not in (NO, ONLY):
            self.start(self.open.cue)
        else:
            self.start(value)

    def _content_follows(self, place: int) -> bool:
        for lexeme in self.lexemes[place + 1 :]:
            if lexeme.kind in _BREAKS or (lexeme.kind is Kind.CUE and lexeme.value != WANT):
                return False
            if lexeme.kind in CONTENT:
                return True
        return False

    def _rename(self, cue: str) -> bool:
        """Put ``cue`` over what this clause said last, or over the clause before where this one said nothing."""
        said = [*self.pieces, self.open] if self.open.content else self.pieces
        said = [piece for piece in said if any(one.kind in CONTENT for one in piece.content)]
        if not said or (said[-1].clause != self.clause and (cue == NO or said[-1].cue in AGAINST)):
            return False
        last = said[-1]
        for piece in reversed(said):
            if piece.clause != last.clause or piece.cue != last.cue:
                break
            piece.cue = cue
        self.start(WANT)
        return True

    def _besides(self, place: int) -> bool:
        """除了科幻，我还喜欢喜剧: "besides", where 还 or 也 and a wish follow in the sentence."""
        for later, lexeme in enumerate(self.lexemes[place + 1 :], place + 1):
            if lexeme.kind is Kind.END:
                return False
            if lexeme.kind is Kind.STOP and lexeme.text in ("还", "也", "還"):
                return any(one.kind in CONTENT for one in self.lexemes[later + 1 :])
        return False

    def _list_goes_on(self, place: int) -> bool:
        """Whether a comma only separates members of a list: the rest of the sentence has "and" or "or", no cue and
        nothing that was left as words."""
        joined = False
        for lexeme in self.lexemes[place + 1 :]:
            if lexeme.kind is Kind.END:
                break
            if lexeme.kind in (Kind.CUE, Kind.BUT, Kind.YEAR):
                return False
            joined |= lexeme.kind is Kind.JOIN
        return joined


def pieces_of(lexemes: Sequence[Lexeme]) -> list[Piece]:
    """Pieces that hold anything, in order."""
    return _Reader(lexemes).read()
