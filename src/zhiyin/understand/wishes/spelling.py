"""Misspelt words, set right against the words that requests are made of."""

from __future__ import annotations

from collections.abc import Sequence

from zhiyin.understand.wishes.vocabulary import Vocabulary
from zhiyin.understand.wishes.words import Key, Token, is_han

SHORTEST = 4
"""Shorter words are left as they are: too many of them differ in one letter."""
TWO_EDITS = 8
"""From this length two edits are forgiven, below it one. A letter more, less, other, or two swapped is one edit."""
SUFFIXES = "片剧类歌书"
"""Characters that end a Chinese name of a kind: the two before them may hold one wrong character."""


def corrected(found: Sequence[Token], vocabulary: Vocabulary) -> dict[str, str]:
    """Folded words that nobody knows, with the folded known word that each is closest to; ties go to the names of
    concepts, then by spelling. Words with a digit and words of titles are left alone."""
    unknown = {
        token.word: token.text.casefold()
        for token in found
        if len(token.text) >= SHORTEST and token.word.isalpha() and not is_han(token.word)
    }
    known = vocabulary.known_words | set(vocabulary.spellings.values())
    fixed = {}
    for word, written in unknown.items():
        if word not in known and (meant := _closest(written, word, vocabulary)) is not None:
            fixed[word] = meant
    return fixed


def _closest(written: str, folded: str, vocabulary: Vocabulary) -> str | None:
    from rapidfuzz.distance import OSA

    most = 2 if len(written) >= TWO_EDITS else 1
    named = vocabulary.named_words
    near = []
    for candidate, word in vocabulary.spellings.items():
        # A word of four letters may only lack one: "slow" must not become "show".
        if len(candidate) < SHORTEST or (len(written) == SHORTEST and len(candidate) <= SHORTEST):
            continue
        if abs(len(candidate) - len(written)) > most + 2:
            continue
        # Plurals are compared both ways, so that a plural ending is no edit.
        edits = OSA.distance(written, candidate, score_cutoff=most)
        if edits > most and min(len(folded), len(word)) > SHORTEST:
            edits = OSA.distance(folded, word, score_cutoff=most)
        # A wrong first letter is rare; it is forgiven in long words that name something.
        alike = candidate[0] == written[0] or sorted(candidate[:2]) == sorted(written[:2])
        if edits <= most and (alike or (len(written) > 5 and edits == 1 and word in named)):
            near.append((edits, word not in named, candidate))
    return vocabulary.spellings[min(near)[2]] if near else None


def corrected_han(words: Sequence[str], at: int, vocabulary: Vocabulary) -> Key | None:
    """A name of two characters and a suffix (恐布片) with one character wrong, where only one concept is so close."""
    three = tuple(words[at : at + 3])
    if len(three) < 3 or three[2] not in SUFFIXES or not all(is_han(word) for word in three):
        return None
    near = {
        number: key
        for key, number in vocabulary.lexicon.concepts.items()
        if len(key) == 2 and is_han(key[0]) and (key[0] == three[0]) != (key[1] == three[1])
    }
    return next(iter(near.values())) if len(near) == 1 else None
