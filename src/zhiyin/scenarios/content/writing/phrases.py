"""What a text speaks of again and again, in its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import log, log1p

from zhiyin.scenarios.content.topics.naming import whole
from zhiyin.scripts import is_han
from zhiyin.understand.items.terms import terms

Rarity = Callable[[str], float]
"""How rare a term is elsewhere: the logarithm of items over items that say it."""
INSIDE = 0.7
"""A term that this share of the times stands inside a longer one is left to it."""
LOOKED_AT = 30


def key_phrases(
    texts: Sequence[str], most: int, rarity: Rarity | None = None, said: Sequence[set[str]] | None = None
) -> list[str]:
    """Up to ``most`` phrases that several of the sentences ``texts`` hold (of a short text, one is enough), best first,
    spelt as the text does. Often said, long and rare elsewhere is best. ``said`` are the terms of each sentence, where
    they are known."""
    counts = Counter(term for found in (map(terms, texts) if said is None else said) for term in found)
    least = 2 if len(texts) > 3 else 1
    total = max(2, len(texts))

    def worth(term: str) -> float:
        # What nearly every sentence says is the frame, not the subject.
        spread = counts[term] * log1p(total / counts[term])
        return spread * _length(term) * (1.0 if rarity is None else rarity(term))

    some = sorted((term for term, count in counts.items() if count >= least), key=lambda term: (-worth(term), term))
    some = whole(some[:LOOKED_AT], texts)
    kept: list[str] = []
    for term in some:
        longer = [other for other in some if term != other and term in other and counts[other] >= INSIDE * counts[term]]
        if not longer and not any(term in one or one in term for one in kept):
            kept.append(term)
        if len(kept) == most:
            break
    joined = "\n".join(texts)
    return [spelt(term, joined) for term in kept]


def spelt(term: str, text: str) -> str:
    """``term`` (folded) as ``text`` writes it most often."""
    if is_han(term[0]):
        return term
    words = r"\s+".join(map(re.escape, term.split()))
    found = Counter(re.findall(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE))
    return " ".join(found.most_common(1)[0][0].split()) if found else term


def rarity_of(counts: Mapping[str, int], total: int) -> Rarity:
    """By ``counts``, the items of ``total`` that say each term."""
    return lambda term: log((1 + total) / (1 + counts.get(term, 0))) + 0.1


def _length(term: str) -> float:
    """Longer terms say more: two characters 1, four 1.5; a pair of words 1.4."""
    if is_han(term[0]):
        return 1 + 0.25 * (len(term) - 2)
    return 1.4 if " " in term else 0.9
