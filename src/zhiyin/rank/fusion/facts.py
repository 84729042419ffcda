"""What is known of items and of a person's history beside the scores of models: columns of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from zhiyin.rank.fusion.table import owners
from zhiyin.types import NO_TIME, Catalogue, Floats, Histories, Ints, Longs, TrainingData

MICROSECONDS_A_DAY = 86_400_000_000
OLDEST = 10.0
"""log(1 + days) of what never happened, or has no time: some 60 years."""
LATEST = 30
"""Events of a history that are compared with a candidate."""
FADING = 0.9
"""Of two events one after the other, the earlier counts this many times the later for categories."""
DENSE_CELLS = 3000**2
"""Cosines between all texts are kept where they are no more, 36 MB at most."""

ITEM_COLUMNS = ("popularity", "last_taken", "first_taken")
PERSON_COLUMNS = ("history", "popularity_gap")
TEXT_COLUMNS = ("text_last", "text_nearest", "text_mean")
CATEGORY_COLUMNS = ("category",)


@dataclass(frozen=True)
class Facts:
    """``items`` float32 [n, 3]: log(1 + events), and log(1 + days) since the last and the first event, as of training.
    ``vectors`` are the catalogue's, ``kinds`` is CSR [n, categories] with rows of unit length; None without any."""

    items: Floats
    vectors: Floats | None
    kinds: sparse.csr_array | None

    @staticmethod
    def of(data: TrainingData) -> Facts:
        histories, n = data.interactions.histories, data.interactions.n_items
        counts = np.bincount(histories.items, minlength=n)
        timed = histories.times != NO_TIME
        now = data.now if data.now != NO_TIME else int(histories.times.max(initial=NO_TIME))
        ages = np.maximum(now - histories.times[timed], 0) / MICROSECONDS_A_DAY
        last, first = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(last, histories.items[timed], ages)
        np.maximum.at(first, histories.items[timed], ages)
        first[~np.isfinite(first)] = np.inf
        columns = (np.log1p(counts), np.minimum(np.log1p(last), OLDEST), np.minimum(np.log1p(first), OLDEST))
        return Facts.restore(np.stack(columns, axis=1).astype(np.float32), data.catalogue)

    @staticmethod
    def restore(items: Floats, catalogue: Catalogue) -> Facts:
        vectors = catalogue.vectors
        if vectors is not None and not vectors.any():
            vectors = None
        return Facts(items, vectors, _kinds(catalogue.categories))

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Items nobody has taken: bool [n]."""
        return np.asarray(self.items[:, 0] == 0)

    @property
    def columns(self) -> tuple[str, ...]:
        found: tuple[str, ...] = ITEM_COLUMNS + PERSON_COLUMNS
        if self.vectors is not None:
            found += TEXT_COLUMNS
        return found if self.kinds is None else found + CATEGORY_COLUMNS

    def with_newcomers(self, vectors: Floats) -> Facts:
        """Also for items that came after training, as rows behind the others; they are in no category."""
        fresh = np.tile(np.array([0.0, OLDEST, OLDEST], dtype=np.float32), (len(vectors), 1))
        known = self.vectors
        if known is not None:
            known = np.concatenate((known, vectors.astype(np.float32)))
        kinds = self.kinds
        if kinds is not None:
            kinds = sparse.vstack([kinds, sparse.csr_array((len(vectors), kinds.shape[1]), dtype=np.float32)], "csr")
        return Facts(np.concatenate((self.items, fresh)), known, kinds)

    def table(self, histories: Histories, indptr: Longs, items: Ints, needed: Sequence[bool] | None = None) -> Floats:
        """float32 [rows, columns] for the candidates ``items`` of each history; of the ``columns`` those that are
        ``needed``."""
        rows = owners(indptr)
        kept = np.ones(len(self.columns), dtype=np.bool_) if needed is None else np.asarray(needed, dtype=np.bool_)
        parts = [self.items[items], self._person(histories, rows, items)]
        at = len(ITEM_COLUMNS + PERSON_COLUMNS)
        if self.vectors is not None:
            parts.append(self._texts(histories, indptr, items) if kept[at : at + 3].any() else _nothing(items, 3))
        if self.kinds is not None:
            parts.append(self._affinity(histories, rows, items) if kept[-1] else _nothing(items, 1))
        found: Floats = np.concatenate(parts, axis=1)
        return found if kept.all() else found[:, kept]

    def _person(self, histories: Histories, rows: Longs, items: Ints) -> Floats:
        popularity = self.items[:, 0]
        people = len(histories)
        sums = np.bincount(histories.owners(), weights=popularity[histories.items], minlength=people)
        own = sums / np.maximum(histories.lengths, 1)
        return np.stack((np.log1p(histories.lengths)[rows], popularity[items] - own[rows]), axis=1).astype(np.float32)

    def _texts(self, histories: Histories, indptr: Longs, items: Ints) -> Floats:
        """Cosines of each candidate with the latest events: with the last, the nearest, and their mean."""
        assert self.vectors is not None
        found = _nothing(items, 3)
        alike = self.alike
        for person in range(len(histories)):
            low, high = indptr[person], indptr[person + 1]
            own = histories.items[histories.indptr[person] : histories.indptr[person + 1]][-LATEST:]
            if low == high or not len(own):
                continue
            if alike is not None:
                close = alike[own].take(items[low:high], axis=1)
            else:
                close = self.vectors[own] @ self.vectors[items[low:high]].T
            found[low:high, 0] = close[-1]
            found[low:high, 1] = close.max(axis=0)
            found[low:high, 2] = close.sum(axis=0) / np.float32(len(own))
        return found

    @cached_property
    def alike(self) -> Floats | None:
        """Cosines of all texts, float32 [n, n]; None where that would be large."""
        if self.vectors is None or len(self.vectors) ** 2 > DENSE_CELLS:
            return None
        found: Floats = self.vectors @ self.vectors.T
        return found

    def _affinity(self, histories: Histories, rows: Longs, items: Ints) -> Floats:
        """Cosine between the categories of ``items`` and those of the history, later events counting more; [rows, 1]
        like the other parts."""
        assert self.kinds is not None
        ago = histories.steps_ago()
        weights = np.where(ago < LATEST, np.float32(FADING) ** ago, 0).astype(np.float32)
        shape = (len(histories), len(self.items))
        taken = sparse.csr_array((weights, histories.items, histories.indptr), shape=shape)
        taste = (taken @ self.kinds).toarray()
        lengths = np.linalg.norm(taste, axis=1, keepdims=True)
        taste /= np.where(lengths > 0, lengths, np.float32(1))
        indptr, indices, data = self.kinds.indptr, self.kinds.indices, self.kinds.data
        starts, sizes = indptr[items], np.diff(indptr)[items]
        ends = np.cumsum(sizes)
        picks = np.repeat(starts - (ends - sizes), sizes) + np.arange(sizes.sum())
        own = np.repeat(np.arange(len(items)), sizes)
        pulls = data[picks] * taste[rows[own], indices[picks]]
        return np.bincount(own, weights=pulls, minlength=len(items)).astype(np.float32)[:, None]

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"facts": self.items}


def _nothing(items: Ints, width: int) -> Floats:
    return np.zeros((len(items), width), dtype=np.float32)


def _kinds(categories: list[list[str]]) -> sparse.csr_array | None:
    """Rows of unit length, categories in order of name; None where no item has any."""
    names = sorted({name for own in categories for name in own})
    if not names:
        return None
    column = {name: place for place, name in enumerate(names)}
    sizes = [len(set(own)) for own in categories]
    indices = [column[name] for own in categories for name in sorted(set(own))]
    data = np.repeat([1 / np.sqrt(size) if size else 0 for size in sizes], sizes).astype(np.float32)
    indptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return sparse.csr_array((data, np.array(indices, dtype=np.int32), indptr), shape=(len(categories), len(names)))
