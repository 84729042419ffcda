"""The words of an interest: those that its items say and the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.rank.interests.terms import Said
from zhiyin.types import Floats, Longs

WORDS = 5
"""Words of one interest."""
TOP = 20
"""Items shown of one interest."""
SMALLEST = 0.05
"""A further word must add at least this share of what the first one said."""


@dataclass(frozen=True)
class Spoken:
    """``words`` as shown, best first; ``kinds``: whole categories or topics among what describes it, best first;
    ``top`` are its items by load, best first."""

    words: list[str]
    kinds: list[str]
    top: list[int]


def loads(q: Floats, counts: Longs) -> Floats:
    """How much each item stands for each interest: q(z|c) log(2 + events of c), float32 [n, Z]. What nobody took may
    stand for an interest, what many took is better known."""
    return np.asarray(q * np.log(2.0 + counts)[:, None], dtype=np.float32)


def lifts(q: Floats, counts: Longs) -> Floats:
    """log(2 + events of c) (q(z|c) - q(z)), float32 [n, Z], with q(z) the mean so weighted: the columns sum to 0, so a
    word that all items say is worth nothing."""
    known = np.log(2.0 + counts)[:, None]
    mean = (q * known).sum(axis=0) / known.sum()
    return np.asarray(known * (q - mean), dtype=np.float32)


def describe(q: Floats, counts: Longs, said: Said, hidden: Sequence[bool] | np.ndarray) -> list[Spoken]:
    """Words, categories and items of every interest (columns of ``q`` [n, Z]).

    Words are chosen one after the other: each is the term whose items, those with an earlier word left out, have the
    largest sum of lifts. So they tell the interest apart and between them cover it.
    """
    load, lift = loads(q, counts), lifts(q, counts)
    load[np.asarray(hidden, dtype=np.bool_)] = -1
    spoken = []
    for place in range(q.shape[1]):
        order = np.lexsort((np.arange(len(q)), -load[:, place]))
        top = [int(row) for row in order[:TOP] if load[row, place] >= 0]
        words = chosen(lift[:, place], said, WORDS, SMALLEST)
        kinds = chosen(lift[:, place], said, 2, 0.3, only=said.kinds)
        spoken.append(Spoken([said.names[term] for term in words], [said.names[term] for term in kinds], top))
    return spoken


def chosen(lift: Floats, said: Said, most: int, smallest: float, only: np.ndarray | None = None) -> list[int]:
    """Up to ``most`` terms by the sum of ``lift`` [n] over the items that say them and none of those before."""
    left = lift.copy()
    found: list[int] = []
    first = 0.0
    if not said.items.shape[1]:
        return found
    back = said.items.T
    while len(found) < most:
        worth = np.asarray(back @ left)
        if only is not None:
            worth = np.where(only, worth, -np.inf)
        best = int(worth.argmax())
        first = first or float(worth[best])
        if worth[best] <= 0 or worth[best] < smallest * first:
            break
        found.append(best)
        column = said.items[:, [best]].toarray().ravel() > 0
        left[column] = 0
    return found


def coverage(words: Sequence[str], top: Sequence[int], said: Said) -> float:
    """Share of the items ``top`` that say at least one of ``words``; 0 where there are no items."""
    places = {name: place for place, name in enumerate(said.names)}
    wanted = {said.folded[places[word]] for word in words if word in places}
    return sum(bool(said.of(row) & wanted) for row in top) / len(top) if top else 0.0
