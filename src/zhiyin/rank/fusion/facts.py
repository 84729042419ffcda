"""What is known of items and of a person's history beside the scores of models: columns of the table."""

from __future__ import annotations

from dataclasses import dataclass
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

    def table(self, histories: Histories, indptr: Longs, items: Ints) -> Floats:
        """float32 [rows, columns] for the candidates ``items`` of each history."""
        rows = owners(indptr)
        parts = [self.items[items], self._person(histories, rows, items)]
        if self.vectors is not None or self.kinds is not None:
            parts.append(self._pairs(histories, indptr, items))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def _person(self, histories: Histories, rows: Longs, items: Ints) -> Floats:
        popularity = self.items[:, 0]
        people = len(histories)
        sums = np.bincount(histories.owners(), weights=popularity[histories.items], minlength=people)
        own = sums / np.maximum(histories.lengths, 1)
        return np.stack((np.log1p(histories.lengths)[rows], popularity[items] - own[rows]), axis=1).astype(np.float32)

    def _pairs(self, histories: Histories, indptr: Longs, items: Ints) -> Floats:
        width = (3 if self.vectors is not None else 0) + (1 if self.kinds is not None else 0)
        found = np.zeros((len(items), width), dtype=np.float32)
        for person in range(len(histories)):
            low, high = indptr[person], indptr[person + 1]
            own = histories.items[histories.indptr[person] : histories.indptr[person + 1]][-LATEST:]
            if low == high or not len(own):
                continue
            if self.vectors is not None:
                close = self.vectors[items[low:high]] @ self.vectors[own].T
                found[low:high, 0] = close[:, -1]
                found[low:high, 1] = close.max(axis=1)
                found[low:high, 2] = close.mean(axis=1)
            if self.kinds is not None:
                found[low:high, -1] = self._affinity(own, items[low:high])
        return found

    def _affinity(self, own: Ints, items: Ints) -> Floats:
        """Cosine between the categories of ``items`` and those of the history, later events counting more."""
        assert self.kinds is not None
        indptr, indices, data = self.kinds.indptr, self.kinds.indices, self.kinds.data
        taste = np.zeros(self.kinds.shape[1], dtype=np.float32)
        weight = np.float32(1.0)
        for item in own[::-1]:
            low, high = indptr[item], indptr[item + 1]
            taste[indices[low:high]] += weight * data[low:high]
            weight *= np.float32(FADING)
        length = float(np.linalg.norm(taste))
        if not length:
            return np.zeros(len(items), dtype=np.float32)
        starts, sizes = indptr[items], np.diff(indptr)[items]
        picks = np.repeat(starts - np.concatenate(([0], np.cumsum(sizes)[:-1])), sizes) + np.arange(sizes.sum())
        pulls = data[picks] * taste[indices[picks]]
        rows = np.repeat(np.arange(len(items)), sizes)
        return (np.bincount(rows, weights=pulls, minlength=len(items)) / length).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"facts": self.items}


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
