"""What the titles and categories of items say: words and pairs of words, Chinese runs, and categories as a whole."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

RARE = 3
"""A term of fewer items says too little of any interest."""
MOST = 60_000
"""Terms kept, the commonest ones."""
HAN_RUN = (2, 3, 4)
_HAN = re.compile(r"[㐀-䶿一-鿿]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_STOP = frozenset(
    (
        "the and for with from you your her his its this that are was were one two all new not but can who has have "
        "had into out set pack size oz ounce ounces fl fluid count free each per plus a an of to in on by is it be as "
        "at or no so if we our they them their will just more most very best only also than then when what which how "
        "get use de la le les des et der die das und el los las il ml kg lb inch inches pcs piece pieces part vol"
    ).split()
)
_EMPTY_HAN = frozenset("的了是在和与及或也都就而其这那有为以之于对从把被让给等很更最不没我你他她它们个一二三上下中里")


def fold(text: str) -> str:
    """``text`` without regard to case and width, white space squeezed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def terms(text: str) -> set[str]:
    """Folded words of three letters or more, pairs of neighbouring words, and Chinese runs of 2 to 4 characters; none
    begins or ends in a word without content."""
    folded = fold(text)
    found: set[str] = set()
    for stretch in re.split(r"[^\w\s'’-]+|\d+", _HAN.sub(" | ", folded)):
        words = _WORD.findall(stretch)
        said = [len(word) > 2 and word not in _STOP for word in words]
        found |= {word for word, full in zip(words, said, strict=True) if full}
        both = zip(pairwise(words), pairwise(said), strict=True)
        found |= {f"{left} {right}" for (left, right), full in both if all(full)}
    for run in _HAN.findall(folded):
        for size in HAN_RUN:
            pieces = (run[place : place + size] for place in range(len(run) - size + 1))
            found |= {piece for piece in pieces if piece[0] not in _EMPTY_HAN and piece[-1] not in _EMPTY_HAN}
    return found


@dataclass(frozen=True)
class Said:
    """``names`` are the terms as they are shown, ``folded`` as they are compared. ``items`` is bool CSR [n, terms];
    ``kinds`` bool [terms]: whether a term is a whole category or topic."""

    names: list[str]
    folded: list[str]
    items: sparse.csr_array
    kinds: np.ndarray

    def of(self, row: int) -> set[str]:
        """Folded terms of one item."""
        low, high = self.items.indptr[row], self.items.indptr[row + 1]
        return {self.folded[place] for place in self.items.indices[low:high]}


def read(titles: Sequence[str], kinds: Sequence[Iterable[str]]) -> Said:
    """The terms of a catalogue: of ``titles``, and of ``kinds`` (categories and topics of each item)."""
    shown: Counter[tuple[str, str]] = Counter()
    whole: set[str] = set()
    found: list[set[str]] = []
    for title, own in zip(titles, kinds, strict=True):
        spoken = terms(title)
        for kind in own:
            key = fold(kind)
            if key:
                shown[key, " ".join(kind.split())] += 1
                whole.add(key)
                spoken |= terms(kind) | {key}
        found.append(spoken)
    counts = Counter(term for spoken in found for term in spoken)
    rare = min(RARE, max(1, len(titles) // 10))
    kept = sorted((term for term, count in counts.items() if count >= rare), key=lambda term: (-counts[term], term))
    names: dict[str, str] = {}
    for (key, name), _ in sorted(shown.items(), key=lambda pair: (-pair[1], pair[0])):
        names.setdefault(key, name)
    kept = sorted(kept[:MOST])
    places = {term: place for place, term in enumerate(kept)}
    cells = [sorted(places[term] for term in spoken if term in places) for spoken in found]
    indptr = np.concatenate(([0], np.cumsum([len(row) for row in cells]))).astype(np.int64)
    indices = np.fromiter((place for row in cells for place in row), dtype=np.int32, count=int(indptr[-1]))
    data = np.ones(len(indices), dtype=np.float32)
    matrix = sparse.csr_array((data, indices, indptr), shape=(len(found), len(kept)))
    return Said([names.get(term, term) for term in kept], kept, matrix, np.array([term in whole for term in kept]))
