"""What goes with an item because people buy both, told apart from what they look at in its place.

Two items that the same people buy within a while go together; two that they look at on the same visit and buy one of
stand in each other's place (McAuley, Pandey and Leskovec 2015, "Inferring Networks of Substitutable and Complementary
Products": also bought against also viewed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.types import NO_TIME, Floats, Ints, Longs

SHRINK = 10.0
"""Added to the number of people of each item, so that few people say little. Chosen on the validation part of Amazon
Beauty among 3 and 10."""
MOST_STEPS = 50
"""An event is held against so many that follow it of the same person; whoever takes more in one go is a shop."""


@dataclass(frozen=True)
class Pairs:
    """``counts`` float32 CSR [n, n], symmetric, zero diagonal: people who had both items within a while. ``people``
    float32 [n]: people who had the item at all."""

    counts: sparse.csr_array
    people: Floats

    @classmethod
    def of(cls, users: Ints, items: Ints, times: Longs, n: int, window: int) -> Pairs:
        """From events in any order: rows of people, rows of items below ``n``, times in microseconds. Events without a
        time (``NO_TIME``) count as of one moment. ``window`` is in microseconds; a person counts once for a pair."""
        order = np.lexsort((items, times, users))
        users, items, times = users[order], items[order], times[order]
        found: list[NDArray[np.int64]] = []
        for step in range(1, MOST_STEPS + 1):
            if step >= len(users):
                break
            # Compared and not subtracted: the time that stands for none is as low as a number goes.
            latest = np.where(times[:-step] == NO_TIME, NO_TIME, times[:-step] + window)
            near = (users[:-step] == users[step:]) & (times[step:] <= latest)
            if not near.any():
                break
            low = np.minimum(items[:-step], items[step:])[near].astype(np.int64)
            high = np.maximum(items[:-step], items[step:])[near].astype(np.int64)
            key = (users[:-step][near].astype(np.int64) * n + low) * n + high
            found.append(key[low != high])
        keys = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
        low, high = (keys // n) % n, keys % n
        ones = np.ones(2 * len(keys), dtype=np.float32)
        counts = sparse.coo_array((ones, (np.r_[low, high], np.r_[high, low])), shape=(n, n)).tocsr()
        counts.sum_duplicates()
        had = np.unique(users.astype(np.int64) * n + items)
        return cls(counts, np.bincount(had % n, minlength=n).astype(np.float32))

    def over(self, rows: Ints, n: int) -> Pairs:
        """The same counts over ``n`` items: item i is in row ``rows[i]`` there, or left out where that is -1."""
        table, kept = self.counts.tocoo(), rows >= 0
        both = kept[table.row] & kept[table.col]
        where = (rows[table.row[both]], rows[table.col[both]])
        people = np.zeros(n, dtype=np.float32)
        people[rows[kept]] = self.people[kept]
        return Pairs(sparse.coo_array((table.data[both], where), shape=(n, n)).tocsr(), people)

    def likeness(self, item: int) -> tuple[Ints, Floats]:
        """Items that somebody had with ``item``, and how much more than by chance: n_ij over the root of the two
        numbers of people, each ``SHRINK`` larger; in (0, 1)."""
        low, high = self.counts.indptr[item], self.counts.indptr[item + 1]
        others = self.counts.indices[low:high].astype(np.int32)
        scale = np.sqrt((self.people[item] + SHRINK) * (self.people[others] + SHRINK))
        return others, (self.counts.data[low:high] / scale).astype(np.float32)

    def share(self, item: int, other: int) -> float:
        """Of the people who had ``item``, those who had ``other`` within a while of it."""
        both = float(self.counts[item, other])
        return both / float(self.people[item]) if both else 0.0


@dataclass(frozen=True)
class Takers:
    """Who had each item, however long one after the other: ``people`` int32 in order, those of item i from
    ``starts[at[i]]`` on; ``at`` int32 [n] is -1 for an item of which nothing was counted."""

    starts: Longs
    people: Ints
    at: Ints

    @classmethod
    def of(cls, users: Ints, items: Ints, n: int) -> Takers:
        """From rows of people and of items below ``n``, aligned; a pair may come several times."""
        had = np.unique(items.astype(np.int64) * (int(users.max(initial=0)) + 1) + users)
        item, person = np.divmod(had, int(users.max(initial=0)) + 1)
        starts = np.searchsorted(item, np.arange(n + 1)).astype(np.int64)
        return cls(starts, person.astype(np.int32), np.arange(n, dtype=np.int32))

    def over(self, at: Ints) -> Takers:
        """Over other items: i there was ``at[i]`` here, or is new where that is -1."""
        return Takers(self.starts, self.people, at)

    def share(self, item: int, other: int) -> float:
        """Of the people who had ``item``, those who had ``other``, too."""
        these, those = self._of(item), self._of(other)
        both = len(np.intersect1d(these, those, assume_unique=True))
        return both / len(these) if both else 0.0

    def count(self, item: int) -> int:
        return len(self._of(item))

    def _of(self, item: int) -> Ints:
        own = int(self.at[item])
        return self.people[self.starts[own] : self.starts[own + 1]] if own >= 0 else self.people[:0]


def complements(bought: Pairs, viewed: Pairs, items: Sequence[int], penalty: float) -> Floats:
    """How well each of n items goes with ``items`` together, float32 [n], 0 for nothing known: the sum over them of
    what is bought with each less ``penalty`` times what is looked at on the same visits, nothing below 0. What is
    rather looked at in the place of one of ``items`` than bought with it goes with none of them."""
    n = len(bought.people)
    score, barred = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.bool_)
    for item in items:
        with_it, instead = np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.float32)
        others, worth = bought.likeness(item)
        with_it[others] = worth
        others, worth = viewed.likeness(item)
        instead[others] = worth
        score += np.maximum(with_it - penalty * instead, 0)
        barred |= penalty * instead > with_it
    score[barred] = 0
    score[np.asarray(items, dtype=np.int64)] = 0
    return score
