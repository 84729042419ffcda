"""A text as a reader takes it, whatever signs it is written in, with the way back to every sign of the original.

Three views of a text are read by rules and by the classifier:

    plain   compatibility forms, look-alikes, invisible signs, traditional characters and pictures folded away
    tight   plain, and what was put between the signs of a word taken out: "f.u.c.k", "傻 * 逼"; leet digits as letters
    sounds  syllables of tight, for homophones

Folding follows Unicode Standard Annex 15 (NFKC) and the idea of Unicode Technical Standard 39 (confusables).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from zhiyin.scenarios.community.moderation.folding import folded, is_han, is_joint, leet, looks_latin
from zhiyin.scenarios.community.moderation.tables import LONGEST_PARTS, parts, syllables

LONGEST = 20_000
"""Signs of a text that are read; the rest of a longer one is not looked at."""
GAP = 3
"""Signs between two signs of a word at most, for it still to be one word."""
RUN = 3
"""A letter this many times in a row is drawn out."""


@dataclass(frozen=True)
class View:
    """``text`` and, for each of its signs, where in the original it begins and ends."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original ``text[start:end]`` (not empty) comes from."""
        return min(self.starts[start:end]), max(self.ends[start:end])


@dataclass(frozen=True)
class Views:
    """``sounds`` holds for each sign of ``tight`` the syllables it may be read as, none for what is no character."""

    original: str
    plain: View
    tight: View

    @cached_property
    def sounds(self) -> list[tuple[str, ...]]:
        known = syllables()
        return [known.get(sign, ()) for sign in self.tight.text]


def views(text: str) -> Views:
    """All views of ``text``, of which at most ``LONGEST`` signs are read."""
    plain = _joined(_folded(text[:LONGEST]))
    return Views(text, plain, _tight(plain))


@lru_cache(1024)
def plain(text: str) -> str:
    """The plain view alone, as the classifier reads it."""
    return _joined(_folded(text[:LONGEST])).text


def _folded(text: str) -> View:
    signs: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, sign, latin in looks_latin(text):
        for one in folded(sign, latin):
            # Of a drawn-out letter two are left: some words have two.
            if len(signs) > 1 and signs[-1] == signs[-2] == one and not one.isdigit():
                ends[-1] = place + 1
                continue
            if one == " " and signs and signs[-1] == " ":
                continue
            signs.append(one)
            starts.append(place)
            ends.append(place + 1)
    return View("".join(signs), starts, ends)


def _joined(view: View) -> View:
    """Characters that were written in parts."""
    text, known = view.text, parts()
    if not any(sign in known.first for sign in text):
        return view
    signs: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = 0
    while place < len(text):
        size = 1
        sign = text[place]
        if sign in known.first:
            for length in range(min(LONGEST_PARTS, len(text) - place), 1, -1):
                whole = known.whole.get(text[place : place + length])
                if whole is not None:
                    sign, size = whole, length
                    break
        signs.append(sign)
        starts.append(view.starts[place])
        ends.append(view.ends[place + size - 1])
        place += size
    return View("".join(signs), starts, ends)


def _tight(view: View) -> View:
    text = view.text
    kept = [place for place in range(len(text)) if not is_joint(text[place])]
    # What stands between two signs goes where both are characters, or both are letters that stand alone.
    gone: set[int] = set()
    for here, there in pairwise(kept):
        if 1 < there - here <= GAP + 1 and _one_word(text, here, there):
            gone.update(range(here + 1, there))
    places = [place for place in range(len(text)) if place not in gone]
    signs = leet("".join(text[place] for place in places))
    joined = View(signs, [view.starts[place] for place in places], [view.ends[place] for place in places])
    # What was joined may be a character in parts again.
    return _joined(joined)


def _one_word(text: str, here: int, there: int) -> bool:
    if is_han(text[here]) and is_han(text[there]):
        return True
    return _alone(text, here) and _alone(text, there) and (_alone_near(text, here, -1) or _alone_near(text, there, 1))


def _alone(text: str, place: int) -> bool:
    """Whether a letter (or what is read as one) has no other beside it."""
    if not _letter(text[place]):
        return False
    before = place > 0 and _letter(text[place - 1])
    after = place + 1 < len(text) and _letter(text[place + 1])
    return not before and not after


def _letter(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def _alone_near(text: str, place: int, step: int) -> bool:
    """Whether the next letter in the direction ``step`` stands alone, too: "a b" alone is no word."""
    for distance in range(2, GAP + 2):
        other = place + step * distance
        if not 0 <= other < len(text):
            return False
        if _letter(text[other]):
            return _alone(text, other)
    return False
