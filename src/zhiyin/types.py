"""Vocabulary shared by every stage: column names, user temperature, and the arrays that stages pass on.

Nothing here imports the rest of Zhiyin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

USER = "user_id"
ITEM = "item_id"
TYPE = "event_type"
VALUE = "value"
WEIGHT = "weight"
TIME = "datetime"
SCORE = "score"
RANK = "rank"

NO_TIME = int(np.iinfo(np.int64).min)
"""Time of an event that carries none: sorts before every real time. Times are int64 microseconds since 1970, UTC."""

DEFAULT_SURFACE = "default"
"""Where a list is shown if nobody says where: the name of its pipeline."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Temperature(StrEnum):
    """How much is known of a user: ``hot`` was there in training, ``warm`` has events since, ``cold`` has none."""

    HOT = "hot"
    WARM = "warm"
    COLD = "cold"


class Tier(StrEnum):
    """Which kind of language model took part: ``none`` at all, one in this process (``embedded``), or a server's
    (``remote``)."""

    NONE = "none"
    EMBEDDED = "embedded"
    REMOTE = "remote"


class Job(StrEnum):
    """What a language model is asked to do. Each can be switched on alone."""

    ITEMS = "items"
    INTERESTS = "interests"
    PROFILES = "profiles"
    QUERIES = "queries"
    EXPLANATIONS = "explanations"
    RERANK = "rerank"
    WRITING = "writing"
    PAGES = "pages"
    MODERATION = "moderation"


class IdMap:
    """Two-way map between outside ids (strings) and rows 0..n-1. Rows follow the order given; ids are unique."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids: list[str] = list(ids)
        self._rows: dict[str, int] = {key: row for row, key in enumerate(self.ids)}
        if len(self._rows) != len(self.ids):
            raise ValueError("ids must be unique")

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def row(self, key: str) -> int:
        """Row of ``key``, or -1 where it is unknown."""
        return self._rows.get(key, -1)

    def rows(self, keys: Sequence[str]) -> Ints:
        """Rows of ``keys``; -1 where unknown."""
        return np.fromiter(map(self._rows.get, keys, repeat(-1)), dtype=np.int32, count=len(keys))


@dataclass(frozen=True)
class Histories:
    """Chronological item histories of B users, oldest first, in compressed rows.

    ``items[indptr[b]:indptr[b + 1]]`` are the item rows of user ``b``; ``weights`` (> 0) and ``times`` (int64
    microseconds, ``NO_TIME`` where unknown) are aligned with ``items``. ``users`` holds each user's row in the
    training data, or -1 for someone training has not seen. A history may be empty.
    """

    indptr: Longs
    items: Ints
    weights: Floats
    times: Longs
    users: Ints

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def lengths(self) -> Longs:
        return np.diff(self.indptr)

    def owners(self) -> Ints:
        """The row 0..B-1 each event belongs to, aligned with ``items``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def steps_ago(self) -> Ints:
        """0 for each user's latest event, 1 for the one before, and so on; aligned with ``items``."""
        if len(self) == 1:
            return np.arange(len(self.items) - 1, -1, -1, dtype=np.int32)
        ends = np.repeat(self.indptr[1:], self.lengths)
        return (ends - 1 - np.arange(len(self.items))).astype(np.int32)

    def slice(self, start: int, stop: int) -> Histories:
        """Histories of users ``start`` to ``stop`` (exclusive), without copying events."""
        stop = min(stop, len(self))
        low, high = self.indptr[start], self.indptr[stop]
        return Histories(
            self.indptr[start : stop + 1] - low,
            self.items[low:high],
            self.weights[low:high],
            self.times[low:high],
            self.users[start:stop],
        )

    def take(self, rows: NDArray[np.integer[Any]]) -> Histories:
        """Histories of the given rows, in that order."""
        lengths = self.lengths[rows]
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        picks = np.repeat(self.indptr[:-1][rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return Histories(indptr, self.items[picks], self.weights[picks], self.times[picks], self.users[rows])

    @staticmethod
    def of(
        items: Sequence[Sequence[int]],
        weights: Sequence[Sequence[float]] | None = None,
        times: Sequence[Sequence[int]] | None = None,
        users: Sequence[int] | None = None,
    ) -> Histories:
        """Build from plain lists (weights default to 1, times to unknown, users to -1)."""
        lengths = [len(row) for row in items]
        total = sum(lengths)

        def flat(rows: Sequence[Sequence[Any]] | None, default: Any, dtype: Any) -> NDArray[Any]:
            if rows is None:
                return np.full(total, default, dtype=dtype)
            return np.array([value for row in rows for value in row], dtype=dtype)

        return Histories(
            np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            flat(items, 0, np.int32),
            flat(weights, 1.0, np.float32),
            flat(times, NO_TIME, np.int64),
            np.full(len(items), -1, dtype=np.int32) if users is None else np.array(users, dtype=np.int32),
        )


@dataclass(frozen=True)
class Interactions:
    """Cleaned positive interactions with their id maps; ``histories`` has one row per user in ``users`` order.

    ``items`` covers the whole catalogue, so items without a single event have a row too. ``links`` says who is linked
    with whom (friends, follows): float32 CSR [users, users], symmetric, weights > 0, nothing on the diagonal; None
    where no link is known.
    """

    users: IdMap
    items: IdMap
    histories: Histories
    links: sparse.csr_array | None = None

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def n_items(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Catalogue:
    """What is known of items, aligned row by row with ``Interactions.items``.

    ``titles`` may hold "" where unknown. ``texts`` is what was encoded. ``vectors`` is float32 [n, d], each row of
    unit length, a row of zeros meaning "no text"; None where no encoder ran. ``hidden`` items are never recommended.
    """

    titles: list[str]
    categories: list[list[str]]
    texts: list[str]
    vectors: Floats | None
    hidden: NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingData:
    """All that a model may learn from."""

    interactions: Interactions
    catalogue: Catalogue
    seed: int = 0
    now: int = field(default=NO_TIME)
    """Time at which the model is imagined to be trained (microseconds): recency is counted back from here."""


@dataclass(frozen=True)
class ItemFeatures:
    """What was read in an item's text. Any part may be empty; ``topics`` are topic ids with weights in (0, 1],
    ``audience`` are names out of a fixed list, ``language`` is "zh", "en" or another code, "" where unknown. ``tier``
    says who read it."""

    language: str
    topics: dict[str, float]
    attributes: dict[str, str]
    summary: str
    audience: list[str]
    tier: Tier


@dataclass(frozen=True)
class Wish:
    """One thing that a person asks for or against, taken out of plain words.

    ``text`` is what it is about, without the words that say more or less ("slow science fiction"). ``weight`` is in
    [-1, 1]: above 0 more of it, below 0 less. With ``hard`` it is a rule and no leaning: nothing that matches may come
    out (weight < 0), or nothing else may (weight > 0). ``field`` is "any", "title", "category", "item" (an item the
    person names as known or liked), "year" (text as "1990-1999", either end may be missing), "topic", "by" (who made
    it, as titles say) or an attribute's name.
    """

    text: str
    weight: float
    hard: bool = False
    field: str = "any"
