"""Terms of a text: words and pairs of words where words are spaced, runs of 2 to 4 characters in Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

HAN_RUN = (2, 3, 4)
_HAN = re.compile(r"[㐀-䶿一-鿿]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
STOP = frozenset(
    (
        "the and for with from you your her his its this that are was were one two all new not but can who "
        "has have had into out set pack size oz ounce ounces fl fluid count free each per plus a an of to in "
        "on by is it be as at or no so if we our they them their will just more most very best only also than "
        "then when what which how get use used using de la le les des und der die das el los las con para ml "
        "kg lb inch inches pcs piece pieces ref"
    ).split()
)
_EMPTY_HAN = frozenset(
    "的了是在和与及或也都就而其这那有为以之于对从把被让给等很更最不没我你他她它们个一二三上下中里后前"
)


def grams(text: str) -> list[str]:
    """Folded words (two letters or more, no stop words) and the pairs of characters of Chinese runs: for comparing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = [word for word in _WORD.findall(_HAN.sub(" ", folded)) if len(word) > 1 and word not in STOP]
    pairs = [run[place : place + 2] for run in _HAN.findall(folded) for place in range(max(1, len(run) - 1))]
    return words + pairs


def terms(text: str) -> set[str]:
    """Terms that could name a topic: words of three letters or more, pairs of neighbouring words, and Chinese runs of 2
    to 4 characters that neither begin nor end in a word without content."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    found: set[str] = set()
    for stretch in re.split(r"[^\w\s'’-]+|\d+", _HAN.sub(" | ", folded)):
        words = _WORD.findall(stretch)
        found |= {word for word in words if len(word) > 2 and word not in STOP}
        found |= {
            f"{left} {right}"
            for left, right in pairwise(words)
            if len(left) > 2 and len(right) > 2 and left not in STOP and right not in STOP
        }
    for run in _HAN.findall(folded):
        for size in HAN_RUN:
            pieces = (run[place : place + size] for place in range(len(run) - size + 1))
            found |= {piece for piece in pieces if piece[0] not in _EMPTY_HAN and piece[-1] not in _EMPTY_HAN}
    return found


class TermCounts:
    """In how many of the catalogue's texts each term occurs; terms of a single text are forgotten."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.of: list[set[str]] = [terms(text) for text in texts]
        counts = Counter(term for found in self.of for term in found)
        self.count = {term: count for term, count in counts.items() if count > 1}
        self.total = len(texts)

    def vectors(self, dimension: int, seed: int) -> Floats:
        """Float32 [texts, dimension], rows of unit length or zeros: terms weighted by rarity, reduced by SVD."""
        from scipy import sparse
        from sklearn.decomposition import TruncatedSVD

        places = {term: place for place, term in enumerate(sorted(self.count))}
        cells = [(row, places[term]) for row, found in enumerate(self.of) for term in sorted(found) if term in places]
        if not cells:
            return np.zeros((self.total, 1), dtype=np.float32)
        rows, columns = np.array(cells, dtype=np.int32).T
        rarity = np.log(self.total / np.array([self.count[term] for term in sorted(self.count)])) + 0.1
        matrix = sparse.csr_array((rarity[columns], (rows, columns)), shape=(self.total, len(places)))
        width = min(dimension, len(places) - 1, self.total - 1)
        # Equal texts have no variance to explain, which the reducer divides by.
        with np.errstate(invalid="ignore", divide="ignore"):
            reduced = TruncatedSVD(width, random_state=seed).fit_transform(matrix) if width > 1 else matrix.toarray()
        lengths = np.linalg.norm(reduced, axis=1, keepdims=True)
        return np.asarray(np.where(lengths > 1e-9, reduced / np.maximum(lengths, 1e-12), 0), dtype=np.float32)

    def distinctive(self, rows: NDArray[np.integer[Any]] | Sequence[int], most: int) -> list[str]:
        """Up to ``most`` terms that speak of these texts and of few others, best first.

        A term's worth is its share of these texts times the logarithm of how much more frequent it is here than
        everywhere. A shorter term that mostly occurs inside a longer one of this list is left out.
        """
        inside = Counter(term for row in rows for term in self.of[int(row)] if term in self.count)
        size = max(1, len(rows))
        worth = {
            term: count / size * float(np.log((count / size) / (self.count[term] / self.total)))
            for term, count in inside.items()
            if count > 1 or size == 1
        }
        # A longer term says more for nearly the same worth.
        ranked = sorted(worth, key=lambda term: (-round(worth[term] * _length_bonus(term), 9), term))
        kept: list[str] = []
        for term in ranked:
            if worth[term] <= 0 or len(kept) == most:
                break
            if not any(term in longer or longer in term for longer in kept):
                kept.append(term)
        return kept


def _length_bonus(term: str) -> float:
    if _HAN.match(term):
        return 1 + 0.12 * (len(term) - HAN_RUN[0])
    return 1.25 if " " in term else 1.0
